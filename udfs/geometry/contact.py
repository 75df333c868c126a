"""Finds the surface that an object stands on, from what is seen just below its outline."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.cutout import Cutout
from udfs.geometry.depth_map import DepthMap
from udfs.geometry.masks import pixels_of
from udfs.geometry.quantiles import quantiles

Vector = NDArray[np.float64]
_MAX_RIM = 96
_NEAR_PX = 3
_STEP_APART_M, _MIN_STEP_PX, _MAX_STEP_PX = 0.025, 5.0, 25.0
_INWARD_PX = (2, 6, 10)
_MIN_SEEN = 6
_LOW_SHARE = 0.3
_STEP_M, _NOISE_SIGMAS = 0.008, 2.5
_NEARER_M, _NEARER_REL = 0.02, 0.02
_REACH_M, _GAP_M = 0.04, 0.03
_ROUND_SHARE = 0.75  # of what is round, the lower half is not seen from above
_LEVEL_SHARE = 0.35
_HIDDEN_SHARE = 0.4
_UPRIGHT_SHARE = 0.5
_SIGMA_M, _SIGMA_NOISE = 0.003, 1.0


class Extent(NamedTuple):
    """The visible part of an object: lowest and highest point in the level frame, sides from above and range, m."""

    low_m: float
    high_m: float
    long_m: float
    short_m: float
    range_m: float


@dataclass(frozen=True)
class Contact:
    """What is below an object's outline.

    `level_m` is the height in the level frame of the horizontal surface that meets the object, with its standard error;
    None if there is none. `hidden` is the share of the lower outline that ends at something nearer or at the image's
    border. `floating` says that a horizontal surface is seen beneath the object, too far below to carry it.
    """

    level_m: float | None
    sigma_m: float
    hidden: float
    floating: bool


NO_CONTACT = Contact(None, 0.0, 0.0, False)


class _Rim(NamedTuple):
    """Pixels (n,) of the lower outline and the image's downward direction there."""

    u: NDArray[np.int32]
    v: NDArray[np.int32]
    down: Vector


class _Seen(NamedTuple):
    """What is seen at n pixels: points in C, their height in the level frame, and whether each is valid.

    `outside` says that a pixel lies outside the image, `own` that it lies in the object's own mask.
    """

    points_c: Vector
    height_m: Vector
    valid: NDArray[np.bool_]
    outside: NDArray[np.bool_]
    own: NDArray[np.bool_]


def contact_of(depth: DepthMap, cut: Cutout, up_c: Vector, extent: Extent) -> Contact:
    """Return what is below an object; `up_c` is the unit up vector in C."""
    rim = _lower_rim(cut, up_c)
    if rim is None:
        return NO_CONTACT
    width = cut.bleed.max_width_px
    inner = _inner(depth, cut, rim, up_c)
    near = _seen(depth, cut, rim, width + _NEAR_PX, up_c)
    step_px = np.clip(_STEP_APART_M * depth.camera.fy / max(extent.range_m, 1e-3), _MIN_STEP_PX, _MAX_STEP_PX)
    far = _seen(depth, cut, rim, width + _NEAR_PX + float(step_px), up_c)
    noise_m = (depth.noise_rel or 0.0) * np.where(inner.valid, inner.points_c[:, 2], 0.0)
    low = inner.valid & (inner.height_m <= extent.low_m + _LOW_SHARE * (extent.high_m - extent.low_m) + _STEP_M)
    low &= ~near.own & (near.valid | near.outside)
    if np.count_nonzero(low) < _MIN_SEEN:
        return NO_CONTACT
    slack = _STEP_M + _NOISE_SIGMAS * noise_m
    nearer = near.points_c[:, 2] < inner.points_c[:, 2] - _NEARER_M - _NEARER_REL * inner.points_c[:, 2] - 4 * noise_m
    higher = (
        near.valid & (near.height_m > inner.height_m + slack) & (nearer | (near.height_m > extent.low_m + 4 * slack))
    )
    hidden = low & (near.outside | higher)
    seen = low & near.valid & ~higher
    share = np.count_nonzero(hidden) / np.count_nonzero(low)
    if np.count_nonzero(seen) < max(_MIN_SEEN, 0.1 * np.count_nonzero(low)):
        return Contact(None, 0.0, share, False)
    return _level(_Views(inner, near, far), seen, slack, extent, share)


class _Views(NamedTuple):
    inner: _Seen
    near: _Seen
    far: _Seen


