"""Situated directions: where a thing is for somebody who stands at one object and faces another, or at the camera."""

import math
from functools import partial

from udfs.questions.comparing import stated_error
from udfs.questions.question_type import AnswerKind, Group, QuestionType, Variant
from udfs.questions.related import Related, decided_of
from udfs.questions.rule import Decided, Given, Need, SeveralRule
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.unit import RADIANS

_LEAST_M, _MOST_M = 0.3, 5.0
_DRAWN = 30
_MARGIN_RAD, _HOUR_MARGIN_RAD = math.radians(10.0), math.radians(3.0)
_MAX_ERROR_RAD = math.radians(5.0)
_HOUR_RAD = math.radians(30.0)
# by name: the range of angles to the left, degrees
_SIDES = {"left": (0.0, 135.0), "right": (-135.0, 0.0), "behind": (135.0, 225.0)}
_QUADRANTS = {
    "front-left": (0.0, 90.0),
    "back-left": (90.0, 180.0),
    "back-right": (-180.0, -90.0),
    "front-right": (-90.0, 0.0),
}
HOURS = tuple(f"{hour} o'clock" for hour in range(1, 13))


def turn_rad(stands: tuple[float, float], faces: tuple[float, float], asked: tuple[float, float]) -> float:
    """Return the angle to the left from what is faced to what is asked about, in (-pi, pi]."""
    ahead = math.atan2(faces[1] - stands[1], faces[0] - stands[0])
    to = math.atan2(asked[1] - stands[1], asked[0] - stands[0])
    return math.remainder(to - ahead, math.tau)


def _angles(related: Related, name: str, sigmas: float) -> list[tuple[tuple[SeenObject, ...], float, float, float]]:
    """Return drawn choices of P, Q and R with the angle to R, its standard error, and its angle by size boxes, rad."""
    found = []
    for p, q, r in related.choices(related.draws(name), 3, 3, _DRAWN):
        facing_m, away_m = (math.hypot(o.m_x - p.m_x, o.m_y - p.m_y) for o in (q, r))
        if not (_LEAST_M <= facing_m <= _MOST_M and _LEAST_M <= away_m <= _MOST_M):
            continue
        errors = [math.hypot(one.error_m, one.pixel_m) for one in (p, q, r)]
        sigma = math.hypot(errors[0], errors[1]) / facing_m + math.hypot(errors[0], errors[2]) / away_m
        by_points = turn_rad(*((o.m_x, o.m_y) for o in (p, q, r)))
        by_boxes = turn_rad(*((o.b_x, o.b_y) for o in (p, q, r)))
        # What is seen of a large thing is not where its middle is.
        if not abs(math.remainder(by_boxes - by_points, math.tau)) > _MARGIN_RAD and sigmas * sigma <= _MARGIN_RAD:
            found.append(((p, q, r), by_points, sigma, by_boxes))
    return found


def _within(sectors: dict[str, tuple[float, float]], angle_rad: float) -> str | None:
    """Return the sector that holds an angle with a margin on either side."""
    for name, (low, high) in sectors.items():
        into = math.remainder(angle_rad - math.radians((low + high) / 2), math.tau)
        if abs(into) <= math.radians((high - low) / 2) - _MARGIN_RAD:
            return name
    return None


def _sectors(related: Related, settings: SynthesizeSettings, sectors: dict[str, tuple[float, float]]) -> list[Decided]:
    found = []
    for things, angle, _, by_boxes in _angles(related, next(iter(sectors)), settings.sure_sigmas):
        word = _within(sectors, angle)
        if word is not None and (math.isnan(by_boxes) or _widely(sectors, by_boxes) == word):
            found.append(_decided(things, angle, word))
    return found


def _widely(sectors: dict[str, tuple[float, float]], angle_rad: float) -> str | None:
    for name, (low, high) in sectors.items():
        if abs(math.remainder(angle_rad - math.radians((low + high) / 2), math.tau)) <= math.radians((high - low) / 2):
            return name
    return None


def _decided(things: tuple[SeenObject, ...], angle: float, word: str, sigma: float | None = None) -> Decided:
    p, q, r = things
    given = Given(frame=f"situated:{p.object_id}-{q.object_id}", fact=str(r.object_id), sigma_m=sigma)
    return decided_of(things, abs(angle), _MARGIN_RAD, word, given=given)


def hour_of(turn: float, sigma: float) -> str | None:
    """Return the hour of a clock for an angle to the left, None within 3 degrees or its error of a boundary."""
    clockwise = -turn / _HOUR_RAD
    hour = round(clockwise)
    if abs(clockwise - hour) * _HOUR_RAD > _HOUR_RAD / 2 - max(_HOUR_MARGIN_RAD, sigma):
        return None
    return HOURS[(hour - 1) % 12]


def _clock(related: Related, settings: SynthesizeSettings) -> list[Decided]:
    found = []
    for things, angle, sigma, by_boxes in _angles(related, "clock", settings.sure_sigmas):
        word = hour_of(angle, settings.sure_sigmas * sigma)
        if word is not None and (math.isnan(by_boxes) or hour_of(by_boxes, -_HOUR_RAD) == word):
            found.append(_decided(things, angle, word))
    return found


