"""Whether one of two objects seems to carry or hold the other, so that people would say "on" or "in"."""

from udfs.questions.scene import SeenPair
from udfs.questions.seen_object import SeenObject

_MAX_GAP_M = 0.05
_MIN_WITHIN = 0.8
_MIN_RAISED_M = 0.03
_MIN_RAISED = 0.1


def carries(a: SeenObject, b: SeenObject, pair: SeenPair | None) -> bool:
    """Return whether two objects touch and one is raised above the bottom of the other, within its sides.

    What stands beside or in front of something has its bottom as low, so that it is neither on it nor in it. A pair
    without distances is not known to touch.
    """
    return pair is not None and pair.gap_m <= _MAX_GAP_M and (_is_on(a, b) or _is_on(b, a))


def _is_on(upper: SeenObject, lower: SeenObject) -> bool:
    shared_m = min(upper.hi_y, lower.hi_y) - max(upper.lo_y, lower.lo_y)
    raised_m = max(_MIN_RAISED_M, _MIN_RAISED * (lower.hi_z - lower.lo_z))
    return shared_m >= _MIN_WITHIN * (upper.hi_y - upper.lo_y) and upper.lo_z - lower.lo_z >= raised_m
