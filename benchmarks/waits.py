"""Measures what people wait for: wall and processor time of whole commands on a small crawl, with and without Spark.

`python -m benchmarks.waits --rooms 60` renders rooms and prints a table. The last line is a fixed piece of work, to
compare machines and moments by.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.processor import heading, tree_seconds
from scenes.crawl import write_crawl

_SPARK = ["--set", "max_images_without_spark=0"]
_COUNT = "SELECT type_id, count(*) AS answers FROM qa_pairs GROUP BY type_id"


def commands(crawl: Path, folder: Path) -> dict[str, list[str]]:
    """Return the arguments of the measured commands by what they do, in order."""
    small, spark = ["--lake", str(folder / "small")], ["--lake", str(folder / "spark")]
    run = ["run", "--crawl", str(crawl), "--experts", "sensor"]
    return {
        "`--help`": ["--help"],
        "`ask` with depth and masks given": ["ask", *image_of(crawl)],
        "first `run`": [*run, *small],
        "`run` with nothing to do": [*run, *small],
        "first `run`, in Spark": [*run, *spark, *_SPARK],
        "`run` with nothing to do, in Spark": [*run, *spark, *_SPARK],
        "`sql`, a count": ["sql", _COUNT, *small],
        "`sql`, a count, in Spark": ["sql", _COUNT, *small, "--engine", "spark"],
        "`preview`": ["preview", *small, "--out", str(folder / "preview.html")],
        "`report`": ["report", *small, "--out", str(folder / "report.html")],
    }


def image_of(crawl: Path) -> list[str]:
    """Return the arguments that ask about the crawl's first image, with its depth and masks from the manifest."""
    lines = (crawl / "manifest.jsonl").read_text().splitlines()
    row = json.loads(lines[0])
    (crawl / "one.json").write_text(lines[0])
    a, b = (thing["label"] for thing in row["objects"][:2])
    return [str(crawl / row["image"]), f"How far is the {a} from the {b}?", "--sidecar", str(crawl / "one.json")]


def fixed_work() -> None:
    """Multiply the same matrices, some seconds of one core's work."""
    matrix = np.random.default_rng(0).normal(size=(600, 600))
    for _ in range(200):
        matrix = matrix @ matrix / np.linalg.norm(matrix)


def main() -> None:
    """Render, run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=60)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    print(f"{heading()}\n\n| command | wall s | processor s |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_crawl(str(folder / "crawl"), count=options.rooms, seed=options.seed)
        for what, arguments in commands(folder / "crawl", folder).items():
            started_at = time.monotonic()
            seconds = tree_seconds([sys.executable, "-m", "spatiallake", *arguments], folder / "log.txt")
            print(f"| {what} | {time.monotonic() - started_at:.1f} | {seconds:.1f} |", flush=True)
    started_at, before = time.monotonic(), time.process_time()
    fixed_work()
    print(f"| fixed work | {time.monotonic() - started_at:.1f} | {time.process_time() - before:.1f} |")


if __name__ == "__main__":
    main()
