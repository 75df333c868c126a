"""Estimates how well the size and the place of an object's box are known: what mask, sensor and view leave open."""

from dataclasses import dataclass
from math import hypot, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.boxes import AmodalBox
from udfs.geometry.cutout import Cutout
from udfs.geometry.depth_map import DepthMap
from udfs.geometry.frame import WorldFrame
from udfs.geometry.primitives import Primitives
from udfs.geometry.quantiles import quantiles
from udfs.geometry.supports import Base
from udfs.geometry.unmeasured import Ends, Unmeasured, unmeasured

_PIXEL, _REMOVED_SHARE = 0.5, 0.25  # of an edge in px, and of the bleed and smear that were removed at it
_SPARSE_PX = 2.0  # points that lie farther apart than this bound an outline themselves
_TRIM = 0.01
_LEVEL = 0.005  # sine of the angle under which nothing of a top is seen
_SYMMETRY = 0.05  # how far a body that is as deep as wide lies from where its outline puts it, in widths


@dataclass(frozen=True)
class SizeError:
    """Standard errors of the height of an object and of the center of its box, m, without those of the depth source."""

    height_m: float
    center_m: float


class Measured(NamedTuple):
    """An object as it was cut out, a subset (n, 3) of its points in W, m, its shape, and its box if one is given."""

    cut: Cutout
    points_w: NDArray[np.float64]
    shape: Primitives
    box: AmodalBox | None = None


class _Edge(NamedTuple):
    """How well an edge of the outline is known, m: at its best, and where all that was removed may be the object's."""

    best_m: float
    worst_m: float


def size_error(depth: DepthMap, thing: Measured, frame: WorldFrame, base: Base) -> SizeError:
    """Return the errors of an object's size box, of which `base` is the lower end.

    Its top is known to the edge of the outline, and no better than the mask reaches beyond what is measured. Without a
    known base the same holds for its lower end, and what curves under may be hidden. How deep it is shows on its top,
    in the length of a pixel seen at that angle, or in a body that is as deep as it is wide.
    """
    cut, points_w, shape, _ = thing
    points = points_w[:, :2]
    away = points.mean(axis=0)
    ahead_m = max(float(np.hypot(*away)), 1e-9)
    aside = np.array([-away[1], away[0]]) / ahead_m
    left, right = quantiles(points @ aside, (_TRIM, 1 - _TRIM))
    open_ends = unmeasured(depth, cut, frame, aside, Ends(shape.lo[2], shape.hi[2], left, right))
    edge = _edge(depth, cut, shape)
    supported = base.height_m is not None
    low_m = base.sigma_m if supported else _unsupported_m(shape, edge, open_ends, frame.camera_height_m)
    height_m = hypot(edge.best_m, open_ends.up_m / sqrt(3.0), low_m)
    wide_m = right - left + open_ends.left_m + open_ends.right_m
    above_m = frame.camera_height_m - shape.hi[2]
    sine = max(_LEVEL, above_m / hypot(above_m, ahead_m))
    edge_m = edge.best_m if supported else edge.worst_m
    deep_m = min((edge_m + open_ends.up_m / 2) / sine, wide_m / 2)
    if shape.body is not None and shape.body.as_deep_as_wide:
        deep_m = min(deep_m, hypot(edge_m, _SYMMETRY * wide_m))
    return SizeError(height_m, hypot(deep_m, open_ends.left_m / 2, open_ends.right_m / 2, height_m / 2))


def _edge(depth: DepthMap, cut: Cutout, shape: Primitives) -> _Edge:
    pixel_m = shape.center_c[2] / sqrt(depth.camera.fx * depth.camera.fy)
    removed = cut.bleed.max_width_px + cut.bleed.smear_px
    spacing = sqrt(cut.crop.area_px / max(cut.n_points, 1))
    sparse = spacing if spacing > _SPARSE_PX else 0.0
    best_px, worst_px = max(sparse, _PIXEL + _REMOVED_SHARE * removed), max(2 * sparse, _PIXEL + removed)
    return _Edge(best_px * pixel_m, worst_px * pixel_m)


def _unsupported_m(shape: Primitives, edge: _Edge, open_ends: Unmeasured, camera_m: float) -> float:
    """Return the error of the lower end of what rests on nothing that is known."""
    rise = camera_m - (shape.lo[2] + shape.hi[2]) / 2
    level = float(np.hypot(shape.center[0], shape.center[1]))
    hidden_m = shape.box.short_m * (1.0 - level / max(hypot(level, rise), 1e-9))
    return hypot(edge.worst_m, open_ends.down_m, hidden_m)
