"""Random `scenes` rows for tests: plain dicts, consistent enough to decide questions and odd enough to trip rules."""

import copy
import math
import random
from itertools import combinations
from typing import Any

from tests.questions.example_room import box_corners

Row = dict[str, Any]
WORDS = ("red chair", "blue mug", "tall lamp", "wooden table", "green plant", "white box", "old radio", "toy car")


def random_scene(rng: random.Random, count: int | None = None, **fixed: Any) -> tuple[Row, list[Row]]:
    """Return a `scenes` row with `scene_recipe` and `licence`, and references for nearly all of its objects."""
    camera_z_m, sigma_rel = rng.uniform(0.4, 2.2), rng.choice([0.0, 0.005, 0.01, 0.01, 0.1])
    source = rng.choice(["gt", "imu", "plane", "model", "none"])
    scene: Row = {
        "image_id": f"{rng.getrandbits(256):064x}",
        "ingest_shard": rng.randrange(4),
        "width": 1024,
        "height": 768,
        "camera": {"fx": 800.0, "fy": 800.0, "cx": 511.5, "cy": 383.5},
        "scale_ok": rng.random() < 0.85,
        "sigma_rel": sigma_rel,
        "scale_sigma_rel": rng.choice([None, 0.0, 0.0, 0.05, 0.31]),
        "focal_sigma_rel": rng.choice([None, 0.0, 0.0, 0.1]),
        "depth_noise_rel": rng.choice([None, 0.0, 0.002, 0.01]),
        "gravity_src": source,
        "gravity_sigma_deg": None if source == "none" else rng.choice([0.0, 0.5, 2.0, 5.0, 5.1, 10.0]),
        "has_plane": rng.choice(["floor", "floor", "table", "none"]),
        "world_from_camera": [0.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, camera_z_m],
        "scene_recipe": "scene-recipe",
        "licence": rng.choice([None, "CC-BY-4.0"]),
    } | fixed
    camera_z_m = scene["world_from_camera"][11]
    ids = rng.sample(range(1, 90), count or rng.randint(1, 8))
    scene["objects"] = [random_object(rng, object_id, camera_z_m, scene["sigma_rel"]) for object_id in ids]
    scene["pairs"] = [random_pair(rng, a, b) for a, b in combinations(scene["objects"], 2)]
    named = [object_id for object_id in ids if rng.random() < 0.95]
    return scene, [reference(object_id) for object_id in named]


def solid_scene(rng: random.Random, count: int = 6) -> tuple[Row, list[Row]]:
    """Return a scene with every gate open, all objects in view and named."""
    exact = {"gravity_sigma_deg": 0.0, "sigma_rel": 0.005, "scale_sigma_rel": 0.0, "focal_sigma_rel": 0.0}
    scene, _ = random_scene(rng, count, scale_ok=True, gravity_src="gt", has_plane="floor", **exact)
    for thing in scene["objects"]:
        thing["edge_sigma_px"] = None
    return scene, [reference(thing["object_id"]) for thing in scene["objects"]]


def reference(object_id: int) -> Row:
    """Return a REFERENCE struct; the expression tells the objects of an image apart."""
    expression = f"the {WORDS[object_id % len(WORDS)]} number {object_id}"
    return {
        "object_id": object_id,
        "expression": expression,
        "form": "label" if object_id % 2 else "ordinal",
        "group_size": 1,
    }


