"""Classifies horizontal planes as floor or table and places the origin of frame W."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.contact import Contact
from udfs.geometry.frame import WorldFrame
from udfs.geometry.limits import LiftSettings
from udfs.geometry.planes import Support
from udfs.geometry.primitives import Primitives
from udfs.geometry.surface_grid import SurfaceGrid

_BENEATH_M, _BENEATH_REL = 0.04, 0.02
_SAME_HEIGHT_M, _SAME_HEIGHT_REL = 0.04, 0.03  # a warped floor is one floor
_LOW_CAMERA_M = 0.8  # a camera lower than this is as likely above a table
_LOW_CAMERA_FACTOR = 0.1
_GROUND_AREA_M2, _GROUND_BENEATH_SHARE = 8.0, 0.2  # no table is this large, whatever lies beneath
_SMALL_M = 0.35
_RESTING_M, _RESTING_REL = 0.03, 0.015
_REACH_M = 0.3
_HIDDEN_SHARE = 0.4
_PLANE_SIGMA_M, _HIDDEN_SIGMA = 0.005, 0.15


@dataclass(frozen=True)
class Ground:
    """Support planes, of which the first holds the origin of W; `kinds` says floor or table for each."""

    supports: tuple[Support, ...]
    kinds: tuple[str, ...]

    @property
    def origin_kind(self) -> str:
        """Return the kind of plane that holds the origin: floor, table or none."""
        return self.kinds[0] if self.kinds else "none"

    @property
    def camera_height_m(self) -> float:
        """Return the height of the camera above the origin of W."""
        return self.supports[0].below_m if self.supports else 0.0

    def height_m(self, plane_id: int) -> float:
        """Return the height of a plane in W."""
        return self.camera_height_m - self.supports[plane_id].below_m


def ground_of(
    grid: SurfaceGrid, up_c: NDArray[np.float64], supports: list[Support], largest_m: float, limits: LiftSettings
) -> Ground:
    """Classify the supports; `largest_m` is the largest extent of any object.

    The floor is the lowest plane, if it lies at least 0.25 m below the camera and at most 1 % of the points lie beneath
    it (20 % if it is larger than 8 m2). If the camera is less than 0.8 m above it, the limit is 0.1 %, and a plane with
    only small objects is a table.
    """
    merged = _distinct(supports)
    if not merged:
        return Ground((), ())
    lowest = max(merged, key=lambda support: support.below_m)
    vast, low = lowest.area_m2 >= _GROUND_AREA_M2, lowest.below_m < _LOW_CAMERA_M
    max_beneath = _GROUND_BENEATH_SHARE if vast else limits.floor_beneath_share * (_LOW_CAMERA_FACTOR if low else 1.0)
    is_floor = (
        lowest.below_m >= limits.floor_below_camera_m
        and _beneath_share(grid, up_c, lowest) <= max_beneath
        and (vast or not low or largest_m > _SMALL_M)
    )
    first = lowest if is_floor else max(merged, key=lambda support: len(support.patches))
    rest = sorted((s for s in merged if s is not first), key=lambda support: -support.below_m)
    kinds = ("floor" if is_floor else "table", *("table" for _ in rest))
    return Ground((first, *rest), kinds)


def _distinct(supports: list[Support]) -> list[Support]:
    kept: list[Support] = []
    for support in supports:
        tolerance_m = max(_SAME_HEIGHT_M, _SAME_HEIGHT_REL * support.below_m)
        if all(abs(support.below_m - other.below_m) > tolerance_m for other in kept):
            kept.append(support)
    return kept


def _beneath_share(grid: SurfaceGrid, up_c: NDArray[np.float64], support: Support) -> float:
    below = -(grid.cloud @ up_c)
    noise_m = 6.0 * grid.noise_rel * support.below_m
    margin = np.maximum(_BENEATH_M + noise_m, _BENEATH_REL * grid.cloud[:, 2])
    return float(np.count_nonzero(below > support.below_m + margin)) / max(len(grid.cloud), 1)


@dataclass(frozen=True)
class Base:
    """What an object rests on: its height in W with its standard error, None if unknown, and the plane's index if any.

    `floating` says that nothing carries what is seen of the object, so that part of it is missing.
    """

    height_m: float | None
    sigma_m: float
    plane_id: int | None
    floating: bool


def base_of(ground: Ground, grid: SurfaceGrid, shape: Primitives, frame: WorldFrame, contact: Contact) -> Base:
    """Return what an object rests on.

    The surface that meets its lower outline decides. Where a neighbor or the image border hides it, it is the highest
    plane beneath the object. Otherwise it is a plane within 3 cm, or 1.5 % of the range, of its low end.
    """
    tolerance_m = max(_RESTING_M, _RESTING_REL * shape.range)
    if contact.level_m is not None:
        level_m = contact.level_m + ground.camera_height_m
        plane_id = _nearest_plane(ground, level_m, tolerance_m)
        return Base(level_m, contact.sigma_m, plane_id, False)
    near = [_near_height_m(grid.points[s.patches], shape, frame) for s in ground.supports]
    beneath = [(h, k) for k, h in enumerate(near) if h is not None and h <= shape.lo[2] + tolerance_m]
    if not beneath:
        return Base(None, 0.0, None, contact.floating)
    height_m, plane_id = max(beneath)
    gap_m = shape.lo[2] - height_m
    if gap_m <= tolerance_m or contact.hidden >= _HIDDEN_SHARE:
        return Base(height_m, max(_PLANE_SIGMA_M, _HIDDEN_SIGMA * gap_m), plane_id, False)
    return Base(None, 0.0, None, contact.floating)


def _nearest_plane(ground: Ground, level_m: float, tolerance_m: float) -> int | None:
    apart = [abs(ground.height_m(k) - level_m) for k in range(len(ground.supports))]
    best = int(np.argmin(apart)) if apart else None
    return best if best is not None and apart[best] <= tolerance_m else None


def _near_height_m(patches_c: NDArray[np.float64], shape: Primitives, frame: WorldFrame) -> float | None:
    """Return the median height of a plane's patches within 0.3 m of the object's footprint; None without any."""
    points = frame.points(patches_c)
    flat = points[:, :2]
    near = (flat >= np.array(shape.lo[:2]) - _REACH_M) & (flat <= np.array(shape.hi[:2]) + _REACH_M)
    chosen = near.all(axis=1)
    return float(np.median(points[chosen, 2])) if chosen.any() else None