def _from_viewer(related: Related, settings: SynthesizeSettings) -> list[Decided]:
    found = []
    for a, b in related.choices(related.draws("clock of viewer"), 2, 2, _DRAWN):
        away_m = math.hypot(b.m_x - a.m_x, b.m_y - a.m_y)
        boxes = math.atan2(b.b_y - a.b_y, b.b_x - a.b_x)
        angle = math.atan2(b.m_y - a.m_y, b.m_x - a.m_x)
        sigma = math.hypot(a.error_m, a.pixel_m, b.error_m, b.pixel_m) / away_m if away_m >= _LEAST_M else math.inf
        word = hour_of(angle, settings.sure_sigmas * sigma) if sigma < _MARGIN_RAD else None
        if word is not None and (math.isnan(boxes) or hour_of(boxes, -_HOUR_RAD) == word):
            given = Given(fact=str(b.object_id))
            found.append(decided_of((a, b), abs(angle), _HOUR_MARGIN_RAD, word, given=given))
    return found


def _turns(related: Related, settings: SynthesizeSettings, clockwise: bool) -> list[Decided]:
    found = []
    for things, angle, sigma, _ in _angles(related, f"turn {clockwise}", settings.sure_sigmas):
        if abs(angle) < 2 * _MARGIN_RAD or sigma > _MAX_ERROR_RAD:
            continue
        if clockwise:
            decided = _decided(things, -angle % math.tau, "value", sigma)
        elif abs(angle) < math.pi - _MARGIN_RAD:
            decided = _decided(things, angle, "left" if angle > 0 else "right", sigma)
        else:
            continue
        found.append(decided)
    return found


_NEEDS = (Need.GRAVITY,)
_CHECK = "P and Q, and P and R, are 0.3 to 5 m apart; the centers of the size boxes give the same answer"
_ERROR_IS = "ray and pixel errors of the three centers, over their distances"
_ANGLE = "the angle from Q to R at P, seen from above,"


def _rule(name: str, decide: object, compares: str, check: str = _CHECK, things: int = 3) -> SeveralRule:
    return SeveralRule(
        name=name,
        needs=_NEEDS,
        decide=decide,  # pyright: ignore[reportArgumentType]
        things=things,
        error=stated_error,
        compares=compares,
        check=check,
        error_is=_ERROR_IS,
    )


SIDE = _rule(
    "situated side",
    partial(_sectors, sectors=_SIDES),
    f"{_ANGLE} is 10 to 125 degrees to a side, or 145 degrees or more (behind)",
)
QUADRANT = _rule(
    "situated quadrant", partial(_sectors, sectors=_QUADRANTS), f"{_ANGLE} is 10 degrees or more within a quarter"
)
CLOCK = _rule("situated clock", _clock, f"{_ANGLE} is 3 degrees or more within an hour; 12 o'clock is straight ahead")
VIEWER_CLOCK = _rule(
    "clock of the viewer",
    _from_viewer,
    "the direction from A to B seen from above, where 12 o'clock is the way in which the camera looks, is 3 degrees or "
    "more within an hour",
    "A and B are 0.3 m apart or more; the centers of the size boxes give the same hour",
    2,
)
CLOCKWISE = _rule("clockwise turn", partial(_turns, clockwise=True), f"{_ANGLE} clockwise, 20 to 340 degrees")
TURN = _rule("turn to a side", partial(_turns, clockwise=False), f"{_ANGLE} is 20 to 170 degrees")


def _max_error(*_: object) -> float:
    return _MAX_ERROR_RAD


_FURTHER = Group.FURTHER
QUESTION_TYPES = (
    QuestionType(
        type_id="R03",
        name="situated left, right or behind",
        rule=SIDE,
        answers_with=AnswerKind.TEXT,
        variants={side: Variant() for side in _SIDES},
        group=_FURTHER,
    ),
    QuestionType(
        type_id="R04",
        name="situated quadrant",
        rule=QUADRANT,
        answers_with=AnswerKind.TEXT,
        variants={side: Variant() for side in _QUADRANTS},
        group=_FURTHER,
    ),
    QuestionType(
        type_id="R05",
        name="clock direction from a thing",
        rule=VIEWER_CLOCK,
        answers_with=AnswerKind.TEXT,
        variants={hour: Variant() for hour in HOURS},
        group=_FURTHER,
    ),
    QuestionType(
        type_id="R06",
        name="degrees to turn clockwise",
        rule=CLOCKWISE,
        unit=RADIANS,
        max_error=_max_error,
        group=_FURTHER,
    ),
    QuestionType(
        type_id="R10",
        name="situated clock direction",
        rule=CLOCK,
        answers_with=AnswerKind.TEXT,
        variants={hour: Variant() for hour in HOURS},
        group=_FURTHER,
    ),
    QuestionType(
        type_id="R11",
        name="which way and how far to turn",
        rule=TURN,
        sides=("left", "right"),
        unit=RADIANS,
        is_mirrored=True,
        max_error=_max_error,
        group=_FURTHER,
    ),
)
