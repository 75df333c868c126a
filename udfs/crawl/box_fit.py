"""Holds 3D boxes against what the image shows of their objects: the mask's place and the depth under it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.camera import Pinhole

Array = NDArray[np.float64]

_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
# Nearer corners project too far out to bound a mask.
_NEAR_M = 0.05
_MAX_PIXELS = 2_000_000
_MIN_PIXELS, _MAX_OBJECTS = 20, 1000
_SPAN = (0.02, 0.5, 0.98)
_SLACK_OF_BOX, _SLACK_OF_IMAGE, _SLACK_PX = 0.25, 0.02, 4.0


@dataclass(frozen=True)
class Seen:
    """What maps show of one object: the median pixel of its mask, its spans in px, and the median depth, m, under it.

    Spans leave out 2 % of the pixels at each end; `fill` is the mask's share of its bounds; depth is NaN where it is
    unknown.
    """

    u: float
    v: float
    width_px: float
    height_px: float
    fill: float
    z_m: float

    def size_m(self, camera: Mapping[str, float]) -> float:
        """Return the larger of width and height, m, of what is visible."""
        return self.z_m * max(self.width_px / camera["fx"], self.height_px / camera["fy"])


@dataclass(frozen=True)
class Box:
    """A box of an object in the camera frame: corners (8, 3) m, and what is seen of the object, None if nothing."""

    object_id: int
    corners_m: Array
    largest_m: float
    seen: Seen | None

    @property
    def z_range_m(self) -> tuple[float, float]:
        """Return the smallest and largest depth of the box, m."""
        return float(self.corners_m[:, 2].min()), float(self.corners_m[:, 2].max())

    def rectangle(self, camera: Pinhole) -> tuple[float, float, float, float] | None:
        """Return the projection's bounds u0, v0, u1, v1 in px; None for a box that reaches to or behind the camera."""
        x, y, z = self.corners_m.T
        if z.min() < _NEAR_M:
            return None
        u, v = camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy
        return float(u.min()), float(v.min()), float(u.max()), float(v.max())

    def covers(self, camera: Pinhole, size: tuple[int, int]) -> bool | None:
        """Return whether the box lies over its mask with tolerance for hand-drawn ones; None where it is not known."""
        rectangle = self.rectangle(camera)
        if rectangle is None or self.seen is None:
            return None
        u0, v0, u1, v1 = rectangle
        least = max(_SLACK_PX, _SLACK_OF_IMAGE * max(size))
        du, dv = max(least, _SLACK_OF_BOX * (u1 - u0)), max(least, _SLACK_OF_BOX * (v1 - v0))
        return bool(u0 - du <= self.seen.u <= u1 + du and v0 - dv <= self.seen.v <= v1 + dv)

    def distance_factor(self) -> float | None:
        """Return the depth under the mask over that of the box's middle; None where one is unknown or not positive."""
        middle_m = float(np.mean(self.z_range_m))
        return None if self.seen is None or not self.seen.z_m > 0 or middle_m <= 0 else self.seen.z_m / middle_m

    def depth_factor(self) -> float | None:
        """Return how many times as far as the nearest part of the box the depth under its mask is; 1 within the box."""
        if self.seen is None or np.isnan(self.seen.z_m) or self.z_range_m[1] <= 0:
            return None
        low_m, high_m = self.z_range_m
        return self.seen.z_m / float(np.clip(self.seen.z_m, max(low_m, _NEAR_M), high_m))


def boxes_of(objects: Iterable[Mapping[str, Any]], seen: Mapping[int, Seen]) -> list[Box]:
    """Return the boxes that objects carry, in order."""
    boxes = []
    for item in objects:
        box = item["box_3d"]
        if box is not None:
            size_m = np.asarray(box["size"])
            axes = np.asarray(box["rotation"]).reshape(3, 3)
            corners = np.asarray(box["center"]) + (_SIGNS * size_m / 2) @ axes.T
            boxes.append(Box(item["id"], corners, float(size_m.max()), seen.get(item["id"])))
    return boxes


def seen_of(labels: NDArray[Any], depth_mm: NDArray[Any] | None, ids: Iterable[int]) -> dict[int, Seen]:
    """Return what is seen of each id with at least 20 px in an instance map (h, w), in one pass over the map.

    Maps of over two megapixels are sampled; of over a thousand ids, the first are looked at.
    """
    step = int(np.ceil(np.sqrt(max(1.0, labels.size / _MAX_PIXELS))))
    small = labels[::step, ::step]
    wanted = np.zeros(np.iinfo(labels.dtype).max + 1, dtype=bool)
    wanted[[one for one in islice(ids, _MAX_OBJECTS) if one < len(wanted)]] = True
    places = np.flatnonzero(wanted[small])
    values = small.ravel()[places]
    order = np.argsort(values, kind="stable")
    counts = np.bincount(values)
    ends = np.cumsum(counts)
    rows, columns = np.divmod(places[order], small.shape[1])
    depths_mm = None if depth_mm is None else depth_mm[::step, ::step].ravel()[places[order]]
    seen = {}
    for value in np.flatnonzero(counts >= _MIN_PIXELS).tolist():
        part = slice(ends[value] - counts[value], ends[value])
        left, u, right = _quantiles(columns[part]) * step
        top, v, bottom = _quantiles(rows[part]) * step
        z_mm = np.empty(0) if depths_mm is None else depths_mm[part]
        z_mm = z_mm[z_mm > 0]
        z_m = float(_quantiles(z_mm)[1]) / 1000 if len(z_mm) else float("nan")
        fill = counts[value] * step**2 / ((right - left + step) * (bottom - top + step))
        seen[value] = Seen(float(u), float(v), float(right - left), float(bottom - top), float(fill), z_m)
    return seen


def _quantiles(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values below which 2, 50 and 98 % lie."""
    at = [int(share * (len(values) - 1)) for share in _SPAN]
    return np.partition(values, at)[at]
