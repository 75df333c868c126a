"""Scores heights, box centers, gravity and the names of surfaces on images of imitated depth sensors.

`python -m benchmarks.sensors --scenes 200 --seed 1` renders near tables with clutter, things on floors and rooms, as
five kinds of depth sensor see them, runs the stages' functions on each, and compares with the exact scenes. Every
second image carries gravity. `--learned` takes depth like that of a model, whose scale is off by 12 %. `--groups` also
prints the shares of heights and box centers by sensor, layout, range, occlusion, kind, and source of gravity and size.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.processor import heading
from scenes.captions import captions
from scenes.sensor_images import SensorImage, encoded, sensor_image
from udfs.experts.expert import SENSOR
from udfs.margins import MAX_GRAVITY_SIGMA_DEG
from udfs.stages.disambiguate import DisambiguateSettings
from udfs.stages.lift import LiftSettings
from udfs.stages.one_image import prediction_of, question_image
from udfs.stages.rows import RowRejected
from udfs.stages.synthesize import SynthesizeSettings

Row = Mapping[str, Any]
IMU_SIGMA_DEG = 1.0
LEARNED = {"sigma_rel": 0.1, "scale_sigma_rel": 0.12}
_FLOOR_M, _NEAR_PLANE_REL = 0.1, 0.03
_NOT_ASKED = ", not asked"
_CENTER_M, _CENTER_REL = 0.03, 0.1
_RANGES_M = (0.5, 1.0, 2.0, 3.0)
_SETTINGS = (LiftSettings(), DisambiguateSettings(), SynthesizeSettings())
TARGETS = {
    "height": 0.95,
    "box center": 0.90,
    "gravity within twice its error": 0.95,
    "surface named rightly": 0.98,
    "scenes answered": 0.90,
}


@dataclass
class Scores:
    """`holds` lists (group, detail, ok) per score; `gravity_deg` the errors of gravity estimated from surfaces.

    `traits` lists, per score of objects, what sorts each of its comparisons into groups.
    """

    holds: dict[str, list[tuple[str, str, bool]]] = field(default_factory=lambda: defaultdict(list))
    gravity_deg: list[float] = field(default_factory=list)
    traits: dict[str, list[dict[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def note(self, score: str, group: str, detail: str, ok: bool) -> None:
        """Count one comparison."""
        self.holds[score].append((group, detail, bool(ok)))

    def share(self, score: str) -> float:
        """Return the share that holds; NaN without any."""
        return float(np.mean([ok for *_, ok in self.holds[score]])) if self.holds[score] else float("nan")


def image_of(seen: SensorImage, gravity: bool, rng: np.random.Generator) -> dict[str, Any]:
    """Return the row of `images` that the `sensor` experts read; gravity as an inertial sensor would give it."""
    tilt = seen.camera.gravity + np.deg2rad(IMU_SIGMA_DEG) / np.sqrt(2) * rng.standard_normal(3)
    objects = [
        {"id": number, "label": item.label, "captions": captions(item), "box_3d": None, "front": None}
        for number, item in seen.objects.items()
    ]
    return {
        "image_id": f"{int(rng.integers(2**60)):064x}",
        "ingest_shard": 0,
        "width": seen.depth_mm.shape[1],
        "height": seen.depth_mm.shape[0],
        "depth": encoded(seen.depth_mm),
        "instances": encoded(seen.instances),
        "camera": seen.intrinsics,
        "gravity": (tilt / np.linalg.norm(tilt)).tolist() if gravity else None,
        "pose": None,
        "objects": objects,
        "licence": None,
    }


def scored(seen: SensorImage, image: dict[str, Any], scores: Scores, learned: bool = False) -> None:
    """Run the stages on one image and add its comparisons."""
    group = f"{seen.layout}, {seen.sensor}"
    depth = prediction_of("depth", SENSOR, image) | (LEARNED if learned else {})
    regions = prediction_of("context", SENSOR, image)["regions"]
    try:
        made = question_image(image, regions, depth, _SETTINGS)
    except RowRejected as rejected:
        scores.note("scenes answered", group, str(rejected), False)
        return
    scores.note("scenes answered", group, "no answer", bool(made.answers))
    scene = made.scene
    _gravity(scene, seen, scores, group)
    _surface(scene, seen, scores, group)
    pose = np.reshape(scene["world_from_camera"], (3, 4))
    level = scene["gravity_src"] != "none" and scene["gravity_sigma_deg"] <= MAX_GRAVITY_SIGMA_DEG
    for thing in scene["objects"]:
        _object(thing, seen, pose, scores, _Asked(level and thing["size_ok"], scene["gravity_src"]))


@dataclass(frozen=True)
class _Asked:
    """Whether sizes of an object may be asked for, and where its gravity is from."""

    size: bool
    gravity_src: str


def _gravity(scene: Row, seen: SensorImage, scores: Scores, group: str) -> None:
    if scene["gravity_src"] != "plane":
        return
    cosine = np.clip(np.dot(scene["gravity_c"], seen.camera.gravity), -1, 1)
    error = float(np.rad2deg(np.arccos(cosine)))
    sigma = scene["gravity_sigma_deg"]
    scores.gravity_deg.append(error)
    scores.note("gravity within twice its error", group, f"{error:.1f} declared {sigma:.1f}", error <= 2 * sigma)


def _surface(scene: Row, seen: SensorImage, scores: Scores, group: str) -> None:
    named, camera_m = scene["has_plane"], float(seen.camera.position_m[2])
    if named not in ("floor", "table"):
        return
    height_m = _exact_height_m(scene, seen)
    detail = f"{named} at {height_m:.2f} m, camera {camera_m:.2f} m"
    scores.note("surface named rightly", group, detail, (height_m < _FLOOR_M) == (named == "floor"))


def _exact_height_m(scene: Row, seen: SensorImage) -> float:
    """Return the true height above the floor of what the engine took for the plane that holds the origin."""
    plane, step = scene["planes"][0], 4
    v, u = np.mgrid[0 : seen.exact_m.shape[0] : step, 0 : seen.exact_m.shape[1] : step]
    camera = seen.intrinsics
    rays = np.stack([(u - camera["cx"]) / camera["fx"], (v - camera["cy"]) / camera["fy"], np.ones(u.shape)], axis=-1)
    sensed = rays * (seen.depth_mm[::step, ::step, None] / 1000.0)
    near = np.abs(sensed @ np.asarray(plane["normal_c"]) + plane["offset_m"]) < _NEAR_PLANE_REL * plane["offset_m"]
    exact = rays * seen.exact_m[::step, ::step, None]
    heights = exact @ seen.camera.rotation[2] + seen.camera.position_m[2]
    return float(np.median(heights[near & (sensed[..., 2] > 0)]))


def _object(thing: Row, seen: SensorImage, pose: np.ndarray, scores: Scores, asked: _Asked) -> None:
    item = seen.objects[thing["object_id"]]
    true_m, found_m = float(item.design.size_m[2]), thing["size_m"][2]
    center_c = pose[:, :3].T @ (np.reshape(thing["corners_m"], (8, 3)).mean(axis=0) - pose[:, 3])
    off_m = float(np.linalg.norm(center_c - seen.box_center_c(thing["object_id"])))
    size_m = float(item.design.size_m.max())
    height_ok = abs(found_m - true_m) <= max(0.012, 0.1 * true_m)
    tall = f"{item.label} {found_m:.3f} for {true_m:.3f} m at {thing['range_m']:.2f} m by {thing['size_source']}"
    away = f"{item.label} of {size_m:.2f} m at {thing['range_m']:.2f} m off {off_m:.3f} m by {thing['size_source']}"
    group, traits = f"{seen.layout}, {seen.sensor}", _traits(thing, seen, item.label, asked)
    height = "height" if asked.size else f"height{_NOT_ASKED}"
    # a box of which only the front is known says so
    found_box_m = max(thing["size_m"][2:])
    known = asked.size and thing["box_sigma_m"] <= max(_CENTER_M, _CENTER_REL * found_box_m)
    center = "box center" if known else "box center, not known" if asked.size else f"box center{_NOT_ASKED}"
    for score, detail, ok in (
        (height, tall, height_ok),
        (center, away, off_m <= max(_CENTER_M, _CENTER_REL * size_m)),
        (f"{center}, 10 % of the range", away, off_m <= max(_CENTER_M, _CENTER_REL * thing["range_m"])),
    ):
        scores.note(score, group, detail, ok)
        scores.traits[score].append(traits)


def _traits(thing: Row, seen: SensorImage, label: str, asked: _Asked) -> dict[str, str]:
    ranges = np.searchsorted(_RANGES_M, thing["range_m"])
    return {
        "sensor": seen.sensor,
        "layout": seen.layout,
        "gravity": asked.gravity_src,
        "size source": thing["size_source"],
        "range": f"from {(0.0, *_RANGES_M)[int(ranges)]} m",
        "occlusion": "cut off" if thing["truncated"] else "some" if thing["occlusion"] > 0 else "none",
        "kind": label,
    }


def run(count: int, seed: int, learned: bool = False) -> Scores:
    """Score `count` images."""
    scores = Scores()
    for index in range(count):
        rng = np.random.default_rng([seed, index, 1_000])
        seen = sensor_image(seed, index, learned)
        scored(seen, image_of(seen, index % 2 == 1, rng), scores, learned)
    return scores


def lines(scores: Scores) -> Iterator[str]:
    """Yield the table of all scores."""
    yield "| score | compared | holds % | target % |\n|---|---|---|---|"
    for score in sorted(scores.holds):
        target = f"{100 * TARGETS[score]:.0f}" if score in TARGETS else ""
        yield f"| {score} | {len(scores.holds[score])} | {100 * scores.share(score):.1f} | {target} |"
    errors = scores.gravity_deg or [float("nan")]
    yield f"| median error of gravity, degrees | {len(errors)} | {np.median(errors):.2f} | under 1.5 |"


def group_lines(scores: Scores) -> Iterator[str]:
    """Yield a table of the shares of heights and box centers in every group."""
    shares: dict[tuple[str, str], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for score in ("height", "box center"):
        for traits, (*_, ok) in zip(scores.traits[score], scores.holds[score], strict=True):
            for group in traits.items():
                shares[group][score].append(ok)
    yield "\n| group | heights | holds % | box centers | holds % |\n|---|---|---|---|---|"
    for (trait, value), held in sorted(shares.items()):
        cells = [
            f"{len(held[score])} | {100 * np.mean(held[score] or [np.nan]):.1f}" for score in ("height", "box center")
        ]
        yield f"| {trait}: {value} | {' | '.join(cells)} |"


def main() -> None:
    """Render, run, score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--learned", action="store_true", help="depth like that of a model instead of a sensor")
    parser.add_argument("--groups", action="store_true", help="also print the shares of heights and centers by group")
    parser.add_argument("--misses", help="also print the misses of this score, and its shares by group")
    args = parser.parse_args()
    scores = run(args.scenes, args.seed, args.learned)
    print(heading(), *lines(scores), sep="\n")
    if args.groups:
        print(*group_lines(scores), sep="\n")
    by_group: dict[str, list[bool]] = defaultdict(list)
    for group, detail, ok in scores.holds.get(args.misses, []):
        by_group[group].append(ok)
        if not ok:
            print(f"- {group}: {detail}")
    for group, held in sorted(by_group.items()):
        print(f"{group}: {100 * np.mean(held):.0f} % of {len(held)}")


if __name__ == "__main__":
    main()
