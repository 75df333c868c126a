"""People and robots that questions are about, and lengths that a question states, drawn near a measured one."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from udfs.language.draws import Draws

_FILE = Path(__file__).with_name("bodies.yaml")
# A stated length differs from the measured one by at least 15 %, and by at most what still makes a question.
_BELOW, _ABOVE = (0.5, 1 / 1.15), (1 / 0.85, 1.8)
_BODY_SHARE = 0.5
_STEPS_M = (0.05, 0.01)

Measure = Literal["width_m", "height_m", "reach_m"]


@dataclass(frozen=True)
class Body:
    """A person or a robot; a length is None where it has none or none is published."""

    key: str
    name: str
    relative: str
    source: str
    width_m: float | None = None
    height_m: float | None = None
    reach_m: float | None = None


@dataclass(frozen=True)
class Stated:
    """A length that a question states, m, and the body that has it, None for anything of that size."""

    length_m: float
    body: Body | None


@cache
def bodies() -> tuple[Body, ...]:
    """Return the table of people and robots."""
    rows = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return tuple(Body(key=key, **row) for key, row in rows.items())


def stated_near(measured_m: float, smaller: bool, measure: Measure, draws: Draws) -> Stated | None:
    """Draw a length clearly smaller, or larger, than a measured one, half of them those of a body where one is.

    None where the measured length leaves none of at least 1 cm.
    """
    low, high = (measured_m * share for share in (_BELOW if smaller else _ABOVE))
    fitting = [body for body in bodies() if low <= (getattr(body, measure) or 0.0) <= high]
    wants_body, level = draws.uniform() < _BODY_SHARE, draws.uniform()
    if fitting and wants_body:
        body = draws.pick(fitting)
        return Stated(getattr(body, measure), body)
    length_m = low + level * (high - low)
    for step_m in _STEPS_M:
        rounded_m = round(length_m / step_m) * step_m
        if low <= rounded_m <= high and rounded_m > 0:
            return Stated(round(rounded_m, 2), None)
    return None