def random_object(rng: random.Random, object_id: int, camera_z_m: float, sigma_rel: float) -> Row:
    """Return an OBJECT struct seen by a level camera at height `camera_z_m`."""
    x = rng.uniform(0.6, 7.0)
    y, z = (
        rng.uniform(-0.6, 0.6) * x,
        rng.choice([0.0, 0.0, rng.uniform(0.0, 1.6), rng.uniform(0.0, 1.6), rng.uniform(-0.4, 0.0)]),
    )
    size = [math.exp(rng.uniform(math.log(0.05), math.log(1.2))) for _ in range(3)]
    lo = [x - size[0] * rng.uniform(0.3, 0.7), y - size[1] * rng.uniform(0.3, 0.7), z + rng.gauss(0, 0.005)]
    hi = [a + e for a, e in zip(lo, size, strict=True)]
    z = lo[2] + size[2] * rng.uniform(0.3, 0.7)
    range_m = max(0.2, math.dist((x, y, z), (0, 0, camera_z_m)) - size[0] * rng.uniform(0.2, 0.5))
    amodal = rng.random() < 0.4
    boxed = [e * rng.uniform(1.0, 1.3) for e in size] if amodal else size
    truncated, occlusion = rng.random() < 0.15, rng.choice([0.0, 0.0, 0.0, 0.05, 0.1, 0.2, 0.5])
    length, width = max(boxed[:2]) * rng.uniform(0.9, 1.1), min(boxed[:2])
    shift = rng.choice([0.0, 0.02, 0.3])
    return {
        "object_id": object_id,
        "label": "thing",
        "captions": [],
        "n_points": rng.choice([50, 400, 5000]),
        "area_px": rng.choice([60, 450, 6000]),
        "center_m": [x, y, z],
        "lo_m": lo,
        "hi_m": hi,
        "range_m": range_m,
        "depth_m": max(0.15, x - size[0] * rng.uniform(0.2, 0.5)),
        "center_c_m": [-y, camera_z_m - z, x],
        "u_norm": 0.5 - 0.78 * y / x + rng.gauss(0, 0.01),
        "v_norm": 0.5 + 1.04 * (camera_z_m - z) / x + rng.gauss(0, 0.02),
        "sigma_m": sigma_rel * range_m,
        "edge_sigma_px": rng.choice([None, None, 0.5, 6.0]),
        "size_source": "amodal" if amodal else "visible",
        "size_m": [*boxed, length, width],
        "volume_m3": boxed[0] * boxed[1] * boxed[2],
        "corners_m": box_corners([c + shift * e for c, e in zip((x, y, z), boxed, strict=True)], boxed),
        "size_ok": amodal or (not truncated and occlusion <= 0.1),
        "height_sigma_m": None if amodal else rng.choice([None, 0.002, 0.04]),
        "box_sigma_m": None if amodal else rng.choice([None, 0.01, 0.1]),
        "truncated": truncated,
        "occlusion": occlusion,
        "support_plane_id": (None, 0, 1)[object_id % 3],
    }


def random_pair(rng: random.Random, a: Row, b: Row) -> Row:
    """Return a PAIR struct whose distances are those of the intervals, jittered."""
    apart = [max(0.0, a["lo_m"][k] - b["hi_m"][k], b["lo_m"][k] - a["hi_m"][k]) for k in range(3)]
    clearance = math.hypot(*apart[:2]) * rng.uniform(0.9, 1.1)
    return {
        "a": a["object_id"],
        "b": b["object_id"],
        "gap_m": max(clearance, math.hypot(*apart)) + rng.choice([0.0, 0.02]),
        "clearance_m": clearance,
        "foot_overlap_m2": 0.0,
        "masks_adjacent": rng.random() < 0.2,
    }


def mirrored(scene: Row) -> Row:
    """Return what a camera sees in a mirror: left and right swapped."""
    mirror = copy.deepcopy(scene)
    for thing in mirror["objects"]:
        thing["center_m"][1] *= -1
        thing["lo_m"][1], thing["hi_m"][1] = -thing["hi_m"][1], -thing["lo_m"][1]
        thing["center_c_m"][0] *= -1
        thing["u_norm"] = 1 - thing["u_norm"]
        thing["corners_m"][1::3] = [-y for y in thing["corners_m"][1::3]]
    return mirror


def scaled(scene: Row, s: float) -> Row:
    """Return a world that is `s` times as large."""
    larger = copy.deepcopy(scene)
    larger["world_from_camera"][11] *= s
    for thing in larger["objects"]:
        for name in ("center_m", "lo_m", "hi_m", "center_c_m", "size_m", "corners_m"):
            thing[name] = [value * s for value in thing[name]]
        for name in ("range_m", "depth_m", "sigma_m"):
            thing[name] *= s
        thing["volume_m3"] *= s**3
    for pair in larger["pairs"]:
        pair["gap_m"] *= s
        pair["clearance_m"] *= s
    return larger


def turned(scene: Row, roll: float, pitch: float) -> Row:
    """Return what a camera sees that is rolled and pitched, rad; frame W stays."""
    other = copy.deepcopy(scene)
    for thing in other["objects"]:
        x, y, z = thing["center_c_m"]
        x, y = math.cos(roll) * x - math.sin(roll) * y, math.sin(roll) * x + math.cos(roll) * y
        y, z = math.cos(pitch) * y - math.sin(pitch) * z, math.sin(pitch) * y + math.cos(pitch) * z
        thing["center_c_m"], thing["depth_m"] = [x, y, z], z
        thing["u_norm"], thing["v_norm"] = 0.5 + 0.78 * x / z, 0.5 + 1.04 * y / z
    return other
