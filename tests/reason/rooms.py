"""Small scenes of boxes, as lifting stores them, with errors that a test chooses."""

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from tests.questions.example_room import box_corners
from vlm.reason.geometry import GeometryAnswers

CAMERA_Z_M = 1.2
Boxes = Mapping[str, tuple[tuple[float, float, float], tuple[float, float, float]]]

# name: center (forward, left, up) and lengths along these, m
CANS: Boxes = {
    "the red can": ((1.5, 0.0, 0.06), (0.07, 0.07, 0.12)),
    "the green can": ((1.5, -0.40, 0.06), (0.07, 0.07, 0.12)),
    "the blue can": ((1.5 + 0.391389, -0.122125, 0.06), (0.07, 0.07, 0.12)),
}
ROOM: Boxes = {
    "the sofa": ((3.0, 1.5, 0.4), (0.9, 1.8, 0.8)),
    "the table": ((3.2, -1.2, 0.35), (0.8, 1.2, 0.7)),
    "the lamp": ((3.6, 0.2, 0.8), (0.3, 0.3, 1.6)),
    "the mug": ((3.0, -0.9, 0.75), (0.08, 0.08, 0.1)),
    "the basket": ((2.2, -2.4, 0.2), (0.4, 0.4, 0.4)),
}


def scene_row(boxes: Boxes, sigma_m: float = 0.0, **fixed: Any) -> dict[str, Any]:
    """Return a row of `scenes` with exact boxes whose positions have a standard error along the ray, m."""
    return {
        "image_id": "boxes",
        "width": 640,
        "height": 480,
        "camera": {"fx": 500.0, "fy": 500.0, "cx": 319.5, "cy": 239.5},
        "world_from_camera": [0.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, CAMERA_Z_M],
        "depth_noise_rel": 0.0,
        "gravity_src": "gt",
        "gravity_sigma_deg": 0.0,
        "has_plane": "floor",
        "scale_ok": True,
        "scale_sigma_rel": 0.0,
        "objects": [_object(number, name, *box, sigma_m) for number, (name, box) in enumerate(boxes.items())],
        "rejected": [],
        "planes": [],
        "pairs": [_pair(boxes, a, b) for a, b in combinations(range(len(boxes)), 2)],
    } | fixed


def references(boxes: Boxes) -> list[dict[str, Any]]:
    return [{"object_id": number, "expression": name, "form": "label"} for number, name in enumerate(boxes)]


def answers(boxes: Boxes, sigma_m: float = 0.0, **fixed: Any) -> GeometryAnswers:
    return GeometryAnswers(scene_row(boxes, sigma_m, **fixed), references(boxes))


def _object(
    number: int, name: str, center: tuple[float, ...], size: tuple[float, ...], sigma_m: float
) -> dict[str, Any]:
    x, y, z = center
    return {
        "object_id": number,
        "label": name.removeprefix("the "),
        "captions": [],
        "n_points": 4000,
        "area_px": 4000,
        "center_m": [x, y, z],
        "lo_m": [c - s / 2 for c, s in zip(center, size, strict=True)],
        "hi_m": [c + s / 2 for c, s in zip(center, size, strict=True)],
        "center_c_m": [-y, CAMERA_Z_M - z, x],
        "range_m": math.dist(center, (0.0, 0.0, CAMERA_Z_M)) - size[0] / 2,
        "depth_m": x - size[0] / 2,
        "u_norm": 0.5 - y / x * 500.0 / 640.0,
        "v_norm": 0.5 - (z - CAMERA_Z_M) / x * 500.0 / 480.0,
        "sigma_m": sigma_m,
        "size_m": [*size, max(size[:2]), min(size[:2])],
        "volume_m3": math.prod(size),
        "corners_m": box_corners(center, size),
        "foot_m": box_corners(center, size)[:2],
        "size_source": "amodal",
        "size_ok": True,
        "height_sigma_m": None,
        "box_sigma_m": None,
        "truncated": False,
        "occlusion": 0.0,
        "edge_sigma_px": None,
    }


def _pair(boxes: Boxes, a: int, b: int) -> dict[str, Any]:
    (center_a, size_a), (center_b, size_b) = (list(boxes.values())[number] for number in (a, b))
    apart = [max(0.0, abs(p - q) - (s + t) / 2) for p, q, s, t in zip(center_a, center_b, size_a, size_b, strict=True)]
    gap, clearance = math.hypot(*apart), math.hypot(*apart[:2])
    return {"a": a, "b": b, "gap_m": gap, "clearance_m": clearance, "masks_adjacent": False}
