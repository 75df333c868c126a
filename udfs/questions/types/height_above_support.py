"""Heights of the bottom and the top of one object above the floor or table it stands on."""

import math

from udfs.questions import spans
from udfs.questions.question_type import QuestionType, Variant, relative_error
from udfs.questions.rule import Decided, Need, ObjectRule
from udfs.questions.scene import FLOOR, Gates
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.uncertainty import root_sum_square
from udfs.questions.unit import METERS

_RESTS_M = 0.02


def _bottom(a: SeenObject, gates: Gates, settings: SynthesizeSettings) -> Decided | None:
    rests_m = _rests_m(a)
    if not _is_above(a, rests_m, gates):
        return None
    if a.lo_z > rests_m:
        return Decided(a, None, a.lo_z, rests_m)
    return Decided(a, None, a.lo_z, rests_m, "rests") if a.sigma_m <= settings.max_rest_sigma_m else None


def _top(a: SeenObject, gates: Gates, _settings: SynthesizeSettings) -> Decided | None:
    rests_m = _rests_m(a)
    return Decided(a, None, a.hi_z, rests_m) if _is_above(a, rests_m, gates) and a.hi_z > rests_m else None


def _rests_m(a: SeenObject) -> float:
    return max(_RESTS_M, a.sigma_m)


def _is_above(a: SeenObject, rests_m: float, gates: Gates) -> bool:
    # A room has one floor, but what stands on another table is not measured from this one.
    if a.on_other and gates.surface != FLOOR:
        return False
    # What reaches below the support stands beside it, or is badly measured.
    return a.edge_ok and a.lo_z >= -rests_m


def _error(decided: Decided, gates: Gates) -> float:
    a = decided.first
    tilt = gates.gravity_sigma_rad * math.hypot(a.m_x, a.m_y)
    return root_sum_square(a.error_m * a.ray_z, a.outline_m, tilt)


def _max_error(decided: Decided, max_relative_sigma: float) -> float:
    # The error was weighed when the rule decided that the object rests on its support.
    return math.inf if decided.word == "rests" else relative_error(decided, max_relative_sigma)


_NEEDS = (Need.METRIC, Need.GRAVITY, Need.SUPPORT)
_CHECK = (
    "neither truncated nor more than 10 % occluded; lo_z is not below the support; "
    "it does not stand on another table than that which is named"
)
_ERROR_IS = (
    "the ray error projected on the vertical, one edge, and the tilt of gravity over the distance from the camera"
)
BOTTOM = ObjectRule(
    name="bottom",
    needs=_NEEDS,
    decide=_bottom,
    error=_error,
    compares='lo_z > max(2 cm, sigma); at most that: "rests on it"',
    check=f"{_CHECK}; `rests` only where sigma <= `max_rest_sigma_m`",
    error_is=_ERROR_IS,
)
TOP = ObjectRule(
    name="top",
    needs=_NEEDS,
    decide=_top,
    error=_error,
    compares="hi_z > max(2 cm, sigma)",
    check=_CHECK,
    error_is=_ERROR_IS,
)

QUESTION_TYPES = (
    QuestionType(
        type_id="N15",
        name="height of the bottom above the support",
        title="Bottom above support",
        rule=BOTTOM,
        unit=METERS,
        distance_kind="vertical",
        variants={"value": Variant(), "rests": Variant(is_unsaid=True)},
        max_error=_max_error,
        span=spans.down_from_bottom,
    ),
    QuestionType(
        type_id="N16",
        name="height of the top above the support",
        title="Top above support",
        rule=TOP,
        unit=METERS,
        distance_kind="vertical",
        span=spans.down_from_top,
    ),
)
