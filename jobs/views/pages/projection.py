"""Projects boxes of frame W onto the image as line segments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NEAR_M = 0.05
_FACES = ((0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))
_EDGES = ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7))


@dataclass(frozen=True)
class Segment:
    """A line on the image, px (the center of the top-left pixel is 0, 0); `hidden` lines are behind their box."""

    u0: float
    v0: float
    u1: float
    v1: float
    hidden: bool


@dataclass(frozen=True)
class View:
    """A pinhole camera: `world_from_camera` [12] row-major 3x4, intrinsics and size in px."""

    world_from_camera: Sequence[float]
    camera: Mapping[str, float]
    width: int
    height: int


def camera_points(points_m: Array, world_from_camera: Sequence[float]) -> Array:
    """Transform points (n, 3) from W to C, m."""
    pose = np.asarray(world_from_camera, dtype=np.float64).reshape(3, 4)
    return (points_m - pose[:, 3]) @ pose[:, :3]


def line_segment(ends_m: Array, view: View) -> Segment | None:
    """Return the visible part of the line between two points (2, 3) in W; None where there is none."""
    start, end = camera_points(ends_m, view.world_from_camera)
    ends = _clip_near(start, end)
    line = _clip_border(_project(ends, view), view) if ends is not None else None
    return None if line is None else Segment(*(float(value) for value in line.ravel()), hidden=False)


def box_segments(corners_m: Sequence[float], view: View) -> list[Segment]:
    """Return the visible parts of a box's twelve edges.

    `corners_m` [24] in W, bottom four then top four. Edges are clipped at the near plane first, because points behind
    the camera project to the wrong side, and then at the image border.
    """
    corners = camera_points(np.asarray(corners_m, dtype=np.float64).reshape(8, 3), view.world_from_camera)
    facing = _facing(corners)
    segments = []
    for start, end in _EDGES:
        ends = _clip_near(corners[start], corners[end])
        line = _clip_border(_project(ends, view), view) if ends is not None else None
        if line is not None:
            hidden = not any(front for face, front in zip(_FACES, facing, strict=True) if start in face and end in face)
            segments.append(Segment(*(float(value) for value in line.ravel()), hidden=hidden))
    return segments


def _facing(corners: Array) -> list[bool]:
    center = corners.mean(axis=0)
    facing = []
    for face in _FACES:
        a, b, c, _ = (corners[index] for index in face)
        normal = np.cross(b - a, c - a)
        middle = corners[list(face)].mean(axis=0)
        outward = normal if normal @ (middle - center) >= 0 else -normal
        facing.append(bool(outward @ middle <= 0))
    return facing


def _clip_near(start: Array, end: Array) -> Array | None:
    if start[2] < _NEAR_M and end[2] < _NEAR_M:
        return None
    ends = np.stack([start, end])
    for index in (0, 1):
        if ends[index, 2] < _NEAR_M:
            other = ends[1 - index]
            share = (_NEAR_M - ends[index, 2]) / (other[2] - ends[index, 2])
            ends[index] += share * (other - ends[index])
    return ends


def _project(points: Array, view: View) -> Array:
    camera = view.camera
    u = camera["fx"] * points[:, 0] / points[:, 2] + camera["cx"]
    v = camera["fy"] * points[:, 1] / points[:, 2] + camera["cy"]
    return np.stack([u, v], axis=1)


def _clip_border(line: Array, view: View) -> Array | None:
    # Liang and Barsky 1984: the part of the line inside all four borders.
    low, high = np.array([-0.5, -0.5]), np.array([view.width - 0.5, view.height - 0.5])
    step = line[1] - line[0]
    first, last = 0.0, 1.0
    for axis in (0, 1):
        if step[axis] == 0.0:
            if not low[axis] <= line[0, axis] <= high[axis]:
                return None
            continue
        shares = sorted(((low[axis] - line[0, axis]) / step[axis], (high[axis] - line[0, axis]) / step[axis]))
        first, last = max(first, shares[0]), min(last, shares[1])
    if first >= last:
        return None
    return np.stack([line[0] + first * step, line[0] + last * step])
