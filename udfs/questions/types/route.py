"""Which turn is missing in a route over the floor, from beside one thing, facing a second, to a third."""

import math
from collections.abc import Iterator
from collections.abc import Sequence as Several
from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from udfs.geometry.walkable import CELL_M, CLEARANCE_M, Walkable
from udfs.questions.question_type import Group, QuestionType, Variant
from udfs.questions.rule import Need, SequenceRule
from udfs.questions.sequence import Found, Leg, Sequence, SequenceSettings

if TYPE_CHECKING:
    from udfs.geometry.fusion import FusedObject

Array = NDArray[np.float64]
_STARTS_M = (0.8, 1.0, 1.5, 2.0)
_MIN_FACING_M, _MAX_STARTS = 0.5, 6
_MAX_SIGMA_M, _OVERHEAD_M = 0.1, 1.5
_REACH_M, _APART_M = 0.6, 0.5
# What is said is rounded, so the body comes a little nearer to things than planned.
_SAID_CLEARANCE_M = CLEARANCE_M - CELL_M / 2
_TURN_DEG, _FORWARD_M = 5.0, 0.1
_MIN_LEG_M, _MIN_LEGS, _MAX_LEGS = 0.5, 2, 4
_SECTORS_DEG = {"left": (45.0, 125.0), "right": (-125.0, -45.0), "around": (145.0, 215.0)}
_BLANK = "[?]"


class _Start(NamedTuple):
    """Where a route begins: `asked_m` from the middle of A, at `place` [2], facing B."""

    a: int
    b: int
    asked_m: float
    place: Array
    heading: float


def _routes(sequence: Sequence, settings: SequenceSettings) -> list[Found]:
    floor = sequence.fused.walkable
    if not sequence.fused.has_gravity or not sequence.fused.has_floor or floor is None:
        return []
    things = [thing for thing in sequence.named if thing.is_whole and thing.shape.center_sigma_m <= _MAX_SIGMA_M]
    outlines = {
        thing.object_id: shapely.MultiPoint(thing.shape.corners[:4, :2]).convex_hull
        for thing in things
        if thing.shape.corners[0, 2] < _OVERHEAD_M
    }
    found = []
    for start in _starts(sequence, things, floor, settings):
        goals = [one for one in outlines if one not in (start.a, start.b)]
        ways = floor.ways(start.place, [outlines[one] for one in goals], _REACH_M)
        for goal, way in zip(goals, ways, strict=True):
            legs = None if way is None else _stated(way, start.heading, floor)
            blanks = [] if legs is None else list(_blanks(legs, start, outlines[goal]))
            if legs is not None and blanks:
                draws = sequence.draws("V12", start.a, start.b, goal, settings=settings)
                found.append(_blanked(legs, draws.pick(blanks), start, goal, sequence))
    return found


def _starts(
    sequence: Sequence, things: Several["FusedObject"], floor: Walkable, settings: SequenceSettings
) -> list[_Start]:
    """Return some places beside a thing, on bare floor, from which one faces another thing."""
    found = []
    for one, other in permutations(things, 2):
        apart = (other.shape.center - one.shape.center)[:2]
        far_m = float(np.linalg.norm(apart))
        for asked_m in _STARTS_M:
            place = one.shape.center[:2] + asked_m * apart / max(far_m, 1e-6)
            if far_m >= asked_m + _MIN_FACING_M and floor.is_free(place[None])[0]:
                heading = math.atan2(apart[1], apart[0])
                found.append(_Start(one.object_id, other.object_id, asked_m, place, heading))
                break
    draws = sequence.draws("V12", "starts", settings=settings)
    return [found.pop(draws.below(len(found))) for _ in range(min(_MAX_STARTS, len(found)))]


def _blanked(legs: Several[Leg], blank: tuple[int, str, float], start: _Start, goal: int, sequence: Sequence) -> Found:
    """Return the question that leaves one turn of a route out."""
    place, word, margin_m = blank
    asked = tuple(leg._replace(turn_rad=None) if n == place else leg for n, leg in enumerate(legs))
    return Found(
        sequence.frames,
        word,
        (start.a, start.b, goal),
        margin=margin_m,
        threshold=_APART_M,
        words={"route": _said(asked), "step": f"{start.asked_m:g} meter{'' if start.asked_m == 1 else 's'}"},
        asked_m=start.asked_m,
        asked_route=asked,
    )


