"""Many short runs of the feed: every row exactly once, one order per seed, also when killed in mid-epoch.

`python -m benchmarks.feed_runs --runs 1000 --torch-runs 60 --kills 20 --stock 120`
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tests.examples_table import RECIPE, write_examples
from vlm.feed.feed import Feed
from vlm.feed.settings import FeedSettings
from vlm.feed.share import Cursor, Share
from vlm.feed.snapshot import Snapshot, open_snapshot

_SEEDS = 10
_WORKERS = (1, 2, 4)
_BATCH = 7


def feed_of(table: str, snapshot: Snapshot, backend: str, readers: int, seed: int) -> Feed:
    """Return a feed over an open snapshot."""
    settings = FeedSettings.model_validate(
        {
            "table": table,
            "recipe": RECIPE,
            "backend": backend,
            "readers": readers,
            "seed": seed,
            "prefetch": 2 + seed % 7,
        }
    )
    return Feed(settings, snapshot)


def ids(feed: Feed) -> list[str]:
    """Return the ids of one epoch in the feed's order."""
    return [example.example_id for example in feed.examples(range(len(feed)))]


def expected_orders(table: str, snapshot: Snapshot) -> dict[int, list[str]]:
    """Return the order of every seed, read by a single pyarrow thread, with every row once."""
    orders = {seed: ids(feed_of(table, snapshot, "pyarrow", 1, seed)) for seed in range(_SEEDS)}
    rows = Counter(orders[0])
    if set(rows.values()) != {1} or len(rows) != snapshot.rows:
        raise AssertionError(f"{len(rows)} different rows of {snapshot.rows} in the first order.")
    if any(Counter(order) != rows for order in orders.values()) or len({tuple(o) for o in orders.values()}) < _SEEDS:
        raise AssertionError("The seeds' orders are not different orders of the same rows.")
    return orders


def wrong_runs(table: str, runs: int) -> list[str]:
    """Return a sentence for every run with other rows or another order than its seed's."""
    snapshot = open_snapshot(FeedSettings(table=table, recipe=RECIPE))
    orders = expected_orders(table, snapshot)
    wrong = []
    for run in range(runs):
        backend, readers, seed = ("petastorm", "pyarrow")[run % 4 == 3], _WORKERS[run % 3], run % _SEEDS
        found = ids(feed_of(table, snapshot, backend, readers, seed))
        if found != orders[seed]:
            wrong.append(f"run {run}: {backend}, {readers} readers, seed {seed}: {len(found)} rows")
    return wrong


