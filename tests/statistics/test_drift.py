"""`spatiallake drift` on a lake of two crawls that differ, and on itself."""

import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

import jobs.cli.options
import spatiallake
from jobs.engine.errors import DriftFound, LakeUnreadable, UsageError
from jobs.views.reader import LakeReader
from tests.checks.parsing import application
from tests.command import invoke
from tests.pages.small_lake import write_lake as write_small_lake
from tests.statistics.two_crawls import DAYS

FIRST, SECOND = (str(day) for day in DAYS)


def by_name(found: spatiallake.Drift) -> dict:
    return {one["name"]: one for one in found.summary()["comparisons"]}


def recipes(lake: Path) -> tuple[str, str]:
    """The two recipes of `synthesize`, the current one first."""
    reader = LakeReader(str(lake))
    current = reader.current_recipes()["synthesize"]
    (other,) = {row.recipe for row in reader.recipe_book().rows if row.stage == "synthesize"} - {current}
    return current, other


@pytest.mark.parametrize("a", ["offices", "tables"])
def test_a_crawl_and_its_day_are_the_same(lake: Path, a: str) -> None:
    found = spatiallake.drift(a, FIRST if a == "offices" else SECOND, lake=str(lake), max_distance=0.0)
    assert found.found == []
    assert all(one.distance in (None, 0.0) for one in found.comparisons)


def test_a_lake_is_the_same_as_itself(lake: Path) -> None:
    assert spatiallake.drift(str(lake), str(lake), max_distance=0.0).found == []


def test_other_rooms_and_licenses_are_drift_and_their_share_is_told(lake: Path) -> None:
    found = by_name(spatiallake.drift(FIRST, SECOND, lake=str(lake)))
    opened = spatiallake.open_lake(str(lake))
    assert found["licenses"]["verdict"] == "drift"
    # Far apart, but too few images to tell whether by chance.
    assert (found["labels"]["verdict"], found["families"]["verdict"]) == ("too few", "no drift")
    assert found["licenses"]["distance"] == pytest.approx(1.0)
    for name, view, by, count in (
        ("labels", "answers_by_label", "label", "objects"),
        ("types", "answers_by_type", "type_id", "answers"),
    ):
        rows = opened.read(view)
        sums = rows.groupby(["ingest_day", by])[count].sum()
        for change in found[name]["changes"]:
            for side, day in (("a", DAYS[0]), ("b", DAYS[1])):
                assert change[side] == pytest.approx(sums.get((day, change["value"]), 0) / sums[day].sum())
    assert found["yield: images to with_regions"]["a"] == 25


def test_two_recipes_differ_in_their_forms(lake: Path) -> None:
    current, other = recipes(lake)
    found = spatiallake.drift(f"recipe:{other}", current[:10], lake=str(lake))
    assert "forms" in found.found
    one = by_name(found)
    assert "labels" not in found.found and one["labels"]["distance"] < 0.1
    assert one["yield: with_depth to with_scene"]["distance"] == 0.0
    every = spatiallake.open_lake(str(lake)).arrow("qa_pairs", ["recipe", "answer_form"], all_recipes=True).to_pylist()
    forms = Counter((row["recipe"], row["answer_form"]) for row in every)
    answers = Counter(row["recipe"] for row in every)
    for change in one["forms"]["changes"]:
        assert change["a"] == pytest.approx(forms[other, change["value"]] / answers[other])
        assert change["b"] == pytest.approx(forms[current, change["value"]] / answers[current])


def test_the_command_prints_writes_and_fails(lake: Path, tmp_path: Path) -> None:
    out = tmp_path / "drift.json"
    told = invoke("drift", FIRST, SECOND, "--lake", lake, "--out", out)
    assert "object distances" in told and "largest change" in told
    assert json.loads(out.read_text()) == json.loads(invoke("drift", FIRST, SECOND, "--lake", lake, "--json"))
    application()
    done = CliRunner().invoke(jobs.cli.options.app, ["drift", FIRST, SECOND, "--lake", str(lake), "--fail"])
    assert isinstance(done.exception, DriftFound)
    assert done.exception.exit_code == 11
    assert "licenses" in str(done.exception) and "\n" not in str(done.exception)
    invoke("drift", FIRST, SECOND, "--lake", lake, "--fail", "--max-distance", 1.0, "--alpha", 0.0)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("2026-11-03", "No crawl was listed on 2026-11-03; the days of this lake are 2026-11-01, 2026-11-02"),
        ("kitchens", "'kitchens' names no crawl, day or recipe of .*; its crawls are .*offices.*spatiallake recipes"),
        ("crawl:2026-11-01", "'crawl:2026-11-01' names no crawl, day or recipe"),
        ("recipe:zz", "'recipe:zz' names no crawl"),
    ],
)
def test_a_name_that_is_nothing_is_refused(lake: Path, name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        spatiallake.drift(FIRST, name, lake=str(lake))
    assert "\n" not in str(caught.value)


def test_there_must_be_statistics(tmp_path: Path) -> None:
    small = write_small_lake(tmp_path / "lake", ("recipes", "qa_pairs"))
    with pytest.raises(LakeUnreadable, match="no table qa_statistics yet"):
        spatiallake.drift(str(small), str(small))
    with pytest.raises(UsageError, match="There is no lake at 2026-11-01; name two lakes, or add `--lake LAKE`"):
        spatiallake.drift(FIRST, SECOND)
