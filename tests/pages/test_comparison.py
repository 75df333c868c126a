"""Two recipes of one lake compared: figures against plain loops over the rows, the page in a browser."""

import io
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console
from selenium.webdriver.common.by import By

from jobs.engine.errors import UsageError
from jobs.views.pages.comparison import compared
from jobs.views.reader import LakeReader, stage_of_table
from jobs.views.report import write_report
from schemas.table import ENGINE_VERSION
from tests.pages.looking import complaints, look_at, screenshot
from tests.pages.small_lake import small_rows, write_table

DEPTHS = ("depth-a", "depth-b")
FOLLOWING = {"depth": "context", "lift": "depth", "disambiguate": "lift", "synthesize": "disambiguate"}


def nearer(png: bytes) -> bytes:
    depth_mm = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    return cv2.imencode(".png", np.round(depth_mm * 0.9).astype(np.uint16))[1].tobytes()


def of_b(table: str, row: dict[str, Any], number: int) -> dict[str, Any]:
    """Return what recipe B says: depth 10 % nearer, level 3 degrees off, and other answers here and there."""
    if table == "depths":
        return {**row, "depth": nearer(row["depth"]), "gravity": [0.0, np.cos(np.radians(3)), np.sin(np.radians(3))]}
    if table != "qa_pairs":
        return row
    row = {**row, "qa_id": "b" + row["qa_id"]}
    if row["type_id"] == "Q01" and number % 3 == 0:
        row["answer_bool"] = not row["answer_bool"]
    if row["type_id"] == "Q09":
        a, b = row["object_ids"]
        row |= {"side": "farther", "answer_object_id": a if number % 2 else b}
    if row["type_id"] == "N02":
        row["value_si"] *= 1.2 if number % 4 else 1.4
    return row


@pytest.fixture(scope="module")
def answers() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Answers of recipe A with those of recipe B about the same."""
    found = []
    for number, row in enumerate(small_rows()["qa_pairs"]):
        chosen = {"side": "closer", "answer_object_id": row["object_ids"][0]} if row["type_id"] == "Q09" else {}
        found.append(({**row, **chosen}, of_b("qa_pairs", {**row, **chosen}, number // 3)))
    return found


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, answers) -> Path:
    folder = tmp_path_factory.mktemp("compared")
    now = datetime(2026, 1, 2, tzinfo=UTC)
    recipes = [{"stage": "context", "recipe": "context-0", "upstream_recipe": "filter-0", "settings_json": "{}"}]
    for name in ("a", "b"):
        model = f'{{"expert": {{"family": "hub", "model": "<{name}>"}}}}'
        for stage, before in FOLLOWING.items():
            upstream = "context-0" if before == "context" else f"{before}-{name}"
            recipes.append({"stage": stage, "recipe": f"{stage}-{name}", "upstream_recipe": upstream})
            recipes[-1]["settings_json"] = model if stage == "depth" else "{}"
    write_table(folder, "recipes", [{**row, "activated_at": now, "engine_version": ENGINE_VERSION} for row in recipes])
    down = {"gravity": [0.0, 1.0, 0.0]}
    for table, stage in stage_of_table().items():
        rows = small_rows()[table] if table != "qa_pairs" else [first for first, _ in answers]
        if stage in FOLLOWING:
            first = [{**row, **(down if table == "depths" else {}), "recipe": f"{stage}-a"} for row in rows]
            second = [of_b(table, {**row, "recipe": f"{stage}-b"}, number // 3) for number, row in enumerate(rows)]
            write_table(folder, table, [*first, *(second[1:] if table == "depths" else second)])
        elif rows:
            write_table(folder, table, [{**row, "recipe": f"{stage}-0"} for row in rows])
    return folder


def test_figures_are_those_of_the_rows(lake):
    found = compared(LakeReader(str(lake)), *DEPTHS)
    assert (found.stage, found.a, found.b, found.same_objects) == ("depth", "depth-a", "depth-b", True)
    assert [(line.name, line.a, line.b) for line in found.differences] == [("expert.model", "<a>", "<b>")]
    said = {line.name: (line.a, line.b, line.between) for line in found.measures}
    count = len(small_rows()["depths"])
    assert said["images with depth"] == (str(count), str(count - 1), f"{count - 1} shared")
    apart = float(said["depth, |A - B| / B"][2].split()[0])
    assert apart == pytest.approx(1 / 0.9 - 1, abs=2e-3)
    assert float(said["depth, median A / B"][2]) == pytest.approx(1 / 0.9, abs=2e-3)
    assert said["gravity, median angle"][2] == f"3.0° over {count - 1}"
    objects = [len(row["objects"]) for row in small_rows()["scenes"]]
    assert said["objects per scene"][0] == f"{np.mean(objects):.1f}"
    assert "regions per image" not in said


def test_answers_agree_as_often_as_they_do(lake, answers):
    found = {row.type_id: row for row in compared(LakeReader(str(lake)), *DEPTHS).types}
    agreeing = Counter()
    for a, b in answers:
        same = {
            "bool": a["answer_bool"] == b["answer_bool"] if a["answer_kind"] == "bool" else None,
            "choice": a.get("answer_object_id") != b.get("answer_object_id"),
            "number": abs(b["value_si"] / a["value_si"] - 1) <= 0.25 if a["answer_kind"] == "number" else None,
        }
        agreeing[a["type_id"]] += bool(same[a["answer_kind"]])
    counted = Counter(a["type_id"] for a, _ in answers)
    assert {name: (row.a, row.b, row.shared, row.agreeing) for name, row in found.items()} == {
        name: (n, n, n, agreeing[name]) for name, n in counted.items()
    }
    assert all(0 < agreeing[name] < counted[name] for name in counted)


def test_recipes_match_by_prefix_and_belong_to_one_stage(lake):
    reader = LakeReader(str(lake))
    with pytest.raises(UsageError, match=r"'depth' matches 2 recipes of this lake; its recipes are context context-"):
        compared(reader, "depth", "depth-b")
    with pytest.raises(UsageError, match="'zzz' matches no recipe"):
        compared(reader, "zzz", "depth-b")
    with pytest.raises(UsageError, match="belongs to stage lift and 'depth-b' to depth"):
        compared(reader, "lift-a", "depth-b")


def test_terminal_and_page_show_both(browser, lake, tmp_path):
    said = io.StringIO()
    page = write_report(str(lake), tmp_path / "report.html", Console(file=said, width=140), DEPTHS).path
    for width in (1400, 420):
        for dark in (False, True):
            look_at(browser, page, width=width, dark=dark)
            assert screenshot(browser).astype(float).std() > 8
            assert complaints(browser) == []
            assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    table = browser.find_element(By.ID, "compare")
    for text in ("<a>", "<b>", "objects per scene", "Left of?", "3.0°"):
        assert text in table.text
        assert text in said.getvalue()
