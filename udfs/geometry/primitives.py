"""Object primitives: the measurements that questions about one object use."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.amodal import Body
from udfs.geometry.boxes import YawBox, convex_hull, footprint, yaw_box
from udfs.geometry.masks import Crop
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
    flat = points_w[:, :2]
    wide = _within(columns, (west, east, south, north))
    hull = _hull(flat, _within(columns, (x_lo, x_hi, y_lo, y_hi)))
    return Primitives(
        lo=(x_lo, y_lo, z_lo),
        center=(x, y, z),
        hi=(x_hi, y_hi, z_hi),
        center_c=(_median(points_c[:, 0]), _median(points_c[:, 1]), middle),
        range=quantiles(distance, (_NEAR,))[0],
        depth=near,
        foot=footprint(_hull(flat, wide)),
        box=yaw_box(hull),
    )


def _median(values: Array) -> float:
    return quantiles(np.ascontiguousarray(values), (_MIDDLE,))[0]


def _within(columns: list[Array], bounds: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    x, y = columns[0], columns[1]
    return (x >= bounds[0]) & (x <= bounds[1]) & (y >= bounds[2]) & (y <= bounds[3])


def _hull(flat: Array, inside: NDArray[np.bool_]) -> Array:
    chosen = flat[inside]
    return convex_hull(chosen if len(chosen) >= 3 else flat)


def middle_pixel(crop: Crop) -> tuple[float, float]:
    """Return the median column and the median row of a mask, px."""
    return (
        _median_place(crop.mask.sum(axis=0, dtype=np.int64)) + crop.columns.start,
        _median_place(crop.mask.sum(axis=1, dtype=np.int64)) + crop.rows.start,
    )


def _median_place(counts: NDArray[np.int64]) -> float:
    total = np.cumsum(counts)
    half = total[-1] / 2
    return float(np.searchsorted(total, half) + np.searchsorted(total, half, side="right")) / 2
