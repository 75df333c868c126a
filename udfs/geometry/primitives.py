"""Object primitives: the measurements that questions about one object use."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.amodal import Body
from udfs.geometry.boxes import YawBox, convex_hull, footprint, yaw_box
from udfs.geometry.masks import Crop, Mask
from udfs.geometry.quantiles import quantiles

Array = NDArray[np.float64]
_LEVELS = (0.01, 0.02, 0.5, 0.98, 0.99)  # the outermost trim the footprint
_MIDDLE, _NEAR = 0.5, 0.05


@dataclass(frozen=True)
class Primitives:
    """Visible primitives of one object, m: in W unless the name ends in `_c`.

    `body` is the whole object, seen from above, where its hidden side could be completed.
    """

    lo: tuple[float, ...]
    center: tuple[float, ...]
    hi: tuple[float, ...]
    center_c: tuple[float, ...]
    range: float
    depth: float
    foot: Array
    box: YawBox
    body: Body | None = None

    @property
    def extent(self) -> tuple[float, ...]:
        """Return e_x, e_y, e_z = H."""
        return tuple(high - low for low, high in zip(self.lo, self.hi, strict=True))

    def raised(self, up_m: float) -> "Primitives":
        """Return the object after lowering the origin of W by `up_m`."""
        lo, center, hi = ((*axes[:2], axes[2] + up_m) for axes in (self.lo, self.center, self.hi))
        return replace(self, lo=lo, center=center, hi=hi)


def primitives(points_c: Array, points_w: Array) -> Primitives:
    """Compute the primitives from the same points (n, 3) in C and in W."""
    columns = [np.ascontiguousarray(points_w[:, k]) for k in range(3)]
    west, x_lo, x, x_hi, east = quantiles(columns[0], _LEVELS)
    south, y_lo, y, y_hi, north = quantiles(columns[1], _LEVELS)
    z_lo, z, z_hi = quantiles(columns[2], _LEVELS[1:-1])
    distance = np.sqrt(np.einsum("ij,ij->i", points_c, points_c))
    near, middle = quantiles(np.ascontiguousarray(points_c[:, 2]), (_NEAR, _MIDDLE))
    return Primitives(
        lo=(x_lo, y_lo, z_lo),
        center=(x, y, z),
        hi=(x_hi, y_hi, z_hi),
        center_c=(_median(points_c[:, 0]), _median(points_c[:, 1]), middle),
        range=quantiles(distance, (_NEAR,))[0],
        depth=near,
        foot=footprint(_hull(columns, (west, east, south, north))),
        box=yaw_box(_hull(columns, (x_lo, x_hi, y_lo, y_hi))),
    )


def _median(values: Array) -> float:
    return quantiles(np.ascontiguousarray(values), (_MIDDLE,))[0]


def _hull(columns: list[Array], bounds: tuple[float, float, float, float]) -> Array:
    """Return the hull (k, 2), from above, of the points between bounds of x and of y; of all if fewer than three."""
    x, y = columns[0], columns[1]
    chosen = np.flatnonzero((x >= bounds[0]) & (x <= bounds[1]) & (y >= bounds[2]) & (y <= bounds[3]))
    if len(chosen) >= 3:
        x, y = x[chosen], y[chosen]
    return convex_hull(np.stack([x, y], axis=1))


def middle_pixel(crop: Crop) -> tuple[float, float]:
    """Return the median column and the median row of a mask, px."""
    return (
        _median_place(_sums(crop.mask, 0)) + crop.columns.start,
        _median_place(_sums(crop.mask, 1)) + crop.rows.start,
    )


def _sums(mask: Mask, axis: int) -> NDArray[np.int32]:
    return np.asarray(cv2.reduce(mask, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()


def _median_place(counts: NDArray[np.int32]) -> float:
    total = np.cumsum(counts)
    half = total[-1] / 2
    return float(np.searchsorted(total, half) + np.searchsorted(total, half, side="right")) / 2
