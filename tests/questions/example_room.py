"""The room of the worked examples as the rules read it."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from udfs.questions.example import CAMERA_Z_M, ROOM
from udfs.questions.scene import Scene, scene_of


def example_scene() -> Scene:
    """Return the example room as the rules read it: every gate is open and sizes are exact."""
    row = {
        "image_id": "example",
        "width": 640,
        "camera": {"fx": 520.0},
        "world_from_camera": [*(0.0,) * 11, CAMERA_Z_M],
        "depth_noise_rel": 0.0,
        "gravity_src": "gt",
        "gravity_sigma_deg": 0.0,
        "has_plane": "floor",
        "scale_ok": True,
        "objects": [example_object(number, *shape) for number, shape in enumerate(ROOM.values())],
        "pairs": [_pair(a, b) for a, b in combinations(range(len(ROOM)), 2)],
    }
    names = [{"object_id": number, "expression": name, "form": "label"} for number, name in enumerate(ROOM)]
    return scene_of(row, names)


def box_corners(center_m: Sequence[float], size_m: Sequence[float]) -> list[float]:
    """Return the eight corners of an upright box: bottom four, then top four, counter-clockwise."""
    ring = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
    signs = [(x, y, z) for z in (-0.5, 0.5) for x, y in ring]
    return [c + k * s for corner in signs for c, k, s in zip(center_m, corner, size_m, strict=True)]


def example_object(number: int, center_m: tuple[float, ...], size_m: tuple[float, ...]) -> dict[str, Any]:
    """Return the OBJECT struct of an upright box that is wholly visible and exactly measured."""
    x, y, z = center_m
    length_m, depth_m = max(size_m[:2]), min(size_m[:2])
    return {
        "object_id": number,
        "n_points": 4000,
        "area_px": 4000,
        "center_m": [x, y, z],
        "lo_m": [c - s / 2 for c, s in zip(center_m, size_m, strict=True)],
        "hi_m": [c + s / 2 for c, s in zip(center_m, size_m, strict=True)],
        "center_c_m": [-y, CAMERA_Z_M - z, x],
        "range_m": math.dist(center_m, (0.0, 0.0, CAMERA_Z_M)),
        "depth_m": x,
        "u_norm": 0.5 - y / x,
        "v_norm": 0.5 - (z - CAMERA_Z_M) / x,
        "sigma_m": 0.0,
        "size_m": [*size_m, length_m, depth_m],
        "volume_m3": math.prod(size_m),
        "corners_m": box_corners(center_m, size_m),
        "size_source": "amodal",
        "size_ok": True,
        "height_sigma_m": None,
        "box_sigma_m": None,
        "truncated": False,
        "occlusion": 0.0,
        "edge_sigma_px": None,
    }


def _pair(a: int, b: int) -> dict[str, Any]:
    (center_a, size_a), (center_b, size_b) = (list(ROOM.values())[number] for number in (a, b))
    apart = [max(0.0, abs(p - q) - (s + t) / 2) for p, q, s, t in zip(center_a, center_b, size_a, size_b, strict=True)]
    return {"a": a, "b": b, "gap_m": math.hypot(*apart), "clearance_m": math.hypot(*apart[:2]), "masks_adjacent": False}
