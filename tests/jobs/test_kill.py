"""SIGKILL in the middle of a run: the short form of `python -m benchmarks.kills`; docs/stages.md has its long result.

The whole process tree is killed in tests/jobs/test_going_live.py.
"""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from benchmarks.kills import Ended, commands, kill_part, write_damaged_crawl
from benchmarks.same_rows import differences
from jobs.engine.lake import Lake
from jobs.engine.pipeline import run
from jobs.engine.settings import load_settings

# Another seed kills in other stages; a failure names the one that it was run with.
SEED = int(os.environ.get("SPATIALLAKE_TEST_KILL_SEED", "17"))
STAGES = ("ingest", "duplicates", "filter", "context", "depth", "lift", "disambiguate", "synthesize", "statistics")


def killed_in(stage: str, target: str, command: list[str]) -> Ended:
    """Run the command, kill a part of it once the stage has started, and wait for its end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stderr is not None
    told, victim = "", None
    for line in process.stderr:
        told += line.decode()
        event = json.loads(line) if line.startswith(b"{") else {}
        if victim is None and (event.get("event"), event.get("stage")) == ("stage_started", stage):
            victim = kill_part(process, target)
    return Ended(victim, process.wait(), told)


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_killed_java_and_workers_end_in_one_sentence_and_tables_equal_those_of_an_undisturbed_run(
    spark: SparkSession, tmp_path: Path
) -> None:
    crawl, whole, lake = (tmp_path / name for name in ("crawl", "whole", "killed"))
    write_damaged_crawl(crawl, rooms=12, seed=3)
    early, late = sorted(random.Random(SEED).sample(range(len(STAGES)), 2))
    again = f"again with SPATIALLAKE_TEST_KILL_SEED={SEED}"
    for stage, target in ((STAGES[early], "java"), (STAGES[late], "worker")):
        ended = killed_in(stage, target, commands(crawl, lake)["run"])
        assert ended.faults == [] and (ended.code != 0 or target == "worker"), f"{ended}; {again}"
    for folder in (whole, lake):
        settings = load_settings({"lake": str(folder), "crawl": str(crawl), "experts": "sensor"}, None, [])
        run(settings, lake=Lake(spark, str(folder), str(folder / "_checkpoints")))
    assert differences(whole, lake) == [], again
    assert len(differences(whole, tmp_path / "empty")) >= 9
