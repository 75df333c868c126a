"""Even subsets of pixels: rank-1 lattices, which no mask's shape can beat against."""

from math import gcd

import numpy as np
from numpy.typing import NDArray

_GOLDEN = 0.6180339887498949


def lattice(u: NDArray[np.intp], v: NDArray[np.intp], most: int) -> NDArray[np.intp] | slice:
    """Return the index of about `most` of n pixels, spread evenly over the plane; all of them when they are fewer.

    Pixels with (u + a v) mod k = 0 form a lattice of density 1 / k; a / k near the golden section keeps it round. A
    plain stride through the rows would draw stripes wherever it comes near a mask's width.
    """
    period = -(-len(u) // most)
    if period <= 1:
        return slice(None)
    shift = max(1, round(period * _GOLDEN))
    while gcd(shift, period) > 1:
        shift += 1
    place = u.astype(np.int32) + np.int32(shift) * v.astype(np.int32)
    chosen = np.flatnonzero(place % np.int32(period) == 0)
    return chosen if len(chosen) else slice(None, None, period)
