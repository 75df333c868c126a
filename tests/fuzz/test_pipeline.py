"""Mutated rows through the whole engine: the run ends well, and answers come from possible cameras only."""

from pathlib import Path

import numpy as np
import pytest

from tests.command import invoke
from tests.fuzz import fields, files
from tests.fuzz.cases import ROOM, case, sound
from tests.fuzz.judge import possible
from tests.jobs.engine import table

ROWS, SEED = 60, 41


@pytest.mark.long
@pytest.mark.usefixtures("spark")
def test_mutated_rows_through_all_stages(tmp_path: Path) -> None:
    assert fields and files
    rng = np.random.default_rng(SEED)
    crawl, lake = tmp_path / "crawl", tmp_path / "lake"
    lines = [one.written(crawl) for one in (sound(0), *(case(number, rng) for number in range(1, ROWS)))]
    (crawl / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    invoke("run", "--crawl", crawl, "--lake", lake, "--experts", "sensor", "--set", "max_failure_rate=1")

    quarantine = table(lake, "quarantine").to_pylist()
    entries = set(table(lake, "crawl")["entry_id"].to_pylist())
    kept = set(table(lake, "provenance")["entry_id"].to_pylist())
    assert len(entries) == ROWS
    assert entries == kept | {row["entry_id"] for row in quarantine if row["stage"] == "ingest"}
    assert not {row["reason"] for row in quarantine} & {"unexpected_error", "model_crashed", "model_timed_out"}

    images = set(table(lake, "images")["image_id"].to_pylist())
    scenes = table(lake, "scenes").to_pylist()
    later = {row["image_id"] for row in quarantine if row["stage"] != "ingest"}
    assert images == {scene["image_id"] for scene in scenes} | later and len(scenes) > ROWS / 5
    assert set(table(lake, "qa_pairs")["image_id"].to_pylist()) <= {scene["image_id"] for scene in scenes}
    farthest_m = ROOM.depth_mm.max() / 1000
    for scene in scenes:
        assert possible(scene["camera"], scene["width"], scene["height"])
        assert all(thing["range_m"] < 4 * farthest_m and max(thing["size_m"]) < 10 for thing in scene["objects"])
