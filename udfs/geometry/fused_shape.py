"""The shape of one instance from all views that show it whole.

Each view counts for what it shows across its line of sight. There it knows how wide a thing is to a pixel or two; how
deep it is, it does not: the far side is hidden, and flying pixels smear the near one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_DIRECTIONS = 36  # in half a turn; a quarter of a turn is half of them
_ANGLES = np.arange(_DIRECTIONS) * (np.pi / _DIRECTIONS)
_ALONG = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])
_TRIM = 0.005
_EDGE_PX = 1.5
_SIGMAS = 2.0
_HIDDEN_SHARE = 0.1  # of a width, by which the far side may lie off


@dataclass(frozen=True, eq=False)
class Seen:
    """One view of an instance, in the frame that all share, m.

    `points` (n, 3), the box from `low_m` to `high_m` with the error of its height, the place of the `camera` [3], the
    size of a pixel at 1 m and the relative error of depth.
    """

    points: Array
    low_m: float
    high_m: float
    height_sigma_m: float
    camera: Array
    pixel_rel: float
    sigma_rel: float


@dataclass(frozen=True, eq=False)
class FusedShape:
    """A box in the frame that all views share, m: corners (8, 3), center [3], size (e_x, e_y, H, L, D).

    The errors are standard errors: what is declared, or how far the views disagree where that is more.
    """

    corners: Array
    center: Array
    size_m: tuple[float, ...]
    center_sigma_m: float
    size_sigma_m: float


def fused_shape(views: Sequence[Seen]) -> FusedShape:
    """Return the box of an instance from one view or several; their order changes nothing."""
    low, high, weight, upright, declared = (np.stack(part) for part in zip(*map(_supports, views), strict=True))
    bounds = [np.average(part, axis=0, weights=weight) for part in (low, high)]
    extent = bounds[1] - bounds[0]
    quarter = _DIRECTIONS // 2
    k = int(np.argmin((extent * np.roll(extent, -quarter))[:quarter]))
    middle = (bounds[0] + bounds[1]) / 2
    level = [np.average([part(view) for view in views], weights=upright) for part in (_low, _high)]
    flat = middle[k] * _ALONG[:, k] + middle[k + quarter] * _ALONG[:, k + quarter]
    half_a, half_b = (_ALONG[:, j] * extent[j] / 2 for j in (k, k + quarter))
    ring = flat + np.stack([-half_a - half_b, half_a - half_b, half_a + half_b, -half_a + half_b])
    corners = np.vstack([np.column_stack([ring, np.full(4, z)]) for z in level])
    sides = sorted((float(extent[k]), float(extent[k + quarter])), reverse=True)
    size_m = (float(extent[0]), float(extent[quarter]), float(level[1] - level[0]), *sides)
    middles, lengths = (low + high) / 2, high - low
    axes = [k, k + quarter]
    upward = _error(_heights(views), upright, 1.0 / upright)
    sideways = [_error(middles[:, j], weight[:, j], declared[:, j]) for j in axes]
    center_sigma = math.hypot(*sideways, upward / 2)
    size_sigma = max(*(_error(lengths[:, j], weight[:, j], declared[:, j]) for j in axes), upward)
    return FusedShape(corners, np.array([*flat, sum(level) / 2]), size_m, center_sigma, size_sigma)


def _low(view: Seen) -> float:
    return view.low_m


def _high(view: Seen) -> float:
    return view.high_m


def _heights(views: Sequence[Seen]) -> Array:
    return np.array([view.high_m - view.low_m for view in views])


def _supports(view: Seen) -> tuple[Array, Array, Array, float, Array]:
    """Return where a view's points end along every direction, how much that counts, and how much its height does.

    The last are the variances, m2, that the view declares along every direction.
    """
    flat = view.points[:, :2] @ _ALONG
    low, high = np.quantile(flat, [_TRIM, 1 - _TRIM], axis=0)
    away = view.points.mean(axis=0) - view.camera
    range_m = max(float(np.linalg.norm(away)), 1e-6)
    pixel_m = _EDGE_PX * view.pixel_rel * range_m
    smear_m = float(np.median(high - low)) + _SIGMAS * view.sigma_rel * range_m
    along = np.abs((away[:2] / range_m) @ _ALONG)
    hidden_m = _HIDDEN_SHARE * float(np.median(high - low)) + view.sigma_rel * range_m
    declared = pixel_m**2 + (hidden_m * along) ** 2
    height = 1.0 / (pixel_m**2 + view.height_sigma_m**2)
    return low, high, 1.0 / (pixel_m**2 + (smear_m * along) ** 2), height, declared


def _error(values: Array, weight: Array, variance: Array) -> float:
    """Return the standard error of a weighted mean: as the views declare it, or as they disagree where that is more."""
    share = weight / weight.sum()
    spread = float(np.sqrt(share @ (values - share @ values) ** 2))
    return max(float(np.sqrt(share**2 @ variance)), spread * float(np.sqrt((share**2).sum())))
