"""Scores fused sequences on rendered camera paths: every multi-view type, and fused scenes against single views.

`python -m benchmarks.views --paths 40 --seed 1` renders 40 paths (walk-throughs, orbits, pans; in every second one a
thing is moved) with exact depth and masks, answers every multi-view type and compares with the exact truth.
`--kind turn` renders turns all around instead, which show how large the room is, and `--kind watch` things that are
moved in sight. `--fusion` renders paths as imitated depth sensors see them, and compares sizes, places and distances of
fused scenes with those of every single view that saw the same things.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, get_args

import numpy as np

from benchmarks.processor import heading
from scenes.path_rows import image_rows
from scenes.paths import CameraPath, PathKind, PathSettings, camera_path
from scenes.solids_apart import distance_m
from scenes.truth.exact import check
from scenes.truth.path import ExactPath
from scenes.truth.tally import Tally, table
from udfs.experts.expert import SENSOR
from udfs.geometry.fusion import FusedObject, FusedScene, ViewsContradict, fuse
from udfs.geometry.posed_view import PosedView
from udfs.questions.sequence import Sequence, SequenceSettings, names_of
from udfs.questions.sequence_answers import answer_sequence
from udfs.stages.lift import LiftSettings, lift_row, scene_input
from udfs.stages.one_image import prediction_of
from udfs.stages.rows import RowRejected

TARGET_RATIO, TARGET_RIGHT, TARGET_WITHIN = 0.7, 0.995, 0.95
_MAX_PAIRS = 10
# Enough that neighbors overlap whatever the lens.
_TURN_FRAMES = 12
Errors = dict[str, list[tuple[float, float]]]


def lifted_views(path: CameraPath, boxes: bool = False) -> list[PosedView]:
    """Lift every frame by the functions of the stages; frames in which nothing can be lifted are left out."""
    views = []
    for row in image_rows(path, boxes):
        try:
            regions = prediction_of("context", SENSOR, row)["regions"]
            lifted = {**prediction_of("depth", SENSOR, row), **row, "regions": regions}
            scene = lift_row(lifted, LiftSettings())
        except RowRejected:
            continue
        pose = np.array(row["pose"]).reshape(4, 4)
        given = scene_input(lifted, LiftSettings())
        views.append(PosedView.of(row["frame_index"], row["image_id"], pose, scene, given))
    return views


def judged(path: CameraPath, fused: FusedScene, tally: Tally, worst: list[str]) -> None:
    """Answer every multi-view type about a path and add the verdicts; `worst` gets what is wrong."""
    settings, truth = SequenceSettings(), ExactPath(path)
    true_id = {thing.object_id: _true_id(thing) for thing in fused.objects}
    for row in answer_sequence(Sequence(path.name, fused, names_of(fused)), settings, "memory"):
        chosen = row["answer_object_id"]
        about = {
            **row,
            "object_ids": [true_id[one] for one in row["object_ids"]],
            "answer_object_id": None if chosen is None else true_id[chosen],
            "answer_bool": None,
        }
        verdict = check(about, truth)
        tally.add(about, verdict)
        if verdict.right is False or (verdict.relative_error or 0.0) > 0.1:
            worst.append(f"{row['type_id']} {path.name} {row['frames']} {row['question']} {row['answer']}: {verdict}")


def _true_id(thing: FusedObject) -> int:
    return Counter(int(one["object_id"]) for one in thing.seen.values()).most_common(1)[0][0]


def answered(count: int, seed: int, size: tuple[int, int], kind: PathKind | None = None) -> tuple[Tally, list[str]]:
    """Judge all answers about `count` paths; in every second one, and in every watch, a thing is moved."""
    tally, worst = Tally(), list[str]()
    for index in range(count):
        moved = kind == "watch" or (kind is None and index % 2 == 1)
        frames = _TURN_FRAMES if kind == "turn" else PathSettings.frames
        path = camera_path(seed, index, PathSettings(*size, frames=frames, moved=moved, kind=kind))
        try:
            judged(path, fuse(lifted_views(path)), tally, worst)
        except ViewsContradict as contradiction:
            worst.append(f"{path.name}: {contradiction}")
    return tally, worst


def compared(path: CameraPath, fused: FusedScene, errors: Errors) -> None:
    """Add (fused, one view) errors of everything that two frames or more saw, against the exact meshes.

    The error of one view is the mean over the views that saw the thing, or both things of a distance.
    """
    known: list[tuple[FusedObject, int, np.ndarray]] = []
    for thing in fused.objects:
        ids = {int(one["object_id"]) for one in thing.seen.values()}
        if len(thing.seen) < 2 or len(ids) != 1 or thing.is_moved:
            continue
        item = path.item(ids.copy().pop())
        size = item.design.size_m
        center = item.world((0.0, 0.0, float(size[2]) / 2))
        known.append((thing, ids.pop(), center))
        for name, place, true in (("height", 2, size[2]), ("length", 3, max(size[:2])), ("width", 4, min(size[:2]))):
            own = [abs(one["size_m"][place] - true) for one in thing.seen.values()]
            errors[f"{name}, m"].append((abs(thing.shape.size_m[place] - float(true)), float(np.mean(own))))
            whole = [abs(one["size_m"][place] - true) for one in thing.seen.values() if one["size_ok"]]
            if whole:
                ours = abs(thing.shape.size_m[place] - float(true))
                errors[f"{name}, m, against views that show it whole"].append((ours, float(np.mean(whole))))
    for (a, id_a, at_a), (b, id_b, at_b) in list(combinations(known, 2))[:_MAX_PAIRS]:
        both = sorted(a.seen.keys() & b.seen.keys())
        if not both:
            continue
        true = float(np.linalg.norm(at_a - at_b))
        own = [abs(np.linalg.norm(_center(a.seen[k]) - _center(b.seen[k])) - true) for k in both]
        ours = abs(float(np.linalg.norm(a.shape.center - b.shape.center)) - true)
        errors["distance of centers, m"].append((ours, float(np.mean(own))))
        gap = distance_m(path.mesh(id_a), path.mesh(id_b))
        own = [abs(_gap(fused.views[k], id_a, id_b) - gap) for k in both]
        errors["distance of surfaces, m"].append(
            (abs(fused.gap_m(a.object_id, b.object_id) - gap), float(np.mean(own)))
        )


def _center(thing: Mapping[str, Any]) -> np.ndarray:
    return np.reshape(thing["corners_m"], (8, 3)).mean(axis=0)


def _gap(view: PosedView, a: int, b: int) -> float:
    return next(pair["gap_m"] for pair in view.scene["pairs"] if {pair["a"], pair["b"]} == {a, b})


def fusion_lines(errors: Errors) -> Iterator[str]:
    """Yield the table of errors of fused scenes and of one view."""
    yield "| error of | compared | fused, mean | one view, mean | ratio | fused, median | one view, median | ratio |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, pairs in sorted(errors.items()):
        ours, own = np.array(pairs).T
        cells = [f"{f(ours):.4f} | {f(own):.4f} | {f(ours) / f(own):.2f}" for f in (np.mean, np.median)]
        yield f"| {name} | {len(pairs)} | {' | '.join(cells)} |"


def fusion(count: int, seed: int, size: tuple[int, int], sensor: bool) -> Errors:
    """Compare fused scenes with single views on `count` paths."""
    errors: Errors = defaultdict(list)
    for index in range(count):
        path = camera_path(seed, index, PathSettings(*size, sensor=sensor))
        try:
            compared(path, fuse(lifted_views(path)), errors)
        except ViewsContradict as contradiction:
            print(f"{path.name}: {contradiction}")
    return errors


def main() -> None:
    """Render, fuse, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paths", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fusion", action="store_true", help="compare fused scenes with single views")
    parser.add_argument("--exact", action="store_true", help="with --fusion: exact depth and masks instead of a sensor")
    parser.add_argument("--worst", type=int, default=0, help="number of wrong answers to print")
    parser.add_argument(
        "--kind", choices=get_args(PathKind), help="kind of all paths; walks, orbits, pans unless given"
    )
    args = parser.parse_args()
    print(heading())
    if not args.fusion:
        tally, worst = answered(args.paths, args.seed, (320, 240), args.kind)
        figures = tally.figures()
        print(f"qualitative right: {100 * figures['qualitative_right']:.2f} % (target: {100 * TARGET_RIGHT:.1f} %)")
        print(f"numbers within 10 %: {100 * figures['within_10']:.2f} % (target: {100 * TARGET_WITHIN:.1f} %)")
        print(table(figures), *worst[: args.worst], sep="\n")
        return
    size = (320, 240) if args.exact else (640, 480)
    print(*fusion_lines(fusion(args.paths, args.seed, size, not args.exact)), sep="\n")


if __name__ == "__main__":
    main()
