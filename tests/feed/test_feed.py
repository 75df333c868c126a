"""Every row once, in one order per seed, from any position: both backends, all shares, killed or not."""

import pickle
import shutil
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from benchmarks.feed_runs import feed_of, ids, kills_that_changed, wrong_runs, wrong_torch_runs
from tests.examples_table import IMAGES, PARTS, RECIPE, example_rows
from tests.object_store import upload
from vlm.errors import RowsLost
from vlm.examples import Turn, decoded
from vlm.feed.arrow_backend import ArrowGroups
from vlm.feed.feed import Feed
from vlm.feed.settings import FeedSettings
from vlm.feed.share import Cursor, Share
from vlm.feed.snapshot import RowGroup, Snapshot, open_snapshot

BACKENDS = ("petastorm", "pyarrow")


def taken(feed: Feed, start: Cursor, share: Share, steps: int) -> list[list[str]]:
    batches = islice(feed.batches(start, share), steps)
    return [[example.example_id for example in batch.examples] for batch in batches]


def test_short_runs_over_twelve_row_groups_have_one_order(examples_table: str, snapshot: Snapshot) -> None:
    assert len(snapshot.groups) == 12
    assert wrong_runs(examples_table, runs=24) == []


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes")
def test_torch_workers_give_the_order_of_one(examples_table: str) -> None:
    assert wrong_torch_runs(examples_table, runs=3) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_examples_are_the_live_rows_of_split_and_recipe(examples_table: str, snapshot: Snapshot, backend: str) -> None:
    feed = feed_of(examples_table, snapshot, backend, 2, 0)
    examples = {example.example_id: example for example in feed.examples(range(len(feed)))}
    rows = {row["example_id"]: row for row in example_rows()}
    assert len(feed) == len(rows) == IMAGES * PARTS
    assert examples.keys() == rows.keys()
    for example_id, example in examples.items():
        row = rows[example_id]
        assert (example.image_id, example.image, example.text_tokens) == (
            row["image_id"],
            row["jpeg"],
            row["text_tokens"],
        )
        assert example.turns == (Turn(f"How far is {example_id.split('-')[2]}?", "Yes " * row["answer_tokens"]),)
    assert decoded(examples[next(iter(rows))].image or b"").shape == (12, 16, 3)
    assert feed.epoch_tokens == sum(row["text_tokens"] for row in rows.values())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cursor_resumes_at_the_exact_example_with_another_world(
    examples_table: str, snapshot: Snapshot, backend: str
) -> None:
    feed = feed_of(examples_table, snapshot, backend, 2, 4)
    whole = [one for batch in taken(feed, Cursor(), Share(12), 50) for one in batch]
    assert whole == [example.example_id for example in feed.examples(range(600))]
    batch = next(islice(feed.batches(Cursor(), Share(12)), 20, None))
    cursor = Cursor.model_validate_json(batch.cursor.model_dump_json())
    assert cursor.positions == {"spatial": 21 * 12}
    assert cursor.tokens["spatial"] == sum(islice(feed.tokens_from(0), 21 * 12))
    for world in (1, 2, 3):
        ranks = [taken(feed, cursor, Share(12 // world, rank, world), 10) for rank in range(world)]
        steps = [sorted(one for rank in ranks for one in rank[step]) for step in range(10)]
        assert steps == [sorted(whole[21 * 12 + 12 * step :][:12]) for step in range(10)]


def test_a_killed_run_that_is_resumed_takes_the_same_sequence(examples_table: str, tmp_path: Path) -> None:
    assert kills_that_changed(examples_table, tmp_path, kills=2) == []


def test_memory_is_bounded_by_lanes_and_prefetch(
    examples_table: str, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead, most = [0], [0]

    class Counting(ArrowGroups):
        def ask(self, group: RowGroup) -> None:
            ahead[0] += 1
            most[0] = max(most[0], ahead[0])
            super().ask(group)

        def take(self) -> tuple[RowGroup | None, pa.Table]:
            ahead[0] -= 1
            return super().take()

    monkeypatch.setattr("vlm.feed.feed.ArrowGroups", Counting)
    feed = Feed(FeedSettings(table=examples_table, recipe=RECIPE, backend="pyarrow", prefetch=3), snapshot)
    assert len(ids(feed)) == len(feed)
    assert (most[0], ahead[0]) == (3, 0)


@pytest.mark.parametrize("fault", ["other group", "rows missing", "nothing more"])
def test_a_reader_that_gives_anything_else_is_found_out(
    examples_table: str, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    class Faulty(ArrowGroups):
        def take(self) -> tuple[RowGroup | None, pa.Table]:
            group, table = super().take()
            if fault == "other group":
                return snapshot.groups[0] if group != snapshot.groups[0] else snapshot.groups[1], table
            return (group, table.slice(1)) if fault == "rows missing" else (None, table.slice(0, 0))

    monkeypatch.setattr("vlm.feed.feed.ArrowGroups", Faulty)
    feed = Feed(FeedSettings(table=examples_table, recipe=RECIPE, backend="pyarrow"), snapshot)
    with pytest.raises(RowsLost, match="instead of row group"):
        ids(feed)


def test_a_row_group_that_cannot_be_read_ends_no_run_in_silence(examples_table: str, snapshot: Snapshot) -> None:
    gone = replace(snapshot.groups[5], path=f"{snapshot.groups[5].path}.gone")
    broken = replace(snapshot, groups=(*snapshot.groups[:5], gone, *snapshot.groups[6:]))
    for backend in BACKENDS:
        with pytest.raises(RowsLost, match=r"\.gone cannot be read"):
            ids(feed_of(examples_table, broken, backend, 2, 0))


def test_a_pinned_version_stays_as_it_was(
    spark: SparkSession, examples_table: str, snapshot: Snapshot, tmp_path: Path
) -> None:
    table = str(shutil.copytree(examples_table, tmp_path / "own"))
    before = open_snapshot(FeedSettings(table=table, recipe=RECIPE, version=snapshot.version))
    DeltaTable.forPath(spark, table).delete(f"recipe = '{RECIPE}' AND split = 'train' AND part = 2")
    after = open_snapshot(FeedSettings(table=table, recipe=RECIPE))
    again = open_snapshot(FeedSettings(table=table, recipe=RECIPE, version=snapshot.version))
    DeltaTable.forPath(spark, table).restoreToVersion(snapshot.version)
    assert (again, again.rows) == (before, IMAGES * PARTS)
    assert after.rows == IMAGES * (PARTS - 1)
    assert after.digest != before.digest
    assert open_snapshot(FeedSettings(table=table, recipe=RECIPE)).digest == before.digest


def test_both_backends_read_from_an_object_store(examples_table: str, snapshot: Snapshot, s3: str) -> None:
    upload(Path(examples_table), "examples")
    there = open_snapshot(FeedSettings(table=f"{s3}/examples", recipe=RECIPE, version=snapshot.version))
    assert there.digest == snapshot.digest
    expected = Counter(ids(feed_of(examples_table, snapshot, "pyarrow", 1, 0)))
    orders = [ids(feed_of(f"{s3}/examples", there, backend, 2, 0)) for backend in BACKENDS]
    assert orders[0] == orders[1]
    assert Counter(orders[0]) == expected


def test_a_folder_may_have_spaces_and_umlauts_in_its_name(
    examples_table: str, snapshot: Snapshot, tmp_path: Path
) -> None:
    table = str(shutil.copytree(examples_table, tmp_path / "a b ü"))
    settings = FeedSettings(table=table, recipe=RECIPE, version=snapshot.version)
    assert open_snapshot(settings).digest == snapshot.digest
    assert len(ids(Feed(settings))) == IMAGES * PARTS


def test_a_feed_survives_being_sent_to_a_process(examples_table: str, snapshot: Snapshot) -> None:
    feed = feed_of(examples_table, snapshot, "petastorm", 2, 1)
    assert ids(pickle.loads(pickle.dumps(feed))) == ids(feed)
