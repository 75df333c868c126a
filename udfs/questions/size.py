"""Sizes: thresholds that all types about widths, heights and lengths share."""

MIN_SIZE_M = 0.02


def size_margin_m(larger_m: float) -> float:
    """Return T_size, m: 15 % of the larger size and at least 3 cm."""
    return max(0.03, 0.15 * larger_m)
