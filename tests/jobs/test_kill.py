"""SIGKILL at random moments: the short form of `python -m benchmarks.kills`, whose long result is in docs/stages.md."""

import os
from pathlib import Path

import pytest

from benchmarks.kills import check, differences
from scenes.crawl import write_crawl

# Another seed kills at other moments; a failure names the one that it was run with.
SEED = int(os.environ.get("SPATIALLAKE_KILL_SEED", "16"))


@pytest.mark.timeout(2400)
def test_killed_and_restarted_tables_equal_those_of_an_undisturbed_run(tmp_path: Path) -> None:
    write_crawl(str(tmp_path / "crawl"), count=12, seed=3, width=160, height=120)
    found = check(tmp_path / "crawl", tmp_path, kills=3, kills_per_lake=3, seed=SEED)
    assert found == [], f"again with SPATIALLAKE_KILL_SEED={SEED}"
    empty = tmp_path / "empty"
    assert len(differences(tmp_path / "reference", empty)) >= 9
