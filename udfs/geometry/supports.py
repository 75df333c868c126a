"""Classifies horizontal planes as floor or table and places the origin of frame W."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.boxes import AmodalBox
from udfs.geometry.contact import Contact
from udfs.geometry.frame import WorldFrame
from udfs.geometry.limits import LiftSettings
from udfs.geometry.planes import Support
from udfs.geometry.primitives import Primitives
from udfs.geometry.quantiles import quantiles
from udfs.geometry.surface_grid import SurfaceGrid

_BENEATH_M, _BENEATH_REL = 0.04, 0.02
_SAME_HEIGHT_M, _SAME_HEIGHT_REL = 0.04, 0.03  # a warped floor is one floor
_LOW_CAMERA_M = 0.8  # a camera lower than this is as likely above a table
_LOW_CAMERA_FACTOR = 0.1
_GROUND_AREA_M2, _GROUND_BENEATH_SHARE = 8.0, 0.2  # no table is this large, whatever lies beneath
_SMALL_M, _LARGE_M = 0.35, 0.8
_WIDE_M2, _TABLE_AREA_M2 = 2.0, 1.5
_FAR_BELOW_M = 1.2
_STOREY_M = 0.3
_ABOVE_SHARES = 3.0
FLOOR, TABLE, SURFACE = "floor", "table", "surface"
_RESTING_M, _RESTING_REL = 0.03, 0.015
_REACH_M = 0.3
_HIDDEN_SHARE = 0.4
_PLANE_SIGMA_M, _HIDDEN_SIGMA = 0.005, 0.15


@dataclass(frozen=True)
class Seen:
    """The largest extent of any object on or above the lowest plane, m, and the relative error of all lengths.

    `above_m` is how far the highest plane lies above the lowest one.
    """

    largest_m: float
    sigma_rel: float
    above_m: float = 0.0


@dataclass(frozen=True)
class Ground:
    """Support planes, of which the first holds the origin of W; `kinds` says floor, table or surface for each."""

    supports: tuple[Support, ...]
    kinds: tuple[str, ...]

    @property
    def origin_kind(self) -> str:
        """Return the kind of plane that holds the origin: floor, table, surface (either) or none."""
        return self.kinds[0] if self.kinds else "none"

    @property
    def camera_height_m(self) -> float:
        """Return the height of the camera above the origin of W."""
        return self.supports[0].below_m if self.supports else 0.0

    def height_m(self, plane_id: int) -> float:
        """Return the height of a plane in W."""
        return self.camera_height_m - self.supports[plane_id].below_m


def ground_of(
    grid: SurfaceGrid, up_c: NDArray[np.float64], supports: list[Support], seen: Seen, limits: LiftSettings
) -> Ground:
    """Classify the supports and choose which holds the origin: the floor, or else the largest.

    The lowest plane is a floor or a table top only where that holds within the errors; see `_kind`.
    """
    merged = _distinct(supports)
    if not merged:
        return Ground((), ())
    lowest = max(merged, key=lambda support: support.below_m)
    share = _beneath_share(grid, up_c, lowest, seen.sigma_rel)
    highest_m = min(support.below_m for support in merged)
    kind = _kind(lowest, share, replace(seen, above_m=lowest.below_m - highest_m), limits)
    first = lowest if kind != TABLE else max(merged, key=lambda support: len(support.patches))
    rest = sorted((s for s in merged if s is not first), key=lambda support: -support.below_m)
    return Ground((first, *rest), (kind, *(TABLE for _ in rest)))


def _kind(lowest: Support, share: float, seen: Seen, limits: LiftSettings) -> str:
    """Return floor, table, or surface where it may be either; `share` of all points lies beneath the plane.

    No table is so large or so far below a camera, carries things so large, or has another table so high above it, as to
    pass for a floor: what is measured must say so also when all lengths are too long by two standard errors. A table
    has something beneath it, or it is near, small and carries small things only, also when all lengths are too short by
    as much.
    """
    short, long = max(0.0, 1.0 - 2.0 * seen.sigma_rel), 1.0 + 2.0 * seen.sigma_rel
    below_m, area_m2 = lowest.below_m, lowest.area_m2
    vast = area_m2 * short**2 >= _GROUND_AREA_M2
    low = below_m < _LOW_CAMERA_M
    max_share = limits.floor_beneath_share * (_LOW_CAMERA_FACTOR if low else 1.0)
    near = below_m < limits.floor_below_camera_m
    if vast and share <= _GROUND_BENEATH_SHARE and not near:
        return FLOOR
    if near:
        return TABLE
    is_wide = area_m2 * short**2 >= _WIDE_M2
    is_far = below_m * short >= _FAR_BELOW_M
    if share > _ABOVE_SHARES * max_share:
        # a warped floor has much beneath it, too, and few tables are as wide
        return SURFACE if is_far or is_wide else TABLE
    carries = seen.largest_m * short >= _LARGE_M or (not low and seen.above_m * short >= _STOREY_M)
    if share <= max_share and (is_wide or is_far or carries):
        return FLOOR
    small = area_m2 * long**2 < _TABLE_AREA_M2 and seen.largest_m * long <= _SMALL_M * (1.0 + 1e-9)
    return TABLE if below_m * long < _LOW_CAMERA_M and small else SURFACE


def _distinct(supports: list[Support]) -> list[Support]:
    kept: list[Support] = []
    for support in supports:
        tolerance_m = max(_SAME_HEIGHT_M, _SAME_HEIGHT_REL * support.below_m)
        if all(abs(support.below_m - other.below_m) > tolerance_m for other in kept):
            kept.append(support)
    return kept


def _beneath_share(grid: SurfaceGrid, up_c: NDArray[np.float64], support: Support, sigma_rel: float) -> float:
    below = -(grid.cloud @ up_c)
    noise_m = 6.0 * grid.noise_rel * support.below_m
    margin = np.maximum(_BENEATH_M + noise_m, max(_BENEATH_REL, 2.0 * sigma_rel) * grid.cloud[:, 2])
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


def base_of_box(ground: Ground, box: AmodalBox, range_m: float) -> Base:
    """Return what an object rests on whose whole box is given: the plane at the box's lower end, if any."""
    low_m = float(box.corners_m[:, 2].min())
    plane_id = _nearest_plane(ground, low_m, max(_RESTING_M, _RESTING_REL * range_m))
    return Base(low_m, 0.0, plane_id, False)


def _nearest_plane(ground: Ground, level_m: float, tolerance_m: float) -> int | None:
    apart = [abs(ground.height_m(k) - level_m) for k in range(len(ground.supports))]
    best = int(np.argmin(apart)) if apart else None
    return best if best is not None and apart[best] <= tolerance_m else None


def _near_height_m(patches_c: NDArray[np.float64], shape: Primitives, frame: WorldFrame) -> float | None:
    """Return the median height of a plane's patches within 0.3 m of the object's footprint; None without any."""
    points = frame.points(patches_c)
    chosen = np.ones(len(points), bool)
    for axis in (0, 1):
        chosen &= (points[:, axis] >= shape.lo[axis] - _REACH_M) & (points[:, axis] <= shape.hi[axis] + _REACH_M)
    return quantiles(points[chosen, 2], (0.5,))[0] if chosen.any() else None
