"""Measures how far the mask of an object reaches beyond the pixels whose depth could be used."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.cutout import Cutout, lattice
from udfs.geometry.depth_map import DepthMap
from udfs.geometry.frame import WorldFrame
from udfs.geometry.masks import Mask
from udfs.geometry.quantiles import quantiles

Array = NDArray[np.float64]
_MIN_PX, _MAX_PX = 5, 400
_APART_PX = 1.0
_CROP_PX, _DENSE_SHARE = 4_000, 0.25
_OUTER = 0.05


class Ends(NamedTuple):
    """Lowest and highest point in W, and the leftmost and rightmost as seen from the camera, m."""

    low_m: float
    high_m: float
    left_m: float
    right_m: float


class Unmeasured(NamedTuple):
    """How far a mask reaches beyond the measured points on each side, m; 0 where it does not."""

    down_m: float
    up_m: float
    left_m: float
    right_m: float


NOTHING = Unmeasured(0.0, 0.0, 0.0, 0.0)


def unmeasured(depth: DepthMap, cut: Cutout, frame: WorldFrame, aside: Array, ends: Ends) -> Unmeasured:
    """Return how far the mask, without its bleed, reaches beyond the measured `ends` of an object.

    Thin parts, holes and what a sensor smears have no usable depth; each such pixel is taken to be as far away as the
    nearest one that has. `aside` is the unit horizontal direction in W across the view.
    """
    missing = _unmeasured_mask(cut)
    if cv2.countNonZero(missing) < _MIN_PX:
        return NOTHING
    step = _step(cut)
    kept = np.ascontiguousarray(cut.kept[::step, ::step])
    # without a pixel that has depth, no distance is defined
    if not cv2.countNonZero(kept):
        return NOTHING
    apart, found = cv2.distanceTransformWithLabels(1 - kept, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = np.asarray(found, np.int32)
    v, u = np.nonzero((missing[::step, ::step] > 0) & (apart > _APART_PX))
    if len(u) < _MIN_PX:
        return NOTHING
    chosen = lattice(u, v, _MAX_PX)
    u, v = u[chosen], v[chosen]
    with_depth = np.nonzero(kept)
    z_m = np.zeros(len(with_depth[0]) + 1)
    z_m[nearest[with_depth]] = depth.z_m[cut.crop.window][::step, ::step][with_depth]
    column, row = u * step + cut.crop.columns.start, v * step + cut.crop.rows.start
    points = frame.points(depth.camera.unproject(column, row, z_m[nearest[v, u]]))
    low, high = quantiles(points[:, 2], (_OUTER, 1 - _OUTER))
    left, right = quantiles(points[:, :2] @ aside, (_OUTER, 1 - _OUTER))
    return Unmeasured(
        max(0.0, ends.low_m - low),
        max(0.0, high - ends.high_m),
        max(0.0, ends.left_m - left),
        max(0.0, right - ends.right_m),
    )


def _unmeasured_mask(cut: Cutout) -> Mask:
    mask, width = cut.crop.mask, cut.bleed.max_width_px
    if width:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
        mask = cv2.erode(mask, disc, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    return mask & (1 - cut.kept)


def _step(cut: Cutout) -> int:
    """Return the spacing of pixels, px, at which a large and mostly measured object is looked at."""
    size, count = cut.kept.size, cv2.countNonZero(cut.kept)
    return max(1, round((size / _CROP_PX) ** 0.5)) if count >= _DENSE_SHARE * size else 1
