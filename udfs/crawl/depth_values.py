"""Brings a crawl's depth values to millimeters: unit, codes for "none", and maps that are no depth at all."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Depth = NDArray[np.uint16]

MM_PER_M = 1000.0
_MAX_MM = np.iinfo(np.uint16).max
# No lens that sees a scene focuses nearer, while meters and decimeters stored as integers are smaller than that.
_NEAREST_MM = 20
# A code lies apart from every measured value, stands in more pixels than noise puts at one value, and is a limit of
# some number format or a round number; so a wall seen straight on, at one value in a rendered map, is no code.
_CODE_SHARE, _CODE_PIXELS, _CODE_GAP = 0.01, 20, 2.0
_CODE_FROM, _ROUND_CODES, _SMALLEST_FORMAT = 20_001, 10_000, 2_047
_LOW_CODES, _LOW_CODE_GAP = 20, 10.0
# Neighbors of a surface differ by far less than any two pixels do; a sensor's noise is a few percent of the depth.
_NOISE_ALIKE, _NOISE_REL, _MIN_NEIGHBORS = 0.5, 0.1, 200
_SAMPLE_ROWS = 60
_MAX_LOST_SHARE = 0.5
# Of common RGB-D data: m, dm, cm, KITTI, mm, Matterport3D, TUM, bits rotated by 3 as in SUN RGB-D, 0.1 mm, 1/65535 m.
_USUAL_UNITS_PER_M = (1.0, 10.0, 100.0, 256.0, 1000.0, 4000.0, 5000.0, 8000.0, 10000.0, 65535.0)
_UNITS_ALIKE = 1.25


def in_mm(measured: Depth, units_per_m: float) -> Depth:
    """Return depth in mm, 0 = none, from values in `units_per_m`; what mm cannot hold in 16 bits becomes 0.

    Values in mm are returned as they are.
    """
    if units_per_m == MM_PER_M:
        return measured
    depth_mm = np.rint(measured * (MM_PER_M / units_per_m))
    return np.where(depth_mm <= _MAX_MM, depth_mm, 0).astype(np.uint16)


def without_codes(raw: Depth) -> Depth:
    """Return values with those that mean "no depth" set to 0; the same array where there are none.

    65535 is what a saturated value becomes. Any other largest value is a code when it stands in at least 1 % of the
    pixels, all others are at most half of it, and it is over 20,000, a multiple of 10,000, or the largest value of 11
    to 15 bits. So is a smallest value up to 20 in at least 1 % of the pixels with all others at least ten times it.
    """
    counts = np.bincount(raw.ravel(), minlength=_MAX_MM + 1)
    codes = [_MAX_MM] if counts[_MAX_MM] else []
    counts[[0, _MAX_MM]] = 0
    values = np.flatnonzero(counts)
    if len(values) > 1:
        enough = max(_CODE_PIXELS, _CODE_SHARE * counts.sum())
        low, above, below, high = int(values[0]), int(values[1]), int(values[-2]), int(values[-1])
        if counts[high] >= enough and high >= _CODE_GAP * below and _may_be_code(high):
            codes.append(high)
        elif low <= _LOW_CODES and counts[low] >= enough and above >= _LOW_CODE_GAP * low:
            codes.append(low)
    if not codes:
        return raw
    return np.where(np.isin(raw, codes), 0, raw).astype(np.uint16)


def _may_be_code(value: int) -> bool:
    of_format = value >= _SMALLEST_FORMAT and value & (value + 1) == 0
    return value >= _CODE_FROM or value % _ROUND_CODES == 0 or of_format


def likely_units(units_per_m: float) -> float:
    """Return the usual number of units per meter that is within 25 % of a rough one, else the rough one."""
    nearest = min(_USUAL_UNITS_PER_M, key=lambda usual: abs(np.log(usual / units_per_m)))
    return nearest if 1 / _UNITS_ALIKE <= nearest / units_per_m <= _UNITS_ALIKE else units_per_m


def no_depth(measured: Depth, depth_mm: Depth, units_per_m: float) -> str | None:
    """Return why a map without codes, `measured`, that reads as `depth_mm` is no depth, None where it may be."""
    given = np.count_nonzero(measured)
    kept = depth_mm[depth_mm > 0]
    if not given:
        return "holds no depth: every pixel is 0 or 65535"
    if len(kept) < _MAX_LOST_SHARE * given:
        lost = 1 - len(kept) / given
        return f"read with {units_per_m:g} units per meter is outside 0.001 to 65.535 m in {lost:.0%} of its pixels"
    median_mm = float(np.median(kept))
    if median_mm < _NEAREST_MM:
        return f"has a median of {median_mm:g} mm, nearer than a camera sees"
    alike, relative = neighbor_difference(depth_mm)
    if alike > _NOISE_ALIKE and relative > _NOISE_REL:
        return f"is noise: neighboring pixels differ by {relative:.0%} of the depth, as much as any two pixels do"
    return None


def neighbor_difference(depth_mm: Depth) -> tuple[float, float]:
    """Return the median difference of neighbors in a row over that of any two pixels, and over the median depth.

    Both are 0 with fewer than 200 pairs of neighbors.
    """
    step = max(1, depth_mm.shape[0] // _SAMPLE_ROWS)
    rows = depth_mm[::step].astype(np.int32)
    left, right = rows[:, :-1], rows[:, 1:]
    both = (left > 0) & (right > 0)
    if np.count_nonzero(both) < _MIN_NEIGHBORS:
        return 0.0, 0.0
    a, b = left[both], right[both]
    # Values half of the map apart stand for any two.
    apart = float(np.median(np.abs(a - np.roll(b, len(b) // 2))))
    near = float(np.median(np.abs(a - b)))
    return (near / apart if apart else 0.0), near / float(np.median(a))


def is_flat(depth_mm: Depth, labels: NDArray[Any]) -> bool:
    """Return whether objects and all that is around them have one and the same depth, so that no object has a shape.

    A map without objects, or with one that fills it, may show a wall seen straight on, which has one depth in mm.
    """
    inside = labels > 0
    measured = depth_mm > 0
    value = depth_mm.max()
    if not np.array_equal(measured, depth_mm == value):
        return False
    return bool((measured & inside).any() and (measured & ~inside).any())
