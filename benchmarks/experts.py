"""Learned experts through Spark against the same model in a bare Python loop: images per CPU-second, overlap, memory.

`python -m benchmarks.experts --images 256 5120` runs each slot of a profile (`benchmarks.convolution` unless
`--experts` names another) twice for each number of images: as a loop over batches, and as the `spatiallake` stage on a
lake with the same images. The difference between two numbers of images excludes the start-up time; the larger number
starts a second micro-batch. The memory of the stage's Python processes is sampled while it runs.
"""

import argparse
import hashlib
import io
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
from deltalake import write_deltalake
from PIL import Image
from pyspark.sql.pandas.types import to_arrow_schema

from benchmarks.engine import with_comment
from benchmarks.processor import heading, tree_seconds
from jobs.engine.resources import resources_of
from jobs.engine.settings import RunSettings
from schemas.images import IMAGES
from schemas.table import ENGINE_VERSION
from udfs.experts.expert import ExpertSpec, loaded_expert
from udfs.experts.images import DECODED, upright_image
from udfs.experts.isolation.guarded import GuardedExpert

SLOTS = ("filter", "context", "depth")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
PER_SHARD = 256
Row = dict[str, Any]


def image_rows(count: int, width: int = 640, height: int = 480) -> Iterator[Row]:
    """Yield `images` rows: eight smooth random images as JPEG, each copy with a unique comment."""
    draws = np.random.default_rng(0)
    files = []
    for _ in range(8):
        coarse = draws.integers(0, 255, (height // 16, width // 16, 3), dtype=np.uint8)
        out = io.BytesIO()
        Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(out, "jpeg", quality=90)
        files.append(out.getvalue())
    for index in range(count):
        data = with_comment(files[index % 8], f"copy {index}")
        row = {"image_id": hashlib.sha256(data).hexdigest(), "bytes": data, "format": "jpeg"}
        size = {"width": width, "height": height}
        yield {**row, **size, "ingest_shard": index // PER_SHARD, "engine_version": ENGINE_VERSION}


def write_images(lake: Path, count: int) -> None:
    """Write the table `images`, one file per ingest shard."""
    schema = to_arrow_schema(IMAGES.schema)
    rows = list(image_rows(count))
    for start in range(0, count, PER_SHARD):
        table = pa.Table.from_pylist(rows[start : start + PER_SHARD], schema=schema)
        write_deltalake(str(lake / "images"), table, mode="append")


def loop(slot: str, spec: ExpertSpec, count: int) -> None:
    """Predict `count` images batch by batch, without the engine."""
    expert = loaded_expert(slot, spec)
    batch: list[Row] = []
    for row in image_rows(count):
        batch.append(row)
        if len(batch) == resources_of(slot, spec).arrow_rows:
            expert.predict(batch)
            batch = []
    if batch:
        expert.predict(batch)


class Memory:
    """Resident memory of the Python child processes, sampled every two seconds: workers and models, MB."""

    def __init__(self) -> None:
        self.samples_mb: list[tuple[float, float]] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def tenths(self) -> str:
        """Return worker and model memory at each tenth of the time during which a model ran."""
        running = [sample for sample in self.samples_mb if sample[1] > 0]
        chosen = [running[round(tenth / 10 * (len(running) - 1))] for tenth in range(11)] if running else []
        return ", ".join(f"{worker:.0f} + {model:.0f}" for worker, model in chosen)

    def _sample(self) -> None:
        while not self._done.wait(2.0):
            sums = {"pyspark.daemon": 0.0, "udfs.experts.isolation.child": 0.0}
            for process in psutil.Process().children(recursive=True):
                try:
                    line, memory_mb = " ".join(process.cmdline()), process.memory_info().rss / 1e6
                except psutil.Error:
                    continue
                for name in sums:
                    sums[name] += memory_mb if name in line else 0.0
            self.samples_mb.append((sums["pyspark.daemon"], sums["udfs.experts.isolation.child"]))


def loop_seconds(slot: str, spec: ExpertSpec, count: int, log: Path) -> float:
    """Return the processor seconds of a fresh process that runs `loop`."""
    arguments = ["--loop", slot, spec.model_dump_json(), str(count)]
    return tree_seconds([sys.executable, "-m", "benchmarks.experts", *arguments], log, ONE_THREAD)


def stage_seconds(lake: Path, slot: str, experts: str, log: Path) -> tuple[float, str]:
    """Return the processor seconds of a stage's command with all its processes, and its memory use."""
    command = [sys.executable, "-m", "spatiallake", slot, "--lake", str(lake), "--experts", experts]
    command += ["--set", "max_images_without_spark=0"]
    with Memory() as memory:
        seconds = tree_seconds([*command, "--master", "local[1]"], log, ONE_THREAD)
    return seconds, memory.tenths()


def overlap(slot: str, spec: ExpertSpec, count: int = 96) -> str:
    """Return the wall seconds of decoding, of predicting, and of both in an isolated process, for 1600 x 1200 px."""
    rows = list(image_rows(count, 1600, 1200))
    started_at = time.monotonic()
    decoded = [{**row, DECODED: upright_image(row)} for row in rows]
    decoding_s = time.monotonic() - started_at
    size = resources_of(slot, spec).arrow_rows
    expert = loaded_expert(slot, spec)
    expert.predict(decoded[:size])
    started_at = time.monotonic()
    for start in range(0, count, size):
        expert.predict(decoded[start : start + size])
    predicting_s = time.monotonic() - started_at
    guarded = GuardedExpert(slot, spec, "cpu")
    list(guarded.predictions([rows[:size]], spec.timeout_s))
    started_at = time.monotonic()
    for _ in guarded.predictions((rows[start : start + size] for start in range(0, count, size)), spec.timeout_s):
        pass
    both_s = time.monotonic() - started_at
    guarded.stop()
    return (
        f"decoding {decoding_s:.1f} s, predicting {predicting_s:.1f} s, both through a stage's batches {both_s:.1f} s"
    )


def compare(experts: str, counts: tuple[int, int], slots: list[str], scratch: Path) -> None:
    """Print a row for each slot."""
    profile = RunSettings(lake=str(scratch), experts=experts).profile()
    lakes = [scratch / f"lake-{count}" for count in counts]
    for lake, count in zip(lakes, counts, strict=True):
        write_images(lake, count)
    log, more = scratch / "log.txt", counts[1] - counts[0]
    print("| slot | loop, images/CPU-s | stage, images/CPU-s | stage / loop | core-hours for 10 million |")
    print("|---|---|---|---|---|", flush=True)
    memory_lines = []
    for slot in SLOTS[: 1 + max(map(SLOTS.index, slots))]:  # each stage needs the previous one
        staged = [stage_seconds(lake, slot, experts, log) for lake in lakes]
        if slot not in slots:
            continue
        looped = [loop_seconds(slot, getattr(profile, slot), count, log) for count in counts]
        bare, through = (more / (pair[1] - pair[0]) for pair in (looped, [seconds for seconds, _ in staged]))
        hours = 1e7 / through / 3600
        print(f"| {slot} | {bare:.2f} | {through:.2f} | {through / bare:.1%} | {hours:,.0f} |", flush=True)
        memory_lines.append(f"{slot}: worker + model, MB, at tenths of {counts[1]} images: {staged[1][1]}")
    print("\n" + "\n".join(memory_lines), flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs=2, default=[256, 5120])
    parser.add_argument("--experts", help="YAML profile whose experts need only the images")
    parser.add_argument("--slots", nargs="+", default=list(SLOTS), choices=SLOTS)
    parser.add_argument("--loop", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.loop:
        slot, spec, count = args.loop
        loop(slot, ExpertSpec.model_validate_json(spec), int(count))
        return
    print(heading(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        experts = args.experts or str(scratch / "convolution.yaml")
        if not args.experts:
            expert = {"family": "benchmarks.convolution"}
            Path(experts).write_text(json.dumps(dict.fromkeys(SLOTS, expert)))
        compare(experts, (args.images[0], args.images[1]), args.slots, scratch)
        profile = RunSettings(lake=name, experts=experts).profile()
        print(f"\nOverlap, {args.slots[0]}: {overlap(args.slots[0], getattr(profile, args.slots[0]))}")


if __name__ == "__main__":
    main()
