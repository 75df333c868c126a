"""The floor plan: a scene from above, viewer at the bottom looking up."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.views.pages.projection import View

Array = NDArray[np.float64]

_WIDTH_UNITS = 600.0
_FRONT_CONFIDENCE = 0.6


@dataclass(frozen=True)
class Shape:
    """One object on the plan, in plan units: footprint, yaw box, label anchor, area, and its front as an arrow."""

    object_id: int
    footprint: str
    box: str
    anchor: tuple[float, float]
    area: float
    front: str


@dataclass(frozen=True)
class Plan:
    """A drawing `width` x `height` in plan units; `step_m` is the grid's spacing, `step` the same in units."""

    width: float
    height: float
    step_m: float
    step: float
    columns: tuple[float, ...]
    rows: tuple[float, ...]
    camera: tuple[float, float]
    cone: str
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class _Frame:
    """Meters of W (x forward, y left) to plan units (right, down)."""

    left_m: float
    front_m: float
    scale: float

    def place(self, points_m: Array) -> Array:
        across = (self.left_m - points_m[:, 1]) * self.scale
        down = (self.front_m - points_m[:, 0]) * self.scale
        return np.stack([across, down], axis=1)


def floor_plan(
    objects: Sequence[Mapping[str, Any]], view: View, beside: Sequence[Mapping[str, Any]] = ()
) -> Plan | None:
    """Return the plan of a scene's objects (`shapes.OBJECT` rows); None when there are none.

    It leaves room for the objects `beside` too, so that two plans of one image share a scale.
    """
    if not objects:
        return None
    grounds = [_ground(item) for item in objects]
    every = np.concatenate([*grounds, *map(_ground, beside), np.zeros((1, 2))])
    low, high = _bounds(every)
    frame = _Frame(left_m=high[1], front_m=high[0], scale=_WIDTH_UNITS / (high[1] - low[1]))
    step_m = _nice_step(max(high - low) / 6.0)
    reach_m = float(np.linalg.norm(high - low)) * 1.5
    origin = frame.place(np.zeros((1, 2)))[0]
    return Plan(
        width=_WIDTH_UNITS,
        height=(high[0] - low[0]) * frame.scale,
        step_m=step_m,
        step=step_m * frame.scale,
        columns=tuple((high[1] - y) * frame.scale for y in _multiples(low[1], high[1], step_m)),
        rows=tuple((high[0] - x) * frame.scale for x in _multiples(low[0], high[0], step_m)),
        camera=(float(origin[0]), float(origin[1])),
        cone=_path(frame.place(_seen_ground(view, reach_m))),
        shapes=tuple(_shape(item, ground, frame) for item, ground in zip(objects, grounds, strict=True)),
    )


def _shape(item: Mapping[str, Any], ground: Array, frame: _Frame) -> Shape:
    center = np.asarray(item["center_m"][:2], dtype=np.float64)
    anchor = frame.place(center[None])[0]
    return Shape(
        object_id=item["object_id"],
        footprint=_path(frame.place(ground)),
        box=_path(frame.place(_yaw_box(item["yaw_box_m"], item["yaw_rad"]))) if item["yaw_box_m"] else "",
        anchor=(float(anchor[0]), float(anchor[1])),
        area=_area(ground) * frame.scale**2,
        front=_arrow(item, frame),
    )


def _arrow(item: Mapping[str, Any], frame: _Frame) -> str:
    if not item["front_w"] or (item["front_confidence"] or 0.0) < _FRONT_CONFIDENCE:
        return ""
    start = frame.place(np.asarray(item["center_m"][:2], dtype=np.float64)[None])[0]
    along = -np.asarray(item["front_w"][:2], dtype=np.float64)[::-1]
    across = np.array([-along[1], along[0]])
    tip = start + 44.0 * along
    barbs = [tip - 9.0 * along + side * 6.0 * across for side in (1.0, -1.0)]
    line, head = (
        "L".join(f"{x:.1f} {y:.1f}" for x, y in points) for points in ((start, tip), (barbs[0], tip, barbs[1]))
    )
    return f"M{line}M{head}"


def _ground(item: Mapping[str, Any]) -> Array:
    foot = np.asarray(item["foot_m"] or (), dtype=np.float64).reshape(-1, 2)
    return foot if len(foot) >= 3 else _yaw_box(item["yaw_box_m"], item["yaw_rad"])


def _area(polygon_m: Array) -> float:
    x, y = polygon_m[:, 0], polygon_m[:, 1]
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def _yaw_box(box_m: Sequence[float], yaw_rad: float) -> Array:
    center_x, center_y, length, depth = box_m
    along = np.array([math.cos(yaw_rad), math.sin(yaw_rad)])
    across = np.array([-along[1], along[0]])
    signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
    return np.array([[center_x, center_y] + a * length / 2 * along + b * depth / 2 * across for a, b in signs])


def _bounds(points_m: Array) -> tuple[Array, Array]:
    low, high = points_m.min(axis=0), points_m.max(axis=0)
    size = np.maximum(high - low, 0.2)
    # Keeps the plan's aspect ratio moderate; x runs up the page, y across it.
    wanted = np.array([max(size[0], 0.55 * size[1]), max(size[1], 0.8 * size[0])]) * 1.16
    middle = (low + high) / 2
    return middle - wanted / 2, middle + wanted / 2


def _nice_step(rough_m: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough_m))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough_m)


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _seen_ground(view: View, reach_m: float) -> Array:
    """Return the hull (n, 2) m of the camera's view from above, with its rays cut at the support plane and at reach."""
    camera = view.camera
    pixels = [(-0.5, -0.5), (view.width - 0.5, -0.5), (view.width - 0.5, view.height - 0.5), (-0.5, view.height - 0.5)]
    rays_c = np.array([[(u - camera["cx"]) / camera["fx"], (v - camera["cy"]) / camera["fy"], 1.0] for u, v in pixels])
    pose = np.asarray(view.world_from_camera, dtype=np.float64).reshape(3, 4)
    rays = rays_c @ pose[:, :3].T
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    ends = [np.zeros(2)]
    for ray in rays:
        level = float(np.linalg.norm(ray[:2]))
        length_m = reach_m / max(level, 1e-6)
        if ray[2] < 0 < pose[2, 3]:
            length_m = min(length_m, -pose[2, 3] / ray[2])
        ends.append(length_m * ray[:2])
    return np.asarray(cv2.convexHull(np.array(ends, dtype=np.float32)), dtype=np.float64).reshape(-1, 2)


def _path(points: Array) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points.tolist()) + "Z"
