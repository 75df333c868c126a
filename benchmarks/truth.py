"""Scores all answers about rendered rooms against exact geometry.

`python -m benchmarks.truth --rooms 300 --seed 1 --pure` renders rooms, answers questions about them and prints the
accuracy and the numeric errors by type. With `--affordances` it scores only what passes, fits, reaches and is free, and
surfaces and openings, of rooms with a doorway. Without `--pure`, `spatiallake run` writes the answers into `--lake`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.lake import image_ids, rows_by_image
from benchmarks.pipeline import processed_images
from benchmarks.processor import heading
from scenes.crawl import MANIFEST, write_crawl
from scenes.truth.exact import check, gravity_error_deg
from scenes.truth.measure import read_manifest, read_scene
from scenes.truth.tally import Tally, table
from scenes.truth.verdict import Verdict
from tests.truth.words import fault
from udfs.questions.question_type import Group
from udfs.questions.registry import question_type

Row = Mapping[str, Any]
AFFORDANCES = 40
DEGRADED = {"depth_noise_rel": 0.02, "mask_bleed_px": 3}


@dataclass
class Report:
    """Verdicts, wordings that contradict their columns, the rows with the largest errors, and gravity errors (deg)."""

    tally: Tally = field(default_factory=Tally)
    faults: list[str] = field(default_factory=list)
    worst: list[tuple[float, str]] = field(default_factory=list)
    gravity: list[tuple[float | None, float | None, float]] = field(default_factory=list)
    planes: Counter[str] = field(default_factory=Counter)
    images: int = 0

    def note(self, row: Row, verdict: Verdict, image: str) -> None:
        """Count one answer."""
        self.tally.add(row, verdict)
        wrong = fault(row)
        if wrong:
            self.faults.append(f"{row['type_id']} {image}: {wrong}")
        badness = verdict.relative_error if verdict.right else float("inf")
        if badness is not None and badness > 0.05:
            answer = row["value_si"] if row["value_si"] is not None else row["answer_bool"]
            where = f"{row['type_id']} {image} objects {list(row['object_ids'])} {row['question_template']}"
            self.worst.append((badness, f"{where}: says {answer} {row['side'] or ''}, truth {verdict.truth}"))


def arguments() -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--noise", action="store_true", help="2 %% depth noise and 3 px of mask bleed")
    parser.add_argument("--no-gravity", action="store_true", help="hide gravity from the pipeline")
    parser.add_argument("--pure", action="store_true", help="run the row functions in this process instead of Spark")
    parser.add_argument("--affordances", action="store_true", help="score affordances; needs --pure, without --noise")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worst", type=int, default=0, help="number of worst answers to print")
    parser.add_argument("--crawls", type=Path, help="folder to keep the rendered crawls in")
    parser.add_argument("--lake", type=Path, help="folder of the lake")
    args = parser.parse_args()
    if args.affordances and (args.noise or not args.pure):
        parser.error("--affordances needs --pure and exact depth; add --pure and leave out --noise.")
    return args


def rendered(args: argparse.Namespace, folder: Path) -> tuple[Path, Path]:
    """Return the pipeline's crawl and the exact crawl of the same rooms; renders them if missing."""
    name = f"s{args.seed}-r{args.rooms}-{args.width}x{args.height}{'-doorways' if args.affordances else ''}"
    exact, given = folder / name, folder / f"{name}-noise"
    size = {"width": args.width, "height": args.height, "doorways": args.affordances}
    if not (exact / MANIFEST).exists():
        write_crawl(str(exact), args.rooms, args.seed, **size)
    if args.noise and not (given / MANIFEST).exists():
        write_crawl(str(given), args.rooms, args.seed, **size, **DEGRADED)
    if args.noise and list(image_ids(exact)) != list(image_ids(given)):
        raise SystemExit(f"{exact} and {given} show different rooms; remove both and run again.")
    given = given if args.noise else exact
    if not args.no_gravity:
        return given, exact
    rows = [json.dumps({**row, "gravity": None}) for row in read_manifest(given)]
    (given / "no-gravity.jsonl").write_text("\n".join(rows) + "\n")
    return given, exact


def pure(
    given: Path, gravity: bool, affordances: bool = False
) -> Iterator[tuple[str, Row | None, list[dict[str, Any]]]]:
    """Yield (image URI, scene, answers) of every image, from the row functions; of affordances alone if asked for."""
    for processed in processed_images(given, gravity=gravity, max_affordances=AFFORDANCES if affordances else 0):
        answers = processed.answers
        if affordances:
            answers = [row for row in answers if question_type(row["type_id"]).group == Group.AFFORDANCE]
        yield processed.manifest["image"], processed.scene, answers


