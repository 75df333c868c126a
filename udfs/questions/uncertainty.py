"""Parts of standard errors: how errors of depth, outlines and gravity reach a number.

Two sources are independent from object to object. The declared error of the depth source, with what
averaging leaves of the pixel noise, moves an object along its viewing ray (`error_m`). A pixel, or
half the declared error of the outline, moves it across the ray (`pixel_m`); an edge is known to the
spacing of the points or to its declared error (`outline_m`), and the ends of a height no better than
lifting says (`height_sigma_m`). Three sources are shared by all
objects: the scale of the depth map stretches every length alike, the focal length turns directions,
and gravity tilts heights by the horizontal separation. A surface distance rests on single points,
so its pixel noise is not averaged (`noise_m`).
"""

import math

from udfs.questions.rule import Decided
from udfs.questions.scene import Gates
from udfs.questions.seen_object import SeenObject

AMODAL_SIZE_ERROR_REL = 0.01
MAX_CENTER_SHIFT_REL = 0.10


def both_of(decided: Decided) -> tuple[SeenObject, SeenObject]:
    """Return the two objects of a decision.

    Raises:
        ValueError: it is about one object.
    """
    if decided.second is None:
        raise ValueError("The decision is about one object; only a pair rule decides about two.")
    return decided.first, decided.second


def root_sum_square(*parts: float) -> float:
    """Return the standard error of a sum of independent parts."""
    return math.sqrt(sum([part * part for part in parts]))


def along_line(a: SeenObject, b: SeenObject, dz: float) -> tuple[float, float]:
    """Return both ray errors projected on the line of centers, m; seen from above where `dz` is 0."""
    dx, dy = a.m_x - b.m_x, a.m_y - b.m_y
    distance = math.sqrt(dx * dx + dy * dy + dz * dz)
    if not distance > 0:
        return math.inf, math.inf
    along_a = (a.ray_x * dx + a.ray_y * dy + a.ray_z * dz) / distance
    along_b = (b.ray_x * dx + b.ray_y * dy + b.ray_z * dz) / distance
    return a.error_m * along_a, b.error_m * along_b


def centers_agree(a: SeenObject, b: SeenObject, distance_m: float, level: bool = False) -> bool:
    """Return whether the centers of both size boxes lie as far apart as those of what is seen, within 10 %.

    Of something large, only the side that faces the camera is seen; where that leaves the boxes more uncertain than
    this, they do not agree. Unknown boxes contradict nothing.
    """
    limit_m = MAX_CENTER_SHIFT_REL * distance_m
    if math.hypot(a.box_sigma_m, b.box_sigma_m) > limit_m:
        return False
    dx, dy, dz = a.b_x - b.b_x, a.b_y - b.b_y, 0.0 if level else a.b_z - b.b_z
    return not abs(math.sqrt(dx * dx + dy * dy + dz * dz) - distance_m) > limit_m


def center_distance_error(a: SeenObject, b: SeenObject, dz: float) -> float:
    """Return the standard error of the distance of two centers, m."""
    return root_sum_square(*along_line(a, b, dz), a.pixel_m, b.pixel_m)


def surface_distance_error(a: SeenObject, b: SeenObject, dz: float) -> float:
    """Return the standard error of the distance of two surfaces, m."""
    return root_sum_square(*along_line(a, b, dz), a.outline_m, b.outline_m, a.noise_m, b.noise_m)


def gap_error(decided: Decided, _: Gates) -> float:
    """Return the standard error of the distance of the closest points, m."""
    a, b = both_of(decided)
    return surface_distance_error(a, b, a.m_z - b.m_z)


def ray_errors(decided: Decided, _: Gates) -> float:
    """Return the standard error of a difference of two ranges or depths, m."""
    a, b = both_of(decided)
    return math.hypot(a.error_m, b.error_m)


def pair_tilt(a: SeenObject, b: SeenObject, gates: Gates) -> float:
    """Return how far an error of gravity moves the difference in height of two objects, m."""
    return gates.gravity_sigma_rad * math.hypot(a.m_x - b.m_x, a.m_y - b.m_y)


def width_error(a: SeenObject) -> float:
    """Return the standard error of the width, m."""
    if a.amodal:
        return AMODAL_SIZE_ERROR_REL * a.e_y
    # The range scales a size, two outlines bound it.
    noise = a.noise_m * a.ray_y
    return root_sum_square(a.e_y * a.error_m / a.range_m, a.outline_m, a.outline_m, noise, noise)


def height_error(a: SeenObject, gates: Gates) -> float:
    """Return the standard error of the height, m."""
    if a.amodal:
        return AMODAL_SIZE_ERROR_REL * a.height_m
    noise = a.noise_m * a.ray_z
    # A tilt of gravity lends the height part of the length.
    tilt = gates.gravity_sigma_rad * a.length_m
    edges = (a.outline_m, a.outline_m, noise, noise, a.height_sigma_m)
    return root_sum_square(a.height_m * a.error_m / a.range_m, *edges, tilt)
