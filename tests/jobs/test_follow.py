"""The short form of benchmarks/follow.py: a growing crawl is followed while Java and the command are killed."""

from pathlib import Path

import pytest
from deltalake import DeltaTable

from benchmarks.follow import compared, followed


@pytest.mark.long
@pytest.mark.usefixtures("spark")
def test_a_growing_crawl_is_followed_through_kills_without_loss_or_double(tmp_path: Path) -> None:
    crawl, lake, outcome = followed(tmp_path, minutes=2, seconds_between_kills=40, seed=3)
    assert sum(outcome.kills.values()) >= 2 and crawl.arrived > 3
    assert outcome.faults == [] and compared(crawl, lake, tmp_path) == []
    assert DeltaTable(str(lake / "images")).to_pyarrow_table(columns=["image_id"]).num_rows == crawl.arrived