def _stated(way: Array, heading: float, floor: Walkable) -> list[Leg] | None:
    """Return a way in turns of whole 5 degrees and lengths of whole 10 cm; None where it cannot be said so.

    Every leg goes on from where the one before ends as it is said, so that nothing adds up.
    """
    place, legs = way[0], list[Leg]()
    for goal in way[1:]:
        apart = goal - place
        forward_m = round(float(np.linalg.norm(apart)) / _FORWARD_M) * _FORWARD_M
        turn_deg = round(_signed_deg(math.atan2(apart[1], apart[0]) - heading) / _TURN_DEG) * _TURN_DEG
        heading += math.radians(turn_deg)
        end = place + forward_m * np.array([math.cos(heading), math.sin(heading)])
        if forward_m < _MIN_LEG_M or not floor.is_clear(place, end, _SAID_CLEARANCE_M):
            return None
        legs.append(Leg(math.radians(turn_deg), forward_m))
        place = end
    return legs if _MIN_LEGS <= len(legs) <= _MAX_LEGS else None


def _blanks(legs: Several[Leg], start: _Start, outline: shapely.Geometry) -> Iterator[tuple[int, str, float]]:
    """Yield the turns that may be left out: place, word, and how much farther from the thing any other one ends, m."""
    end_m = _miss_m(legs, start, outline)
    for place, leg in enumerate(legs):
        word = _word(leg)
        if word is not None and end_m <= _REACH_M + CELL_M:
            others = [
                _miss_m(_turned(legs, place, turn_deg), start, outline)
                for other, (low, high) in _SECTORS_DEG.items()
                for turn_deg in np.arange(low, high + 1.0, _TURN_DEG)
                if other != word
            ]
            margin_m = min(others) - end_m
            if margin_m >= _APART_M:
                yield place, word, margin_m


def _turned(legs: Several[Leg], place: int, turn_deg: float) -> list[Leg]:
    return [leg._replace(turn_rad=math.radians(turn_deg)) if n == place else leg for n, leg in enumerate(legs)]


def _miss_m(legs: Several[Leg], start: _Start, outline: shapely.Geometry) -> float:
    """Return how far from the outline a route ends, m."""
    place, heading = start.place, start.heading
    for leg in legs:
        heading += leg.turn_rad or 0.0
        place = place + leg.forward_m * np.array([math.cos(heading), math.sin(heading)])
    return float(shapely.distance(outline, shapely.points(place)))


def _word(leg: Leg) -> str | None:
    """Return the word of a turn that is clearly to one side, or around."""
    turn_deg = math.degrees(leg.turn_rad or 0.0)
    ways = ((word, turn_deg if word != "around" else turn_deg % 360.0) for word in _SECTORS_DEG)
    return next((word for word, deg in ways if _SECTORS_DEG[word][0] <= deg <= _SECTORS_DEG[word][1]), None)


def _signed_deg(angle_rad: float) -> float:
    return (math.degrees(angle_rad) + 180.0) % 360.0 - 180.0


def _said(legs: Several[Leg]) -> str:
    """Return a route in numbered steps."""
    steps = []
    for leg in legs:
        if leg.turn_rad is None:
            steps.append(_BLANK)
        elif round(math.degrees(leg.turn_rad)):
            side = "left" if leg.turn_rad > 0 else "right"
            steps.append(f"turn {side} by {abs(round(math.degrees(leg.turn_rad)))} degrees")
        steps.append(f"go forward {leg.forward_m:.1f} meters")
    return ", ".join(f"({number}) {step}" for number, step in enumerate(steps, 1))


ROUTE = SequenceRule(
    name="route",
    needs=(Need.METRIC, Need.GRAVITY, Need.SUPPORT),
    decide=_routes,
    things=3,
    compares="the shortest way on a grid of 10 cm, 0.25 m from all that is no bare floor, from beside A to within "
    "0.6 m of C, in 2 to 4 straight parts; one turn of 45 to 125 degrees to a side, or of 145 degrees or more, is left "
    "out",
    check="as it is said, in steps of 5 degrees and 10 cm, it stays on bare floor and ends at C; with any other turn, "
    "it ends at least 0.5 m farther from C",
    error_is="none: what no image shows is no floor, and the center of A is known to 0.1 m",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="V12",
        name="the missing turn of a route",
        rule=ROUTE,
        variants={word: Variant() for word in _SECTORS_DEG},
        is_word=True,
        group=Group.VIEWS,
    ),
)
