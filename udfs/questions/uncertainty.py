"""Standard errors of what is asked: how errors of depth, outlines, scale, lens and gravity reach a number.

Two sources are independent from object to object: the depth source's declared error with what averaging leaves of the
pixel noise moves an object along its viewing ray (`error_m`), and a pixel, or half the declared error of the outline,
moves it across the ray (`pixel_m`; an edge is known to the spacing of the points or to its declared error,
`outline_m`). Three are shared by all objects: the scale of the depth map stretches every length alike, the focal length
turns directions, and gravity tilts heights by the horizontal separation. A surface distance rests on single points, so
its pixel noise is not averaged (`noise_m`).
"""

import math
from collections.abc import Callable

from udfs.questions.decisions import Decided
from udfs.questions.scene import Gates, SeenObject

AMODAL_SIZE_ERROR_REL = 0.01
SCALE_FREE = ("N17", "N18")


def own_error(type_id: str, decided: Decided, gates: Gates) -> float:
    """Return the standard error of a number but for the scale that the photograph shares; inf or NaN: unknown."""
    a, b = decided.first, decided.second
    if type_id == "N18":
        return _ratio(decided, gates.gravity_sigma_rad)
    if type_id == "N17":
        # A focal length that is off stretches the tangent of the bearing.
        lens = 0.5 * gates.focal_sigma_rel * math.sin(2 * decided.margin)
        return math.hypot(_bearing(a, gates.gravity_sigma_rad), lens)
    return _SINGLE[type_id](a, gates.gravity_sigma_rad) if b is None else _PAIR[type_id](a, b, gates.gravity_sigma_rad)


def whole_error(type_id: str, decided: Decided, own: float, gates: Gates) -> float:
    """Return the standard error of a number, in its unit, from what `own_error` returned."""
    return own if type_id in SCALE_FREE else math.hypot(own, gates.scale_sigma_rel * decided.margin)


def relation_error(name: str, decided: Decided, gravity_sigma_rad: float) -> float:
    """Return the standard error of the difference that decides a relation, in the unit of its margin.

    A scale that all objects share leaves every relation as it is.
    """
    a, b = decided.first, decided.second
    if b is None:
        return math.inf
    if name == "bigger":
        return _volumes(a, b, gravity_sigma_rad)
    return _PAIR[_LIKE[name]](a, b, gravity_sigma_rad)


def _length(*parts: float) -> float:
    return math.sqrt(sum([part * part for part in parts]))


def _range(a: SeenObject, _: float) -> float:
    return a.error_m


def _height_above(a: SeenObject, gravity_sigma_rad: float) -> float:
    tilt = gravity_sigma_rad * math.hypot(a.m_x, a.m_y)
    return _length(a.error_m * a.ray_z, a.outline_m, tilt)


def _width(a: SeenObject, _: float) -> float:
    if a.amodal:
        return AMODAL_SIZE_ERROR_REL * a.e_y
    # The range scales a size, two outlines bound it.
    noise = a.noise_m * a.ray_y
    return _length(a.e_y * a.error_m / a.range_m, a.outline_m, a.outline_m, noise, noise)


def _height(a: SeenObject, gravity_sigma_rad: float) -> float:
    if a.amodal:
        return AMODAL_SIZE_ERROR_REL * a.height_m
    noise = a.noise_m * a.ray_z
    # A tilt of gravity lends the height part of the length.
    tilt = gravity_sigma_rad * a.length_m
    return _length(a.height_m * a.error_m / a.range_m, a.outline_m, a.outline_m, noise, noise, tilt)


def _amodal_length(a: SeenObject, _: float) -> float:
    return AMODAL_SIZE_ERROR_REL * a.width_m


def _bearing(a: SeenObject, gravity_sigma_rad: float) -> float:
    # Depth errors run along the ray and leave its direction alone.
    level = math.hypot(a.ray_x, a.ray_y)
    if not level > 0:
        return math.inf
    return math.hypot(a.pixel_m / a.range_m / level, gravity_sigma_rad * a.ray_z / level)


def _along(a: SeenObject, b: SeenObject, dz: float) -> tuple[float, float, float, float]:
    """Return what moves the distance of two centres, seen from above where `dz` is 0: two rays, two pixels."""
    dx, dy = a.m_x - b.m_x, a.m_y - b.m_y
    distance = math.sqrt(dx * dx + dy * dy + dz * dz)
    if not distance > 0:
        return math.inf, math.inf, a.pixel_m, b.pixel_m
    along_a = (a.ray_x * dx + a.ray_y * dy + a.ray_z * dz) / distance
    along_b = (b.ray_x * dx + b.ray_y * dy + b.ray_z * dz) / distance
    return a.error_m * along_a, b.error_m * along_b, a.pixel_m, b.pixel_m


