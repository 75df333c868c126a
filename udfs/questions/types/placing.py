"""Fits on: whether there is room for a thing to stand on another."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from udfs.questions.bodies import Stated
from udfs.questions.comparing import compared, stated_error
from udfs.questions.layout import SeenShape
from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Decided, Need, SceneRule
from udfs.questions.scene import Scene
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.uncertainty import root_sum_square

_ROOMY, _TIGHT, _FAR_TOO_LARGE = 1.05, 0.85, 3.0
_RESTS_M, _HEADROOM_M = 0.03, 0.05


def _fits(scene: Scene, _: SynthesizeSettings, fits: bool, max_ratio: float = _FAR_TOO_LARGE) -> list[Decided]:
    named = {seen.object_id: seen for seen in scene.objects}
    shapes = scene.layout.shapes if scene.layout else {}
    found = []
    for space in scene.layout.spaces if scene.layout else ():
        b = named.get(space["object_id"])
        if space["side"] != "top" or b is None:
            continue
        for a in scene.objects:
            shape = shapes.get(a.object_id)
            if a is b or shape is None or not a.size_ok or _is_there(shape, shapes[b.object_id], space["height_m"]):
                continue
            needs_m, has_m = (a.length_m, a.width_m), (space["long_m"], space["short_m"])
            if not fits:
                has_m = (b.length_m, b.width_m)
            decided = _stands(needs_m, has_m) if fits else _is_too_large(needs_m, has_m, max_ratio) and b.size_ok
            if decided and (not fits or _has_headroom(a, space, b.object_id, shapes)):
                found.append(_decided((a, b), needs_m, has_m, fits))
    return found


def _decided(
    things: tuple[SeenObject, SeenObject], needs_m: tuple[float, float], has_m: tuple[float, float], fits: bool
) -> Decided:
    tight = max((0, 1), key=lambda k: needs_m[k] / has_m[k])
    a, b = things
    sigma_m = root_sum_square(a.outline_m, b.outline_m)
    decided = compared(things, has_m[tight], Stated(needs_m[tight], None), "yes" if fits else "no", {}, sigma_m)
    lengths_m = {"needs": needs_m[0], "by": needs_m[1], "has": has_m[0], "across": has_m[1]}
    given = decided.given
    return decided if given is None else decided._replace(given=replace(given, lengths_m=lengths_m))


def _is_there(shape: SeenShape, below: SeenShape, height_m: float) -> bool:
    """Return whether a thing stands on the top already, or carries it."""
    touches = shape.box.intersects(below.box)
    return touches and (abs(shape.bottom_m - height_m) <= _RESTS_M or shape.top_m <= height_m + _RESTS_M)


def _stands(needs_m: tuple[float, float], has_m: tuple[float, float]) -> bool:
    return all(_ROOMY * need <= has for need, has in zip(needs_m, has_m, strict=True))


def _is_too_large(needs_m: tuple[float, float], has_m: tuple[float, float], max_ratio: float) -> bool:
    # what is narrower than the top is long and wide goes on it at some angle, perhaps
    (long_m, short_m), (top_long_m, top_short_m) = needs_m, has_m
    diagonal_m = (top_long_m**2 + top_short_m**2) ** 0.5
    too_large = _TIGHT * short_m > top_short_m or _TIGHT * long_m > diagonal_m
    return too_large and long_m <= max_ratio * top_long_m


def _has_headroom(a: SeenObject, space: Mapping[str, Any], top_of: int, shapes: dict[int, SeenShape]) -> bool:
    """Return whether nothing hangs over the top lower than the thing is tall."""
    low_m, high_m = space["height_m"] + _RESTS_M, space["height_m"] + a.height_m + _HEADROOM_M
    hanging = [s for s in shapes.values() if s.object_id not in (top_of, a.object_id) and low_m <= s.bottom_m <= high_m]
    return not any(s.box.intersects(shapes[top_of].box) for s in hanging)


_NEEDS = (Need.AMODAL, Need.METRIC, Need.GRAVITY)
_CHECK = "B has a flat, level top; A is not there, and for a yes nothing hangs lower over it than A is tall"
ROOM_FOR = SceneRule(
    name="stands on",
    needs=_NEEDS,
    decide=partial(_fits, fits=True),
    things=2,
    error=stated_error,
    compares="yes: both sides of A from above, times 1.05, fit in the largest free rectangle seen on the top of B",
    check=_CHECK,
    error_is="the edges of both",
    keeps_threshold=True,
)
NO_ROOM_FOR = SceneRule(
    name="too large for the top",
    needs=_NEEDS,
    decide=partial(_fits, fits=False),
    asked=partial(_fits, fits=False, max_ratio=math.inf),
    things=2,
    error=stated_error,
    compares="no: the shorter side of A, times 0.85, exceeds that of B, or its longer side the diagonal of B",
    check=_CHECK,
    error_is="the edges of both",
    keeps_threshold=True,
)

QUESTION_TYPES = (
    QuestionType(
        type_id="F03", name="fits on", rule=ROOM_FOR, opposite=NO_ROOM_FOR, keeps_order=True, group=Group.AFFORDANCE
    ),
)
