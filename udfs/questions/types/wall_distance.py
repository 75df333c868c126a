"""Distance to a wall: of a thing, and of the camera."""

import math

import numpy as np

from udfs.questions import spans
from udfs.questions.comparing import stated_error
from udfs.questions.layout import SeenPlace
from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Decided, Given, Need, SceneRule
from udfs.questions.scene import Gates, Scene
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.uncertainty import root_sum_square
from udfs.questions.unit import METERS

_MIN_M, _MAX_M, _NEAR_M = 0.10, 8.0, 0.3
_AGREE = 0.10


def _to_wall(scene: Scene, _: SynthesizeSettings) -> list[Decided]:
    found = []
    shapes = scene.layout.shapes if scene.layout else {}
    walls = scene.layout.places_of("wall") if scene.layout else []
    for a in scene.objects:
        shape = shapes.get(a.object_id)
        if shape is None:
            continue
        for wall in walls:
            seen_m, box_m = (_nearest_m(wall, np.asarray(one.exterior.coords)) for one in (shape.foot, shape.box))
            agrees = shape.is_amodal or abs(seen_m - box_m) <= _AGREE * box_m
            if _MIN_M <= box_m <= _MAX_M and agrees:
                found.append(Decided(a, wall, box_m, _MIN_M))
    return found


def _nearest_m(wall: SeenPlace, corners: np.ndarray) -> float:
    normal, offset_m = wall.row["normal_m"], wall.row["offset_m"]
    return float((corners @ np.asarray(normal[:2])).min() + offset_m)


def _error(decided: Decided, _: Gates) -> float:
    a, wall = decided.first, decided.second
    if not isinstance(wall, SeenPlace):
        return math.inf
    x, y, _z = wall.row["normal_m"]
    across_m = a.error_m * (a.ray_x * x + a.ray_y * y)
    return root_sum_square(across_m, a.outline_m, _wall_sigma_m(wall, a))


def _wall_sigma_m(wall: SeenPlace, a: SeenObject) -> float:
    return math.hypot(wall.row["sigma_m"], wall.row["offset_m"] * a.error_m / a.range_m)


def _from_camera(scene: Scene, _: SynthesizeSettings) -> list[Decided]:
    walls = scene.layout.places_of("wall") if scene.layout else []
    sigma_rel = scene.layout.sigma_rel if scene.layout else 0.0
    return [
        Decided(
            wall,
            None,
            distance_m,
            _NEAR_M,
            given=Given(sigma_m=math.hypot(wall.row["sigma_m"], sigma_rel * distance_m)),
        )
        for wall in walls
        if _NEAR_M <= (distance_m := wall.row["offset_m"]) <= 2 * _MAX_M
    ]


TO_WALL = SceneRule(
    name="to wall",
    needs=(Need.METRIC, Need.GRAVITY),
    decide=_to_wall,
    things=2,
    of=("object", "wall"),
    error=_error,
    compares=f"distance of the wall's plane from the box of A, seen from above, {_MIN_M:g} to {_MAX_M:g} m",
    check="the visible footprint lies as far from it, within 10 %, but where the box is the crawl's",
    error_is="the ray error across the wall, one edge, and the declared error of depth at the wall",
)
FROM_CAMERA = SceneRule(
    name="camera to wall",
    needs=(Need.METRIC, Need.GRAVITY),
    decide=_from_camera,
    of=("wall",),
    error=stated_error,
    compares="distance of the wall's plane from the camera, 0.3 to 16 m",
    error_is="the declared error of depth at the wall, and that of its fit",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="S01",
        name="distance to a wall",
        rule=TO_WALL,
        unit=METERS,
        distance_kind="wall",
        keeps_order=True,
        span=spans.to_wall,
        asked_like=("N01", "N03", "N19"),
        group=Group.AFFORDANCE,
    ),
    QuestionType(
        type_id="S05",
        name="distance from the camera to a wall",
        title="Camera to wall",
        rule=FROM_CAMERA,
        unit=METERS,
        distance_kind="wall",
        asked_like=("N13",),
        group=Group.AFFORDANCE,
    ),
)
