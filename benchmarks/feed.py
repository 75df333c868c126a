"""Examples per second of the feed, against a bare loop of pyarrow and Pillow over the same files.

`python -m benchmarks.feed --images 512 --seconds 10`: each way decodes the same JPEG images; the bare loop reads
row group after row group in the files' order, with one thread and no shuffling.
"""

import argparse
import datetime
import platform
import tempfile
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tests.examples_table import RECIPE, write_images
from vlm.examples import decoded
from vlm.feed.feed import Feed
from vlm.feed.settings import FeedSettings
from vlm.feed.share import Batch, Cursor, Share
from vlm.feed.snapshot import Snapshot, open_snapshot

_BATCH = 16


def image(number: int) -> bytes:
    """Return a JPEG of 512 x 384 px with about the detail of a photo."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (24, 32, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (512, 384), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    noisy = np.clip(image + rng.integers(-12, 13, image.shape), 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", noisy, (cv2.IMWRITE_JPEG_QUALITY, 90))[1].tobytes()


def bare(snapshot: Snapshot) -> Iterator[int]:
    """Decode every image of the snapshot's files, endlessly."""
    while True:
        for group in snapshot.groups:
            with pa.memory_map(group.path) as stream:
                table = pq.ParquetFile(stream).read_row_group(group.group, columns=["jpeg", "conversations"])
            for image in table["jpeg"]:
                yield decoded(image.as_py()).size


def fed(feed: Feed) -> Iterator[int]:
    """Decode every image of the feed in this process."""
    batches = feed.batches(Cursor(), Share(_BATCH))
    return (decoded(example.image or b"").size for example in chain.from_iterable(b.examples for b in batches))


def decoded_batch(batch: Batch) -> int:
    """Decode a batch's images in a worker and return their number."""
    return len([decoded(example.image or b"") for example in batch.examples])


def loaded(feed: Feed, workers: int) -> Iterator[int]:
    """Decode in torch workers; yields once per example."""
    from vlm.feed.torch_dataset import BatchDataset, loader

    for count in loader(BatchDataset(feed, Cursor(), Share(_BATCH), make=decoded_batch), workers):
        yield from range(count)


def rates(examples: Iterator[int], seconds: float) -> tuple[float, float]:
    """Return examples per second and per CPU-second of this process, after a warm-up."""
    for _ in range(4 * _BATCH):
        next(examples)
    started, cpu, count = time.monotonic(), time.process_time(), 0
    while time.monotonic() - started < seconds:
        next(examples)
        count += 1
    return count / (time.monotonic() - started), count / (time.process_time() - cpu)


def written(folder: Path, images: int) -> str:
    """Write the table with Spark and return its location."""
    from jobs.engine.session import start_session

    session = start_session("local[2]", driver_memory="2g")
    table = write_images(session, folder / "lake", [image(number) for number in range(images)])
    session.stop()
    return table


def main() -> None:
    """Measure every variant in turns; print examples per second and the median ratio to the bare loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    print(f"benchmarks.feed {vars(options)}, {platform.machine()}, {datetime.date.today()}")
    with tempfile.TemporaryDirectory() as name:
        table = written(Path(name), options.images)
        snapshot = open_snapshot(FeedSettings(table=table, recipe=RECIPE))
        feeds = {
            backend: Feed(FeedSettings.model_validate({"table": table, "recipe": RECIPE, "backend": backend}), snapshot)
            for backend in ("pyarrow", "petastorm")
        }
        ways = {"bare": lambda: bare(snapshot)}
        ways |= {backend: lambda feed=feed: fed(feed) for backend, feed in feeds.items()}
        ways |= {f"petastorm, {w} torch workers": lambda w=w: loaded(feeds["petastorm"], w) for w in options.workers}
        found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(options.rounds):
            for way, start in ways.items():
                found[way].append(rates(start(), options.seconds))
        report({way: np.array(each) for way, each in found.items()})


def report(found: dict[str, NDArray[np.float64]]) -> None:
    """Print medians over the rounds; ratios to the bare loop are taken per round."""
    for way, each in found.items():
        per_s, per_cpu_s = np.median(each, 0)
        share, cpu_share = 100 * np.median(each / found["bare"], 0)
        cpu = f"{per_cpu_s:7.1f} per CPU-second, {cpu_share:5.1f} %" if "torch" not in way else ""
        print(f"{way:>26}: {per_s:7.1f} examples/s, {share:5.1f} % of the bare loop; {cpu}", flush=True)


if __name__ == "__main__":
    main()