def _level(views: _Views, seen: NDArray[np.bool_], slack: Vector, extent: Extent, hidden: float) -> Contact:
    """Return the most common height below the outline if it belongs to a horizontal surface that meets the object."""
    heights = views.near.height_m[seen]
    step = _median(slack[seen])
    middle = _mode(heights, step)
    on_level = seen & (np.abs(views.near.height_m - middle) <= step)
    both = on_level & views.far.valid & ~views.far.own
    upright = np.count_nonzero(both) < _MIN_SEEN or _is_upright(views, both)
    if upright or np.count_nonzero(on_level) < _LEVEL_SHARE * np.count_nonzero(seen):
        return Contact(None, 0.0, hidden, False)
    # farther from the outline, the sensor mixes less
    flat = both & (np.abs(views.far.height_m - middle) <= step)
    settled = views.far.height_m[flat] if np.count_nonzero(flat) >= _MIN_SEEN else views.near.height_m[on_level]
    level = _median(settled)
    apart = views.near.points_c[on_level] - views.inner.points_c[on_level]
    rise = views.near.height_m[on_level] - views.inner.height_m[on_level]
    aside = _median(np.sqrt(np.maximum((apart * apart).sum(axis=1) - rise * rise, 0.0)))
    gap = extent.low_m - level
    tall = extent.high_m - extent.low_m
    if aside > _REACH_M + extent.long_m or gap > max(_GAP_M + step, tall, _ROUND_SHARE * extent.short_m):
        return Contact(None, 0.0, hidden, hidden < _HIDDEN_SHARE)
    spread = _median(np.abs(settled - level))
    return Contact(level, float(np.hypot(_SIGMA_M, _SIGMA_NOISE * spread)), hidden, False)


def _is_upright(views: _Views, chosen: NDArray[np.bool_]) -> bool:
    """Return whether the surface below the outline falls like a wall from the nearer to the farther pixels."""
    near, far = views.near, views.far
    depth = near.points_c[chosen, 2]
    drop = near.height_m[chosen] - far.height_m[chosen]
    upright = near.height_m[chosen] - far.height_m[chosen] / far.points_c[chosen, 2] * depth
    return _median(drop) >= _UPRIGHT_SHARE * _median(upright)


def _median(values: Vector) -> float:
    return quantiles(values, (0.5,))[0]


def _mode(values: Vector, width: float) -> float:
    """Return the middle of the window of a width that holds the most values; the lower one of equals."""
    ordered = np.sort(values)
    upto = np.searchsorted(ordered, ordered + 2 * width, side="right")
    first = int(np.argmax(upto - np.arange(len(ordered))))
    return float(ordered[(first + upto[first] - 1) // 2])


def _lower_rim(cut: Cutout, up_c: Vector) -> _Rim | None:
    middle = cut.samples_c[-1].mean(axis=0) if len(cut.samples_c[-1]) else np.array([0.0, 0.0, 1.0])
    down = np.array([-up_c[0] + up_c[2] * middle[0] / middle[2], -up_c[1] + up_c[2] * middle[1] / middle[2]])
    length = float(np.hypot(*down))
    if length < 1e-6:
        return None
    down = down / length
    step_u, step_v = np.rint(1.4 * down).astype(int)
    mask = cut.crop.mask
    shift = np.array([[1, 0, -step_u], [0, 1, -step_v]], np.float32)
    moved = cv2.warpAffine(mask, shift, mask.shape[::-1], flags=cv2.INTER_NEAREST)
    u, v = pixels_of(mask > moved)
    stride = -(-len(u) // _MAX_RIM) or 1
    u, v = u[::stride], v[::stride]
    if len(u) < _MIN_SEEN:
        return None
    return _Rim(u + cut.crop.columns.start, v + cut.crop.rows.start, down)


def _inner(depth: DepthMap, cut: Cutout, rim: _Rim, up_c: Vector) -> _Seen:
    """Return what is seen of the object itself, as near to the outline as it has depth."""
    width = cut.bleed.max_width_px
    out = _seen(depth, cut, rim, -(width + _INWARD_PX[0]), up_c)
    for px in _INWARD_PX[1:]:
        missing = ~(out.valid & out.own)
        if not missing.any():
            break
        other = _seen(depth, cut, rim, -(width + px), up_c)
        out = _Seen(
            np.where(missing[:, None], other.points_c, out.points_c),
            np.where(missing, other.height_m, out.height_m),
            np.where(missing, other.valid, out.valid),
            out.outside,
            np.where(missing, other.own, out.own),
        )
    return out._replace(valid=out.valid & out.own)


def _seen(depth: DepthMap, cut: Cutout, rim: _Rim, along_px: float, up_c: Vector) -> _Seen:
    u = rim.u + int(np.rint(along_px * rim.down[0]))
    v = rim.v + int(np.rint(along_px * rim.down[1]))
    height, width = depth.z_m.shape
    outside = (u < 0) | (v < 0) | (u >= width) | (v >= height)
    u, v = np.where(outside, 0, u), np.where(outside, 0, v)
    z_m = depth.z_m[v, u].astype(np.float64)
    points = depth.camera.unproject(u, v, z_m)
    mask = cut.crop.mask
    row, column = v - cut.crop.rows.start, u - cut.crop.columns.start
    within = (row >= 0) & (column >= 0) & (row < mask.shape[0]) & (column < mask.shape[1]) & ~outside
    own = within & (mask[np.where(within, row, 0), np.where(within, column, 0)] > 0)
    return _Seen(points, points @ up_c, (z_m > 0) & ~outside, outside, own)
