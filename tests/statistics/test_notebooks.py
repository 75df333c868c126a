"""The notebooks run as they are, each in a kernel of its own; they are thin, and stored without outputs."""

import ast
import os
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import spatiallake
from jobs.views.reader import LakeReader
from tests.checks.tracked import ROOT, tracked
from tests.model.tiny import write_decoder, write_encoder
from tests.statistics.two_crawls import mended

NOTEBOOKS = {path.stem: path for path in tracked("notebooks/*.ipynb")}
LIBRARIES = {"io", "os", "matplotlib", "mlflow", "pandas", "PIL", "spatiallake"}


def read(name: str) -> Any:
    return nbformat.read(NOTEBOOKS[name], as_version=4)


def cells(name: str) -> list[Any]:
    return [cell for cell in read(name).cells if cell.cell_type == "code"]


def executed(name: str, lake: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run a notebook on a lake and return what each of its cells printed or showed as text."""
    paths = [str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {"LAKE": str(lake), "MASTER": "local[2]", "DRIVER_MEMORY": "1g"}
    for variable, value in environment.items():
        monkeypatch.setenv(f"SPATIALLAKE_{variable}", value)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    done = NotebookClient(read(name), timeout=600, resources={"metadata": {"path": str(lake.parent)}}).execute()
    return [_text(cell.outputs) for cell in done.cells if cell.cell_type == "code"]


def _text(outputs: list[Any]) -> str:
    return "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


@pytest.fixture
def own(lake: Path, tmp_path: Path) -> Path:
    """A copy of the lake, for a notebook that writes to it."""
    return Path(shutil.copytree(lake, tmp_path / "lake"))


def test_explore_shows_tables_an_image_and_its_questions(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = executed("explore", lake, monkeypatch)
    assert "'qa_pairs'" in shown[1]
    assert "2026-11-01" in shown[2]
    assert "PIL" in shown[3]
    assert "range_m" in shown[4] and "type_id" in shown[5] and "truncated_image" in shown[6]


def test_statistics_plots_every_view(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = executed("statistics", lake, monkeypatch)
    assert sum("Figure" in text for text in shown) == 4
    assert "CC-BY-4.0" in shown[-1]


@pytest.mark.long
def test_comparing_recipes_makes_one_and_goes_back(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = LakeReader(str(own)).current_recipes()["synthesize"]
    shown = executed("compare_recipes", own, monkeypatch)
    assert before in shown[1]
    assert "synthesize" in shown[2] and "Figure" in shown[6]
    after = LakeReader(str(own))
    assert after.current_recipes()["synthesize"] == before
    assert len({row.recipe for row in after.recipe_book().rows if row.stage == "synthesize"}) == 3


@pytest.mark.long
def test_what_failed_comes_back_once_it_is_fixed(lake: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = spatiallake.open_lake(str(own)).arrow("images", ["image_id"]).num_rows
    with mended(lake.parent / "offices"):
        shown = executed("quarantine_to_retry", own, monkeypatch)
    assert "truncated_image" in shown[1] and "truncated_image" in shown[2]
    assert "ingest          1 tried again,    1 written" in shown[3]
    assert spatiallake.open_lake(str(own)).arrow("images", ["image_id"]).num_rows == images + 1
    # One image has no depth.
    assert spatiallake.open_lake(str(own)).read("yield_by_day")["with_answers"].sum() == images


@pytest.mark.long
@pytest.mark.usefixtures("spark")
def test_a_training_run_is_followed(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spatiallake.run(str(own), stages=["examples"])
    encoder, decoder = write_encoder(own.parent / "encoder", "siglip"), write_decoder(own.parent / "decoder")
    loop = {"steps": 3, "global_batch": 2, "workers": 0, "device": "cpu", "samples": 1}
    model = {"vision_encoder": str(encoder), "decoder": str(decoder)}
    spatiallake.train({"out": str(own.parent / "run"), "lake": str(own), "model": model, "loop": loop})
    shown = executed("training", own, monkeypatch)
    assert "FINISHED" in shown[1] and "'loss'" in shown[2] and "Figure" in shown[3]
    assert "training_examples" in shown[4] and "loss.png" in shown[-1]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_thin_and_stored_without_outputs(name: str) -> None:
    nbformat.validate(read(name))
    first, *rest = cells(name)
    assert 'os.environ.get("SPATIALLAKE_LAKE"' in first.source and "dbutils.widgets" in first.source
    for cell in (first, *rest):
        assert (cell.outputs, cell.execution_count) == ([], None)
    for cell in rest:
        nodes = list(ast.walk(ast.parse(cell.source)))
        logic = (ast.FunctionDef, ast.ClassDef, ast.If, ast.While, ast.Try, ast.With)
        assert not [node for node in nodes if isinstance(node, logic)]
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        assert {module.partition(".")[0] for module in imported} <= LIBRARIES


def test_every_notebook_is_rendered_in_the_documentation() -> None:
    for name in NOTEBOOKS:
        page = (ROOT / "docs" / "notebooks" / f"{name}.md").read_text(encoding="utf-8")
        assert all(cell.source in page for cell in cells(name)), f"run `make notebooks`: {name} has changed"
    assert {path.stem for path in tracked("docs/notebooks/*.md")} == set(NOTEBOOKS)
