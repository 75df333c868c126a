"""Standard errors a second time: every error source moves the scene on its own, and the squares of what changes add."""

import math
from collections.abc import Callable
from typing import Any

from tests.questions.definitions import has_gravity

Row = dict[str, Any]
Vector = list[float]
STEP = 1e-5


def standard_error(type_id: str, scene: Row, a: Row, b: Row | None, value: float) -> float:
    """Return the standard error of a number about A (and B), by small displacements; sizes by their own sources."""
    own = own_error(type_id, scene, a, b)
    if type_id == "N17":
        return math.hypot(own, lens_error(scene, a))
    return math.hypot(own, value * (scene["scale_sigma_rel"] or 0.0))


def own_error(type_id: str, scene: Row, a: Row, b: Row | None) -> float:
    """Return what the objects' own errors and gravity make of it."""
    if type_id in ("N08", "N09", "N10"):
        return size_error(type_id, scene, a)
    if type_id in ("N11", "N12") and b is not None:
        single = {"N11": "N08", "N12": "N09"}[type_id]
        return math.hypot(size_error(single, scene, a), size_error(single, scene, b))
    if type_id == "N17":
        return bearing_error(scene, a)
    if type_id == "N13":
        return ray_error(scene, a)
    if type_id in ("N06", "N14") and b is not None:
        return math.hypot(ray_error(scene, a), ray_error(scene, b))
    return displaced(type_id, scene, [a] if b is None else [a, b])


def displaced(type_id: str, scene: Row, things: list[Row]) -> float:
    """Return the root of the summed squares of the changes of a length when each thing moves along its ray."""
    measure = LENGTHS[type_id]
    centers = [list(thing["center_m"]) for thing in things]
    squares = 0.0
    for k, thing in enumerate(things):
        ends = []
        for step in (STEP, -STEP):
            moved = [list(center) for center in centers]
            moved[k] = [m + step * r for m, r in zip(moved[k], ray(scene, thing), strict=True)]
            ends.append(measure(moved))
        slope = (ends[0] - ends[1]) / (2 * STEP)
        edge = outline(scene, thing) if type_id in ("N01", "N04", "N15", "N16", "N19") else pixel(scene, thing)
        squares += (slope * ray_error(scene, thing)) ** 2 + edge**2
        if type_id in ("N01", "N19"):
            squares += noise(scene, thing) ** 2
    if type_id in ("N04", "N07", "N15", "N16"):
        other = centers[1] if len(centers) == 2 else [0.0, 0.0]
        level = math.hypot(centers[0][0] - other[0], centers[0][1] - other[1])
        squares += (level * gravity_error(scene)) ** 2
    return math.sqrt(squares)


LENGTHS: dict[str, Callable[[list[Vector]], float]] = {
    "N01": lambda c: math.dist(c[0], c[1]),
    "N02": lambda c: math.dist(c[0], c[1]),
    "N03": lambda c: math.dist(c[0][:2], c[1][:2]),
    "N19": lambda c: math.dist(c[0][:2], c[1][:2]),
    "N04": lambda c: c[0][2] - c[1][2],
    "N05": lambda c: c[0][1] - c[1][1],
    "N07": lambda c: c[0][2] - c[1][2],
    "N15": lambda c: c[0][2],
    "N16": lambda c: c[0][2],
}


def size_error(type_id: str, scene: Row, a: Row) -> float:
    index = {"N08": 1, "N09": 2, "N10": 4}[type_id]
    size = a["size_m"][index]
    if a["size_source"] == "amodal":
        return 0.01 * size
    axis = {"N08": 1, "N09": 2}[type_id]
    edge = math.hypot(outline(scene, a), noise(scene, a) * ray(scene, a)[axis])
    tilt = gravity_error(scene) * a["size_m"][3] if type_id == "N09" else 0.0
    hidden = (a["height_sigma_m"] or 0.0) if type_id == "N09" else 0.0
    return math.hypot(size * ray_error(scene, a) / a["range_m"], edge, edge, tilt, hidden)


def bearing_error(scene: Row, a: Row) -> float:
    x, y, z = ray(scene, a)
    level = math.hypot(x, y)
    return math.hypot(pixel(scene, a) / a["range_m"] / level, gravity_error(scene) * z / level)


def lens_error(scene: Row, a: Row) -> float:
    """Return how far the bearing turns when the focal length moves by its standard error, to first order."""
    if has_gravity(scene):
        bearing = math.atan2(-a["center_m"][1], a["center_m"][0])
    else:
        bearing = math.atan2(a["center_c_m"][0], a["center_c_m"][2])
    ends = [math.atan(math.tan(bearing) / (1 + step)) for step in (STEP, -STEP)]
    return abs(ends[0] - ends[1]) / (2 * STEP) * (scene["focal_sigma_rel"] or 0.0)


def ray(scene: Row, a: Row) -> Vector:
    x, y, z = a["center_m"]
    z -= scene["world_from_camera"][11]
    length = math.hypot(x, y, z)
    return [x / length, y / length, z / length]


def ray_error(scene: Row, a: Row) -> float:
    readings = max(1.0, a["n_points"] / 25)
    return math.hypot(a["sigma_m"], 2 * noise(scene, a) / math.sqrt(readings))


def pixel(scene: Row, a: Row) -> float:
    return a["range_m"] / scene["camera"]["fx"] * max(1.0, (a["edge_sigma_px"] or 0.0) / 2)


def outline(scene: Row, a: Row) -> float:
    apart = max(1.0, math.sqrt(a["area_px"] / a["n_points"]), a["edge_sigma_px"] or 0.0)
    return a["range_m"] / scene["camera"]["fx"] * apart


def noise(scene: Row, a: Row) -> float:
    return (scene["depth_noise_rel"] or 0.0) * a["range_m"]


def gravity_error(scene: Row) -> float:
    return math.radians(scene["gravity_sigma_deg"]) if has_gravity(scene) else 0.0
