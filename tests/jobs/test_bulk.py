"""Answers go straight into their table; what was left out is found afterwards, also when a commit was lost between."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scenes.crawl import write_crawl
from tests.command import invoke
from tests.jobs.engine import table


@pytest.mark.long
@pytest.mark.usefixtures("spark")
def test_a_scene_without_questions_has_its_reason_once_also_after_a_lost_commit(tmp_path: Path) -> None:
    crawl, lake = tmp_path / "crawl", tmp_path / "lake"
    write_crawl(str(crawl), count=4, seed=6, width=160, height=120)
    rows = [json.loads(line) for line in (crawl / "manifest.jsonl").read_text().splitlines()]
    lonely = rows[0]
    lonely["objects"] = lonely["objects"][:1]
    mask = np.asarray(Image.open(crawl / lonely["instances"]))
    kept = np.where(mask == lonely["objects"][0]["id"], mask, 0).astype(mask.dtype)
    Image.fromarray(kept).save(crawl / lonely["instances"])
    (crawl / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    invoke("run", "--crawl", crawl, "--lake", lake, "--set", "synthesize.solo_numbers=0")

    before = sorted(table(lake, "qa_pairs")["qa_id"].to_pylist())
    assert len(set(table(lake, "qa_pairs")["image_id"].to_pylist())) == 3
    (left_out,) = [row for row in table(lake, "quarantine").to_pylist() if row["stage"] == "synthesize"]
    assert (left_out["outcome"], left_out["reason"]) == ("filtered", "no_questions")
    (run,) = [row for row in table(lake, "stage_runs").to_pylist() if row["stage"] == "synthesize"]
    assert (run["rows_in"], run["rows_out"], run["filtered"]) == (4, len(before), 1)

    for commit in (lake / "_checkpoints").glob("synthesize-*/commits/*"):
        commit.unlink()
    invoke("synthesize", "--lake", lake, "--set", "synthesize.solo_numbers=0")

    assert sorted(table(lake, "qa_pairs")["qa_id"].to_pylist()) == before
    assert sum(row["stage"] == "synthesize" for row in table(lake, "quarantine").to_pylist()) == 1
    assert sum(row["stage"] == "synthesize" for row in table(lake, "stage_runs").to_pylist()) == 1
