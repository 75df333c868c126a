"""Fits a depth expert's scale and errors to pairs of predicted and true depth, and measures them on images kept aside.

Errors are logs of true over predicted values. Medians and quantiles fit them, so that a few wrong images or pixels
change little.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.experts.depth_fit import DepthFit

_COVERAGE = 0.8
# 80 % of normal errors lie within this many sigmas.
_SIGMAS = 1.2816
_FOLDS = 5
_CELLS = 8
_MIN_PX = 20
_MIN_SIGMA = 0.005


@dataclass(frozen=True, eq=False)
class Pair:
    """One image's depth error and focal lengths.

    `error` [n] is the log of true over predicted depth at pixels that have both, `part` [n] the number of each pixel's
    object or cell. `declared` are the expert's `sigma_rel` and `scale_sigma_rel`. `focal_error` is the log of the true
    over the estimated focal length, `fov_deg` the true field of view of the long side; both None where the truth is
    unknown. Images of one `group`, such as the frames of a sequence, are kept aside together.
    """

    group: str
    error: NDArray[np.float32]
    part: NDArray[np.int32]
    declared: tuple[float, float]
    focal_error: float | None
    fov_deg: float | None

    @property
    def shared(self) -> float:
        """The error of the map's scale."""
        return float(np.median(self.error))

    @property
    def local(self) -> NDArray[np.float64]:
        """Return what is left of the error at each object or cell."""
        numbers, place = np.unique(self.part, return_inverse=True)
        counts = np.bincount(place)
        medians = [np.median(self.error[place == number]) for number in range(len(numbers)) if counts[number] > _MIN_PX]
        return np.array(medians, np.float64) - self.shared


@dataclass(frozen=True)
class Quality:
    """Errors on images: mean relative depth error, share of pixels in 80 % intervals, median relative focal error."""

    abs_rel: float
    coverage: float
    focal: float | None


def pair_of(
    predicted_mm: NDArray[np.uint16],
    true_mm: NDArray[np.uint16],
    instances: NDArray[np.integer] | None,
    *,
    group: str,
    declared: tuple[float, float],
    focal_px: tuple[float | None, float | None],
) -> Pair | None:
    """Return the errors of one image, None where no pixel has both depths.

    The maps [h, w] have one size; `instances` holds object ids, 0 where there is none. `focal_px` are the true and the
    estimated focal length.
    """
    both = (predicted_mm > 0) & (true_mm > 0)
    if both.sum() < _MIN_PX:
        return None
    height, width = true_mm.shape
    rows, columns = np.mgrid[:height, :width]
    part = -1 - (rows * _CELLS // height * _CELLS + columns * _CELLS // width)
    if instances is not None:
        part = np.where(instances > 0, instances, part)
    true_px, estimated_px = focal_px
    error = np.log(true_mm[both].astype(np.float32)) - np.log(predicted_mm[both].astype(np.float32))
    return Pair(
        group=group,
        error=error,
        part=part[both].astype(np.int32),
        declared=declared,
        focal_error=float(np.log(true_px / estimated_px)) if true_px and estimated_px else None,
        fov_deg=float(np.rad2deg(2 * np.arctan(max(width, height) / (2 * true_px)))) if true_px else None,
    )


def fitted(pairs: Sequence[Pair]) -> DepthFit:
    """Return the factors and errors of some images."""
    shared = np.array([pair.shared for pair in pairs])
    local = np.concatenate([pair.local for pair in pairs])
    focal = np.array([pair.focal_error for pair in pairs if pair.focal_error is not None])
    fov_deg = np.array([pair.fov_deg for pair in pairs if pair.fov_deg is not None])
    depth_scale, scale_sigma_rel = _middle(shared)
    focal_scale, focal_sigma_rel = _middle(focal) if len(focal) else (None, None)
    field_deg, field_sigma_deg = _middle(fov_deg) if len(fov_deg) else (None, None)
    return DepthFit(
        depth_scale=float(np.exp(depth_scale)),
        sigma_rel=max(_sigma(local), _MIN_SIGMA),
        scale_sigma_rel=max(scale_sigma_rel, _MIN_SIGMA),
        focal_scale=None if focal_scale is None else float(np.exp(focal_scale)),
        focal_sigma_rel=None if focal_sigma_rel is None else max(focal_sigma_rel, _MIN_SIGMA),
        fov_deg=field_deg,
        fov_sigma_deg=field_sigma_deg,
    )


def _middle(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median and the sigma of values about it, for values that it was not fitted to."""
    median = float(np.median(values))
    return median, _sigma(values - median) * float(np.sqrt((len(values) + 1) / max(len(values) - 1, 1)))


def _sigma(errors: NDArray[np.float64]) -> float:
    """Return the sigma whose 80 % interval contains 80 % of errors."""
    return float(np.quantile(np.abs(errors), _COVERAGE)) / _SIGMAS if len(errors) else 0.0


def before(pairs: Sequence[Pair]) -> Quality:
    """Return the quality of the expert as it is."""
    return _quality(pairs, [None] * len(pairs))


def kept_aside(pairs: Sequence[Pair]) -> Quality:
    """Return the quality after fitting, each image measured with a fit of the other groups of images."""
    groups = sorted({pair.group for pair in pairs})
    order = np.random.default_rng(0).permutation(len(groups))
    fold = {groups[index]: place % _FOLDS for place, index in enumerate(order)}
    fits: dict[int, DepthFit] = {}
    for number in set(fold.values()):
        fits[number] = fitted([pair for pair in pairs if fold[pair.group] != number])
    return _quality(pairs, [fits[fold[pair.group]] for pair in pairs])


def group_count(pairs: Sequence[Pair]) -> int:
    """Return how many groups of images there are."""
    return len({pair.group for pair in pairs})


def _quality(pairs: Sequence[Pair], fits: Sequence[DepthFit | None]) -> Quality:
    abs_rel, inside, focal = [], [], []
    for pair, fit in zip(pairs, fits, strict=True):
        error = pair.error - np.log(fit.depth_scale if fit else 1.0)
        sigmas = (fit.sigma_rel, fit.scale_sigma_rel) if fit else pair.declared
        abs_rel.append(np.abs(np.expm1(-error)).mean())
        inside.append((np.abs(error) <= _SIGMAS * np.hypot(*sigmas)).mean())
        if pair.focal_error is not None:
            focal.append(abs(pair.focal_error - np.log((fit and fit.focal_scale) or 1.0)))
    return Quality(float(np.mean(abs_rel)), float(np.mean(inside)), float(np.median(focal)) if focal else None)