def wrong_torch_runs(table: str, runs: int) -> list[str]:
    """Return a sentence for every run of PyTorch workers with another order than its seed's."""
    from vlm.feed.torch_dataset import BatchDataset, loader

    snapshot = open_snapshot(FeedSettings(table=table, recipe=RECIPE))
    orders = expected_orders(table, snapshot)
    wrong = []
    for run in range(runs):
        workers, seed = _WORKERS[run % 3], run % _SEEDS
        feed = feed_of(table, snapshot, "petastorm", 2, seed)
        batches = iter(loader(BatchDataset(feed, Cursor(), Share(_BATCH)), workers))
        found = [one.example_id for batch in islice(batches, len(feed) // _BATCH) for one in batch.examples]
        if found != orders[seed][: len(found)]:
            wrong.append(f"torch run {run}: {workers} workers, seed {seed}")
    return wrong


def consume(table: str, journal: Path, examples: int) -> None:
    """Consume examples, appending each batch's ids and cursor to the journal; resume at its end."""
    lines = journal.read_bytes().split(b"\n") if journal.exists() else [b""]
    journal.write_bytes(b"".join(line + b"\n" for line in lines[:-1]))
    cursor = Cursor.model_validate(json.loads(lines[-2])["cursor"]) if len(lines) > 1 else Cursor()
    feed = Feed(FeedSettings(table=table, recipe=RECIPE, seed=3))
    with journal.open("a") as out:
        for batch in feed.batches(cursor, Share(_BATCH)):
            if batch.cursor.positions[feed.name] > examples:
                return
            line = {"ids": [one.example_id for one in batch.examples], "cursor": batch.cursor.model_dump()}
            out.write(json.dumps(line) + "\n")
            out.flush()
            time.sleep(0.01)


def journaled(journal: Path) -> list[str]:
    """Return the ids in a journal."""
    return [one for line in journal.read_text().splitlines() for one in json.loads(line)["ids"]]


def killed_and_resumed(table: str, journal: Path, kills: int, examples: int) -> Iterator[int]:
    """Kill a consumer with SIGKILL `kills` times, each after further batches; yield its number of lines."""
    command = [sys.executable, "-m", "benchmarks.feed_runs", "--consume", table, "--journal", str(journal)]
    command += ["--examples", str(examples)]
    for kill in range(kills):
        before = len(journal.read_bytes().split(b"\n")) if journal.exists() else 1
        process = subprocess.Popen(command)
        while (
            process.poll() is None
            and len(journal.read_bytes().split(b"\n") if journal.exists() else b"") < before + 3 + kill % 4
        ):
            time.sleep(0.003)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        yield _lines(journal)
    subprocess.run(command, check=True)


def _lines(journal: Path) -> int:
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def kills_that_changed(table: str, folder: Path, kills: int) -> list[str]:
    """Return a sentence if a killed and resumed run differs from an undisturbed one."""
    snapshot = open_snapshot(FeedSettings(table=table, recipe=RECIPE))
    examples = max(2 * snapshot.rows, (kills + 2) * 7 * _BATCH)
    consume(table, folder / "undisturbed", examples)
    points = list(killed_and_resumed(table, folder / "killed", kills, examples))
    print(f"killed after {', '.join(map(str, points))} batches of {examples // _BATCH}", flush=True)
    same = journaled(folder / "undisturbed") == journaled(folder / "killed")
    return [] if same else ["the killed run's sequence differs from the undisturbed one's"]


def short_stock_runs(table: str, runs: int) -> int:
    """Return how many runs of Petastorm's own reader and ventilator, with two workers, lose rows."""
    from petastorm.reader import Reader
    from petastorm.workers_pool.thread_pool import ThreadPool

    from udfs.storage.clients import filesystem_of
    from vlm.feed.petastorm_backend import Files, _Worker

    snapshot = open_snapshot(FeedSettings(table=table, recipe=RECIPE))
    paths = sorted({group.path for group in snapshot.groups})
    short = 0
    for _ in range(runs):
        files = Files(filesystem_of(table), snapshot.groups, ["example_id"])
        pool = ThreadPool(2, results_queue_size=4)
        reader = Reader(files, paths, ["example_id$"], None, False, False, reader_pool=pool, worker_class=_Worker)
        short += sum(table.num_rows for table in reader) != snapshot.rows
        reader.stop()
        reader.join()
    return short


def main() -> None:
    """Run the checks and exit with 1 when any fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--torch-runs", type=int, default=60)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--stock", type=int, default=0, help="runs of Petastorm's own reader, for comparison")
    parser.add_argument("--table", help="existing table to use")
    parser.add_argument("--consume", help=argparse.SUPPRESS)
    parser.add_argument("--journal", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--examples", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.consume:
        consume(options.consume, options.journal, options.examples)
        return
    with tempfile.TemporaryDirectory() as name:
        table = options.table or _written(Path(name))
        groups = len(open_snapshot(FeedSettings(table=table, recipe=RECIPE)).groups)
        wrong = wrong_runs(table, options.runs)
        print(f"{options.runs} runs over {groups} row groups, {len(wrong)} wrong", flush=True)
        wrong += (torch := wrong_torch_runs(table, options.torch_runs))
        print(f"{options.torch_runs} runs of 1, 2 and 4 torch workers, {len(torch)} wrong", flush=True)
        wrong += (killed := kills_that_changed(table, Path(name), options.kills))
        print(f"{options.kills} kills: {killed[0] if killed else 'the same sequence'}", flush=True)
        if options.stock:
            print(f"Petastorm's own reader: {short_stock_runs(table, options.stock)} of {options.stock} runs short")
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


def _written(folder: Path) -> str:
    from jobs.engine.session import start_session

    session = start_session("local[2]", driver_memory="1g")
    table = write_examples(session, folder / "lake")
    session.stop()
    return table


if __name__ == "__main__":
    main()
