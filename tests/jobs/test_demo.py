"""The demo: the photographs alone through the built-in experts, and what is known of them beside it."""

from pathlib import Path

import pytest

from jobs.engine.progress import Reporter
from jobs.views.demo import demo
from tests.jobs.engine import table

_KNOWN = ("depth", "camera", "gravity", "pose", "instances", "objects", "alt_text")


@pytest.mark.usefixtures("spark")
def test_bare_photographs_stand_beside_their_truth(tmp_path: Path) -> None:
    folder = tmp_path / "rooms"
    with Reporter() as reporter:
        preview, report = demo(str(folder), 1, 4, reporter)
    bare, truth = (table(lake, "images").to_pylist() for lake in (folder, folder / "truth"))
    assert [row["image_id"] for row in bare] == [row["image_id"] for row in truth] and len(bare) == 1
    assert all(bare[0][name] is None for name in _KNOWN)
    assert all(truth[0][name] is not None for name in _KNOWN)
    # what the experts make of it may change with their weights; what becomes of a photograph may not be left open
    assert table(folder, "depths").num_rows + table(folder, "quarantine").num_rows >= 1
    assert table(folder / "truth", "qa_pairs").num_rows > 0
    html = preview.read_text(encoding="utf-8")
    assert html.count('<section class="sheet"') == 1 and html.count('<figure class="card photo">') == 2
    assert "rooms beside truth" in html
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")