def through_spark(
    given: Path, args: argparse.Namespace, lake: Path
) -> Iterator[tuple[str, Row | None, list[dict[str, Any]]]]:
    """Run `spatiallake run` and yield (image URI, scene, answers) of every image."""
    crawl = given / ("no-gravity.jsonl" if args.no_gravity else MANIFEST)
    options = ["--crawl", str(crawl), "--lake", str(lake), "--experts", "sensor"]
    subprocess.run([sys.executable, "-m", "spatiallake", "run", *options], check=True, stdout=sys.stderr)
    scenes, answers = rows_by_image(lake, "scenes"), rows_by_image(lake, "qa_pairs")
    for uri, image_id in image_ids(given):
        scene = scenes.get(image_id)
        yield uri, scene[0] if scene else None, answers.get(image_id, [])


def scored(made: Iterable[tuple[str, Row | None, list[dict[str, Any]]]], exact: Path) -> Report:
    """Score every answer."""
    report = Report()
    manifest = {row["image"]: row for row in read_manifest(exact)}
    for uri, scene, answers in made:
        report.images += 1
        if scene is not None:
            report.planes[scene["has_plane"]] += 1
            error = gravity_error_deg(scene, manifest[uri])
            report.gravity.append((error, scene["gravity_sigma_deg"], floor_share(exact, manifest[uri])))
        if answers:
            truth = read_scene(exact, manifest[uri])
            for row in answers:
                report.note(row, check(row, truth), uri)
    return report


def floor_share(crawl: Path, row: Row) -> float:
    """Return the share of pixels that show the floor, outside all objects."""
    import numpy as np

    from scenes.truth.measure import back_project, png_pixels

    depth = png_pixels(crawl / row["depth"]) / 1000.0
    pose = np.asarray(row["pose"], dtype=np.float64)
    heights = back_project(depth, row["camera"]) @ pose[2, :3] + pose[2, 3]
    return float(np.mean((np.abs(heights) < 0.01) & (depth > 0) & (png_pixels(crawl / row["instances"]) == 0)))


def gravity_figures(report: Report) -> dict[str, Any]:
    """Return the accuracy of gravity for images with at least 2 % floor pixels, and the count of unflagged errors."""
    with_floor = [(error, sigma) for error, sigma, share in report.gravity if share >= 0.02]
    good = [error is not None and error <= 2.0 for error, _ in with_floor]
    silent = [e for e, sigma, _ in report.gravity if e is not None and e > 5.0 and (sigma is None or sigma <= 5.0)]
    errors = [error for error, _, _ in report.gravity if error is not None]
    return {
        "rooms_with_floor": len(with_floor),
        "within_2_deg_with_floor": sum(good) / len(good) if good else None,
        "not_found": sum(error is None for error, _, _ in report.gravity),
        "over_5_deg_unflagged": len(silent),
        "largest_error_deg": max(errors, default=None),
    }


def show(report: Report, args: argparse.Namespace) -> None:
    """Print the report."""
    group = Group.AFFORDANCE if args.affordances else Group.CORE
    missing = [one for one in report.tally.missing() if question_type(one).group == group]
    figures = report.tally.figures() | {"images": report.images, "word_faults": len(report.faults)}
    figures |= {"missing_types": missing}
    figures |= {"has_plane": dict(report.planes), "gravity": gravity_figures(report)}
    if args.json:
        print(json.dumps(figures))
        return
    print(heading())
    targets = (0.98, 0.85, 0.97) if args.noise else (0.995, 0.95, 0.99)
    for name, target in zip(("qualitative_right", "within_10", "within_25"), targets, strict=True):
        print(f"{name}: {100 * figures[name]:.2f} % (target: {100 * target:.1f} %)")
    for name in ("images", "answers", "types", "missing_types", "qualitative_share", "side_right", "median_rel"):
        print(f"{name}: {figures[name]}")
    print(f"letters A {figures['letter_a']}, B {figures['letter_b']}; planes {figures['has_plane']}")
    print(f"gravity: {figures['gravity']}")
    print(f"wordings that contradict their columns: {len(report.faults)}")
    print(*report.faults[:10], sep="\n")
    print(table(figures))
    for badness, line in sorted(report.worst, reverse=True)[: args.worst]:
        print(f"{badness:.3f} {line}")


def main() -> None:
    """Render, run, score and print."""
    args = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        given, exact = rendered(args, args.crawls or Path(scratch))
        lake = args.lake or Path(scratch) / "lake"
        made = pure(given, not args.no_gravity, args.affordances) if args.pure else through_spark(given, args, lake)
        show(scored(made, exact), args)


if __name__ == "__main__":
    main()