def _surfaces(a: SeenObject, b: SeenObject, dz: float) -> tuple[float, ...]:
    along_a, along_b, _, _ = _along(a, b, dz)
    return along_a, along_b, a.outline_m, b.outline_m, a.noise_m, b.noise_m


def _centres(a: SeenObject, b: SeenObject, _: float) -> float:
    return _length(*_along(a, b, a.m_z - b.m_z))


def _level(a: SeenObject, b: SeenObject, _: float) -> float:
    return _length(*_along(a, b, 0.0))


def _gap(a: SeenObject, b: SeenObject, _: float) -> float:
    return _length(*_surfaces(a, b, a.m_z - b.m_z))


def _clearance(a: SeenObject, b: SeenObject, _: float) -> float:
    return _length(*_surfaces(a, b, 0.0))


def _free_height(a: SeenObject, b: SeenObject, gravity_sigma_rad: float) -> float:
    tilt = gravity_sigma_rad * math.hypot(a.m_x - b.m_x, a.m_y - b.m_y)
    return _length(a.error_m * a.ray_z, b.error_m * b.ray_z, a.outline_m, b.outline_m, tilt)


def _vertical(a: SeenObject, b: SeenObject, gravity_sigma_rad: float) -> float:
    tilt = gravity_sigma_rad * math.hypot(a.m_x - b.m_x, a.m_y - b.m_y)
    return _length(a.error_m * a.ray_z, b.error_m * b.ray_z, a.pixel_m, b.pixel_m, tilt)


def _sideways(a: SeenObject, b: SeenObject, _: float) -> float:
    return _length(a.error_m * a.ray_y, b.error_m * b.ray_y, a.pixel_m, b.pixel_m)


def _depths(a: SeenObject, b: SeenObject, _: float) -> float:
    return math.hypot(a.error_m, b.error_m)


def _widths(a: SeenObject, b: SeenObject, gravity_sigma_rad: float) -> float:
    return math.hypot(_width(a, gravity_sigma_rad), _width(b, gravity_sigma_rad))


def _heights(a: SeenObject, b: SeenObject, gravity_sigma_rad: float) -> float:
    return math.hypot(_height(a, gravity_sigma_rad), _height(b, gravity_sigma_rad))


def _volumes(a: SeenObject, b: SeenObject, gravity_sigma_rad: float) -> float:
    return math.hypot(_volume(a, gravity_sigma_rad), _volume(b, gravity_sigma_rad))


def _volume(a: SeenObject, gravity_sigma_rad: float) -> float:
    if not (a.e_y > 0 and a.height_m > 0):
        return math.inf
    across, up = _width(a, gravity_sigma_rad) / a.e_y, _height(a, gravity_sigma_rad) / a.height_m
    # The third extent, along the view, is known no better than the one across it.
    return a.volume_m3 * _length(across, across, up)


def _ratio(decided: Decided, gravity_sigma_rad: float) -> float:
    a, b = decided.first, decided.second
    if b is None:
        return math.inf
    taller = decided.word == "taller"
    error = _height if taller else _width
    larger, smaller = (a.height_m, b.height_m) if taller else (a.e_y, b.e_y)
    relative = math.hypot(error(a, gravity_sigma_rad) / larger, error(b, gravity_sigma_rad) / smaller)
    return decided.margin * relative


_SINGLE: dict[str, Callable[[SeenObject, float], float]] = {
    "N08": _width,
    "N09": _height,
    "N10": _amodal_length,
    "N13": _range,
    "N15": _height_above,
    "N16": _height_above,
}
_PAIR: dict[str, Callable[[SeenObject, SeenObject, float], float]] = {
    "N01": _gap,
    "N02": _centres,
    "N03": _level,
    "N04": _free_height,
    "N05": _sideways,
    "N06": _depths,
    "N07": _vertical,
    "N11": _widths,
    "N12": _heights,
    "N14": _depths,
    "N19": _clearance,
}
# The number whose error is that of a relation's difference.
_LIKE = {
    "left": "N05",
    "higher": "N07",
    "nearer": "N06",
    "closer": "N14",
    "wider": "N11",
    "taller": "N12",
    "near": "N01",
    "far": "N01",
}
