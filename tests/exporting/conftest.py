"""One lake of rendered rooms for all tests of exports, in three splits and several ingest shards."""

import shutil
from pathlib import Path

import pytest

from scenes.crawl import write_crawl
from tests.command import invoke


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    write_crawl(str(folder / "rooms"), count=12, seed=6, width=160, height=120)
    shares = ("--set", "synthesize.test_share=0.3", "--set", "synthesize.validation_share=0.3")
    rooms = ("--crawl", folder / "rooms", "--experts", "sensor", "--set", "shard_size=3")
    invoke("run", "--lake", folder / "lake", *rooms, *shares)
    invoke("examples", "--lake", folder / "lake")
    return folder / "lake"


@pytest.fixture
def changed(lake: Path, tmp_path: Path) -> Path:
    """A copy of the lake, which a test may change; paths in a log are relative to the table."""
    return Path(shutil.copytree(lake, tmp_path / "lake"))
