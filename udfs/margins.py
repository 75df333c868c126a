"""Margins that names and questions share: closer than these, positions and heights are not claimed."""

import math

MAX_GRAVITY_SIGMA_DEG = 5.0
MAX_OCCLUSION = 0.10
_SIZE_SIGMA_REL, _SIZE_SIGMA_M = 0.08, 0.01


def lateral_margin_m(range_a_m: float, range_b_m: float) -> float:
    """Return T_lat (and T_ver), m: lateral error is angular, so it grows with the mean range."""
    return max(0.05, 0.015 * (range_a_m + range_b_m))


def depth_margin_m(range_a_m: float, range_b_m: float, sigma_a_m: float, sigma_b_m: float) -> float:
    """Return T_dep, m: at least two standard errors of a difference of two ranges."""
    sigma_m = math.sqrt(sigma_a_m * sigma_a_m + sigma_b_m * sigma_b_m)
    return max(0.10, 0.025 * (range_a_m + range_b_m), 2.0 * sigma_m)


def size_sigma_limit_m(size_m: float) -> float:
    """Return the largest standard error, m, that what is hidden may lend to a size that is asked for."""
    return max(_SIZE_SIGMA_M, _SIZE_SIGMA_REL * size_m)
