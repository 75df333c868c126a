"""Files that are not what the log says, and bytes that are not what was written, are named and never fed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.feed_runs import feed_of
from tests.examples_table import RECIPE, example_rows
from vlm.errors import RowsLost, SnapshotUnusable
from vlm.feed.settings import FeedSettings
from vlm.feed.snapshot import open_snapshot

BACKENDS = ("petastorm", "pyarrow")


@pytest.fixture
def table(examples_table: str, tmp_path: Path) -> Path:
    """A copy of the small table."""
    return Path(shutil.copytree(examples_table, tmp_path / "table"))


def live_files(table: Path) -> list[Path]:
    groups = open_snapshot(FeedSettings(table=str(table), recipe=RECIPE)).groups
    return [Path(path) for path in dict.fromkeys(group.path for group in groups)]


def refusal(table: Path, version: int | None = None) -> str:
    with pytest.raises(SnapshotUnusable) as caught:
        open_snapshot(FeedSettings(table=str(table), recipe=RECIPE, version=version))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-400])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def overwritten(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def without_footer_length(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8] + b"\xff\xff\xff\x7fPAR1")


def replaced_by_a_longer_one(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"PAR1")


@pytest.mark.parametrize(
    "damage",
    [shortened, emptied, overwritten, without_footer_length, replaced_by_a_longer_one],
    ids=lambda one: one.__name__,
)
def test_a_file_of_another_size_or_without_a_footer_is_named(table: Path, damage: Callable[[Path], None]) -> None:
    path = live_files(table)[1]
    damage(path)
    said = refusal(table)
    assert said.startswith(str(path))
    assert "restore the file from a copy" in said


def test_a_file_in_another_ones_place_is_named(table: Path) -> None:
    first, second, third = live_files(table)
    shutil.copy(second, third)
    assert refusal(table).startswith(f"{third} has {second.stat().st_size:,} bytes, but ")
    # Of one size too, a file is told by the range of its ids.
    for path in (second, third):
        log_size(table, path, first.stat().st_size)
        shutil.copy(first, path)
    assert "holds other values of example_id than the log of" in refusal(table)


def log_size(table: Path, path: Path, size: int) -> None:
    """Write another size of a file into the log."""
    for entry in (table / "_delta_log").glob("*.json"):
        lines = [json.loads(line) for line in entry.read_text().splitlines()]
        for line in lines:
            if path.name in line.get("add", {}).get("path", ""):
                line["add"]["size"] = size
        entry.write_text("\n".join(map(json.dumps, lines)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_flipped_byte_changes_what_is_fed(table: Path, backend: str, capfd: pytest.CaptureFixture[str]) -> None:
    path = live_files(table)[0]
    sound, rng = path.read_bytes(), np.random.default_rng(5)
    true = {row["example_id"]: row for row in example_rows()}
    lost = 0
    for at in rng.integers(4, len(sound) - 8, 40):
        damaged = bytearray(sound)
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            snapshot = open_snapshot(FeedSettings(table=str(table), recipe=RECIPE))
            feed = feed_of(str(table), snapshot, backend, 2, 0)
            fed = list(feed.examples(range(len(feed))))
            assert {one.example_id for one in fed} == true.keys()
            assert all(one.image == true[one.example_id]["jpeg"] for one in fed)
        except (SnapshotUnusable, RowsLost) as error:
            lost += 1
            assert str(path) in str(error)
            assert "\n" not in str(error)
    assert lost > 10
    assert "Traceback" not in capfd.readouterr().err


def test_pages_are_written_with_checksums(table: Path) -> None:
    path = live_files(table)[0]
    chunk = pq.read_metadata(path).row_group(0).column(0)
    data = bytearray(path.read_bytes())
    data[chunk.data_page_offset + chunk.total_compressed_size - 1] ^= 1
    path.write_bytes(data)
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        pq.ParquetFile(path, page_checksum_verification=True).read_row_group(0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_file_that_goes_while_it_is_read_is_named(
    table: Path, backend: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = live_files(table)[0]
    feed = feed_of(str(table), open_snapshot(FeedSettings(table=str(table), recipe=RECIPE)), backend, 2, 0)
    path.unlink()
    with pytest.raises(RowsLost) as caught:
        list(feed.examples(range(len(feed))))
    assert str(path) in str(caught.value)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("torn", ["half", "noise", "gap"])
def test_a_torn_log_is_one_sentence(table: Path, torn: str, capfd: pytest.CaptureFixture[str]) -> None:
    entries = sorted((table / "_delta_log").glob("*.json"))
    if torn == "gap":
        entries[-2].unlink()
    else:
        text = entries[-1].read_bytes()
        entries[-1].write_bytes(text[: len(text) // 2] if torn == "half" else bytes(range(256)))
    said = refusal(table)
    assert f"The latest version of {table} cannot be opened (" in said
    assert "unknown" not in said
    assert capfd.readouterr().err == ""
