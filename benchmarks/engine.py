"""Measures the engine through Spark and Delta: processor seconds of the whole process tree, by stage, images and cores.

`python -m benchmarks.engine --images 200 2000 20000 --cores 1 2` renders 200 images at 640 x 480, makes the larger
crawls from them (each image gets a comment of its own, hence another identity; depth and masks are shared files), and
runs every stage on a fresh lake as its own `spatiallake` command. Starting a session costs the same however many images
follow; the marginal figures leave it out: they are differences between two crawl sizes.
"""

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from benchmarks.processor import heading, tree_seconds
from jobs.engine.registry import run_stages
from scenes.crawl import write_crawl
from scenes.truth.measure import read_manifest


def with_comment(jpeg: bytes, text: str) -> bytes:
    """Return a JPEG with one more comment segment: other bytes, the same pixels."""
    comment = text.encode("ascii")
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def enlarged(base: Path, out: Path, images: int) -> Path:
    """Write a crawl of `images` distinct images out of the base crawl's, and return its manifest."""
    rows = read_manifest(base)
    lines = []
    for index in range(images):
        image = out / "images" / f"{index // 1000:04d}" / f"{index:07d}.jpg"
        lines.append(copied_line(base, rows[index % len(rows)], image, index))
    manifest = out / "manifest.jsonl"
    manifest.write_text("\n".join(lines) + "\n")
    return manifest


def copied_line(base: Path, row: dict[str, Any], image: Path, index: int) -> str:
    """Write copy `index` of a row's image, with bytes of its own, and return its line of a manifest."""
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(with_comment((base / row["image"]).read_bytes(), f"copy {index}"))
    maps = {name: str(base / row[name]) for name in ("depth", "instances")}
    return json.dumps({**row, "image": str(image), **maps})


def stage_seconds(manifest: Path, lake: Path, cores: int, log: Path) -> dict[str, float]:
    """Run every stage on a fresh lake and return the processor seconds of each."""
    seconds = {}
    for stage in run_stages():
        command = [sys.executable, "-m", "spatiallake", stage, "--lake", str(lake), "--master", f"local[{cores}]"]
        command += ["--set", "max_images_without_spark=0"]
        if stage == "ingest":
            # The maps are those of the crawl that the images were made from.
            command += ["--crawl", str(manifest), "--set", f"ingest.allowed_roots=[{manifest.parent.parent}]"]
        seconds[stage] = tree_seconds(command, log)
    return seconds


def answers_in(lake: Path) -> int:
    """Return the rows of `qa_pairs`."""
    return DeltaTable(str(lake / "qa_pairs")).to_pyarrow_dataset().count_rows()


@dataclass(frozen=True)
class Run:
    """One run of all stages: images, answers, processor seconds by stage."""

    images: int
    answers: int
    seconds: dict[str, float]


def show(run: Run, before: Run | None, cores: int) -> None:
    """Print a run as a Markdown table, with marginal figures over the smaller run `before`."""
    print(f"\n### {run.images} images, {cores} core(s): {run.answers} answers\n")
    over = f"over {before.images} images" if before else "(no smaller run)"
    print(f"| stage | CPU s | marginal CPU ms per image, {over} | per marginal CPU-second |\n|---|---|---|---|")
    for stage in (*run_stages(), "all"):
        seconds = run.seconds[stage] if stage != "all" else sum(run.seconds.values())
        if before is None:
            print(f"| {stage} | {seconds:.1f} | | |")
            continue
        added = seconds - (before.seconds[stage] if stage != "all" else sum(before.seconds.values()))
        images, answers = run.images - before.images, run.answers - before.answers
        made, unit = (answers, "answers") if stage == "synthesize" else (images, "images")
        rate = f"{made / added:.1f} {unit}" if added > 0 else "lost in noise"
        print(f"| {stage} | {seconds:.1f} | {1e3 * added / images:.2f} | {rate} |", flush=True)


def main() -> None:
    """Render, run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[200, 2000, 20000])
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rooms", type=int, default=200, help="images that are rendered")
    parser.add_argument("--scratch", type=Path, help="folder that keeps the crawls; lakes are removed")
    args = parser.parse_args()
    print(heading(), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        scratch = args.scratch or Path(temporary)
        base = scratch / "base"
        if not (base / "manifest.jsonl").exists():
            write_crawl(str(base), args.rooms, 1)
        for cores in args.cores:
            before = None
            for images in args.images:
                manifest = enlarged(base.resolve(), (scratch / f"crawl-{images}").resolve(), images)
                lake = scratch / f"lake-{images}-{cores}"
                seconds = stage_seconds(manifest, lake, cores, scratch / "engine.log")
                run = Run(images, answers_in(lake), seconds)
                show(run, before, cores)
                shutil.rmtree(lake)
                before = run


if __name__ == "__main__":
    main()
