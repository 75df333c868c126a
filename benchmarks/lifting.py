"""Measures lifting without Spark: images per processor second on one thread.

`python -m benchmarks.lifting --images 60` renders rooms, selects images with the given number of objects, and times
`lift_row`: decoding depth and masks, cleaning, gravity, planes, objects, pairs.
"""

import argparse
import math
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks.pipeline import Row, image_row, lift_input
from benchmarks.processor import heading
from scenes.crawl import write_crawl
from scenes.truth.measure import read_manifest
from udfs.experts.regions import encoded
from udfs.stages.lift import LiftSettings, lift_row

ROOMS_PER_CRAWL = 40


def lift_rows(folder: Path, count: int, objects: int, degraded: bool) -> list[Row]:
    """Return `count` inputs of the lift stage: images of 640 x 480 with `objects` objects."""
    options = {"depth_noise_rel": 0.02, "mask_bleed_px": 3} if degraded else {}
    rows: list[Row] = []
    for seed in range(1, 50):
        crawl = folder / str(seed)
        write_crawl(str(crawl), ROOMS_PER_CRAWL, seed, **options)
        kept = [row for row in read_manifest(crawl) if len(row["objects"]) == objects]
        rows += [lift_input(image_row(crawl, row)) for row in kept]
        if len(rows) >= count:
            break
    return rows[:count]


def crowded(rows: list[Row], count: int) -> list[Row]:
    """Return the inputs with `count` discs as masks instead, of 18 to 30 px radius on an uneven grid."""
    return [{**row, "regions": _discs(row, count, np.random.default_rng([k, count]))} for k, row in enumerate(rows)]


def _discs(row: Row, count: int, random: np.random.Generator) -> list[Row]:
    height, width = row["height"], row["width"]
    columns = math.ceil(math.sqrt(count * width / height))
    lines = math.ceil(count / columns)
    cells = random.permutation(columns * lines)[:count]
    labels = np.zeros((height, width), np.uint16)
    for number, cell in enumerate(cells.tolist(), 1):
        line, column = divmod(cell, columns)
        middle = ((column + 0.5) * width / columns, (line + 0.5) * height / lines)
        u, v = (int(place + shift) for place, shift in zip(middle, random.integers(-8, 9, 2), strict=True))
        cv2.circle(labels, (u, v), int(random.integers(18, 31)), number, -1)
    like = {**row["regions"][0], "box_3d": None, "front": None}
    return [
        {**like, "region_id": number, "rle": encoded(labels == number)["counts"].decode()}
        for number in range(1, count + 1)
    ]


def seconds_per_image(rows: list[Row], passes: int) -> list[float]:
    """Return each image's median processor seconds over `passes`, after one warm-up pass."""
    settings = LiftSettings()
    times = np.empty((passes + 1, len(rows)))
    for number in range(passes + 1):
        for index, row in enumerate(rows):
            start = time.process_time()
            lift_row(row, settings)
            times[number, index] = time.process_time() - start
    return list(np.median(times[1:], axis=0))


def main() -> None:
    """Render, time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", "--photographs", type=int, default=60)
    parser.add_argument("--objects", type=int, default=6)
    parser.add_argument("--discs", type=int, help="so many discs as masks instead of those of the objects")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--noise", action="store_true", help="2 %% depth noise and 3 px of mask bleed")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as scratch:
        rows = lift_rows(Path(scratch), args.images, args.objects, args.noise)
    rows = crowded(rows, args.discs) if args.discs else rows
    seconds = np.array(seconds_per_image(rows, args.passes))
    print(heading())
    count = args.discs or args.objects
    print(f"{len(rows)} images 640 x 480 with {count} objects: {1 / seconds.mean():.1f} per CPU-second")
    print(f"ms per image: mean {1e3 * seconds.mean():.1f}, median {1e3 * np.median(seconds):.1f}", end="")
    print(f", 95th percentile {1e3 * np.percentile(seconds, 95):.1f}")


if __name__ == "__main__":
    main()
