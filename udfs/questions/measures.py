"""Numbers that can be asked for, by the gates of question-types.md section 2; their errors are weighed when drawn.

Numbers with a side (how far left, how much taller) are the margins of `udfs.questions.relations` and not made here.
"""

import math

from udfs.questions.decisions import Decided, Decisions
from udfs.questions.relations import MIN_SIZE_M
from udfs.questions.scene import Gates, SeenObject, SeenPair

MIN_GAP_M = 0.05
MIN_DISTANCE_M = 0.10
MIN_RANGE_M, MAX_RANGE_M = 0.3, 20.0
AHEAD_RAD = math.radians(5.0)
RESTS_M = 0.02


def measure_object(a: SeenObject, gates: Gates, max_rest_sigma_m: float, out: Decisions) -> None:
    """Append to `out` the numbers about one object; `rests on` is not claimed above `max_rest_sigma_m`."""
    off = abs(a.bearing_rad)
    if off < math.pi / 2:
        side = "ahead" if off < AHEAD_RAD else "right" if a.bearing_rad > 0 else "left"
        out["direction"].append(Decided(a, None, off, AHEAD_RAD, side))
    if not gates.metric:
        return
    if MIN_RANGE_M <= a.range_m <= MAX_RANGE_M:
        out["range"].append(Decided(a, None, a.range_m, MIN_RANGE_M))
    if a.size_ok and a.e_y >= MIN_SIZE_M:
        out["width"].append(Decided(a, None, a.e_y, MIN_SIZE_M))
    if not gates.gravity:
        return
    if a.size_ok and a.height_m >= MIN_SIZE_M:
        out["height"].append(Decided(a, None, a.height_m, MIN_SIZE_M))
    if a.amodal and a.width_m >= MIN_SIZE_M:
        out["length"].append(Decided(a, None, a.width_m, MIN_SIZE_M))
    if gates.surface is not None and a.edge_ok:
        _heights(a, max_rest_sigma_m, out)


def measure_pair(a: SeenObject, b: SeenObject, pair: SeenPair | None, gates: Gates, out: Decisions) -> None:
    """Append to `out` the distances between two objects, given a metric scale."""
    dx, dy, dz = b.m_x - a.m_x, b.m_y - a.m_y, b.m_z - a.m_z
    level_squared = dx * dx + dy * dy
    centres = math.sqrt(level_squared + dz * dz)
    if centres >= MIN_DISTANCE_M:
        out["centre"].append(Decided(a, b, centres, MIN_DISTANCE_M))
    if pair is not None and pair.gap_m >= MIN_GAP_M and not _may_touch(a, b, pair):
        out["gap"].append(Decided(a, b, pair.gap_m, MIN_GAP_M))
    if not gates.gravity:
        return
    level = math.sqrt(level_squared)
    if level >= MIN_DISTANCE_M:
        out["level"].append(Decided(a, b, level, MIN_DISTANCE_M))
    if pair is not None and pair.clearance_m >= MIN_DISTANCE_M:
        out["clearance"].append(Decided(a, b, pair.clearance_m, MIN_DISTANCE_M))
    gap = max(a.lo_z - b.hi_z, b.lo_z - a.hi_z)
    if gap > 0:
        # Top and bottom must be in view for the space between them to be what a person would measure.
        if gap >= MIN_GAP_M and a.edge_ok and b.edge_ok:
            out["vertical"].append(Decided(a, b, gap, MIN_GAP_M, "gap"))
    elif abs(dz) >= MIN_GAP_M:
        out["vertical"].append(Decided(a, b, abs(dz), MIN_GAP_M, "centre"))


def _may_touch(a: SeenObject, b: SeenObject, pair: SeenPair) -> bool:
    return pair.masks_adjacent and a.sigma_m * a.sigma_m + b.sigma_m * b.sigma_m > pair.gap_m * pair.gap_m


def _heights(a: SeenObject, max_rest_sigma_m: float, out: Decisions) -> None:
    rests_m = max(RESTS_M, a.sigma_m)
    # What reaches below the support is beside it, or badly measured.
    if not a.lo_z >= -rests_m:
        return
    if a.lo_z > rests_m:
        out["bottom"].append(Decided(a, None, a.lo_z, rests_m))
    elif a.sigma_m <= max_rest_sigma_m:
        out["bottom"].append(Decided(a, None, a.lo_z, rests_m, "rests"))
    if a.hi_z > rests_m:
        out["top"].append(Decided(a, None, a.hi_z, rests_m))
