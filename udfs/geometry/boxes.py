"""Footprints, yaw-oriented boxes and amodal boxes in frame W."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.frame import WorldFrame

Array = NDArray[np.float64]
_FOOT_VERTICES = 24
_ANGLES = np.arange(_FOOT_VERTICES) * (2 * np.pi / _FOOT_VERTICES)
_OUTWARD = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])


@dataclass(frozen=True)
class YawBox:
    """Minimum-area ground rectangle in W, m: center, sides long_m >= short_m, heading of the long side."""

    x_m: float
    y_m: float
    long_m: float
    short_m: float
    yaw_rad: float

    def corners(self) -> Array:
        """Return (4, 2) corners, counter-clockwise, m."""
        along = np.array([np.cos(self.yaw_rad), np.sin(self.yaw_rad)]) * self.long_m / 2
        across = np.array([-np.sin(self.yaw_rad), np.cos(self.yaw_rad)]) * self.short_m / 2
        center = np.array([self.x_m, self.y_m])
        return np.stack(
            [center - along - across, center + along - across, center + along + across, center - along + across]
        )


@dataclass(frozen=True)
class AmodalBox:
    """A dataset's 3D box in W: `size_m` (e_x, e_y, H, L, D), volume m3, corners (8, 3) bottom 4 then top 4."""

    size_m: tuple[float, ...]
    volume_m3: float
    corners_m: Array


def convex_hull(flat: Array) -> Array:
    """Return the hull (k, 2) of points (n, 2), counter-clockwise."""
    origin = flat[0]
    # OpenCV computes in single precision, hence coordinates relative to a point; its orientation assumes y up
    return cv2.convexHull((flat - origin).astype(np.float32), clockwise=False)[:, 0, :].astype(np.float64) + origin


def footprint(hull: Array) -> Array:
    """Return at most 24 of a hull's vertices: the farthest along evenly spaced directions."""
    if len(hull) <= _FOOT_VERTICES:
        return hull
    return hull[np.unique(np.argmax(hull @ _OUTWARD, axis=0))]


def yaw_box(hull: Array) -> YawBox:
    """Return the minimum-area rectangle around a convex polygon (k, 2) by rotating calipers."""
    edges = np.concatenate([hull[1:], hull[:1]]) - hull
    lengths = np.sqrt(edges[:, 0] * edges[:, 0] + edges[:, 1] * edges[:, 1])
    long = lengths > 0
    if len(hull) < 2 or not long.any():
        return YawBox(float(hull[0, 0]), float(hull[0, 1]), 0.0, 0.0, 0.0)
    along = edges[long] / lengths[long, None]
    across = np.empty_like(along)
    across[:, 0], across[:, 1] = -along[:, 1], along[:, 0]
    p, q = hull @ along.T, hull @ across.T
    p_low, p_high, q_low, q_high = p.min(axis=0), p.max(axis=0), q.min(axis=0), q.max(axis=0)
    sides, others = p_high - p_low, q_high - q_low
    best = int(np.argmin(sides * others))
    center = (p_high[best] + p_low[best]) / 2 * along[best] + (q_high[best] + q_low[best]) / 2 * across[best]
    side, other = sides[best], others[best]
    long_axis = along[best] if side >= other else across[best]
    yaw = float(np.arctan2(long_axis[1], long_axis[0]))
    yaw = (yaw + np.pi / 2) % np.pi - np.pi / 2
    return YawBox(float(center[0]), float(center[1]), float(max(side, other)), float(min(side, other)), yaw)


def amodal_box(box: Mapping[str, Sequence[float]], frame: WorldFrame) -> AmodalBox | None:
    """Transform a BOX_3D struct from frame C to W; None if a value is missing or not finite, or a size <= 0."""
    try:
        center = np.asarray(box["center"], dtype=np.float64).reshape(3)
        size = np.asarray(box["size"], dtype=np.float64).reshape(3)
        axes = frame.rotation @ np.asarray(box["rotation"], dtype=np.float64).reshape(3, 3)
    except (KeyError, TypeError, ValueError):
        return None
    if not (np.isfinite(center).all() and np.isfinite(axes).all() and np.isfinite(size).all() and (size > 0).all()):
        return None
    upright = int(np.argmax(np.abs(axes[2])))
    half_a, half_b = (axes[:, k] * size[k] / 2 for k in range(3) if k != upright)
    up = axes[:, upright] * size[upright] / 2 * (1.0 if axes[2, upright] >= 0 else -1.0)
    if half_a[0] * half_b[1] - half_a[1] * half_b[0] < 0:
        half_a, half_b = half_b, half_a
    ring = np.stack([-half_a - half_b, half_a - half_b, half_a + half_b, -half_a + half_b])
    corners = frame.points(center[None])[0] + np.vstack([ring - up, ring + up])
    extents = corners.max(axis=0) - corners.min(axis=0)
    base = yaw_box(convex_hull(corners[:, :2]))
    size_m = (*(float(e) for e in extents), base.long_m, base.short_m)
    return AmodalBox(size_m, float(np.prod(size)), corners)


def upright_corners(box: YawBox, low_m: float, high_m: float) -> Array:
    """Return the (8, 3) corners of a yaw box between two heights in W, m: bottom 4 then top 4, counter-clockwise."""
    ring = box.corners()
    return np.vstack([np.column_stack([ring, np.full(4, low_m)]), np.column_stack([ring, np.full(4, high_m)])])
