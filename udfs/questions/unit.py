"""Units of answers: how a number in one is said, and what it shares with other numbers in it."""

from collections.abc import Callable
from dataclasses import dataclass

from udfs.language.draws import Draws
from udfs.language.quantity import Said, say_angle, say_area, say_length, say_length_down, say_meters, say_ratio
from udfs.questions.settings import SynthesizeSettings

_MIN_LENGTH_M = 0.05
Say = Callable[[float, Draws, bool, SynthesizeSettings], Said]


@dataclass(frozen=True)
class Unit:
    """A unit: its SI symbol and how a value in it is said.

    `say` takes the value, the draws, whether a precise figure is asked for, and the settings. `scale_power` is the
    power of the depth map's scale in the value: 1 for a length, 0 for an angle or a ratio. `is_precise` allows
    questions for a precise figure, `has_decimals` those for two decimals.
    """

    symbol: str
    say: Say
    scale_power: int
    is_precise: bool = True
    has_decimals: bool = True


def _length(value: float, draws: Draws, precise: bool, settings: SynthesizeSettings) -> Said:
    return say_meters(value, precise) if settings.lengths == "meters" else say_length(value, draws, precise)


def _angle(value: float, draws: Draws, precise: bool, _: SynthesizeSettings) -> Said:
    return say_angle(value, draws, precise)


def _ratio(value: float, *_: object) -> Said:
    return say_ratio(value)


def _length_down(value: float, _draws: Draws, _precise: bool, settings: SynthesizeSettings) -> Said:
    # The noise of studies may leave less than can be said.
    return say_length_down(max(value, _MIN_LENGTH_M), settings.lengths == "meters")


def _area(value: float, draws: Draws, *_: object) -> Said:
    return say_area(value, draws)


def _count(value: float, *_: object) -> Said:
    number = round(value)
    return Said(str(number), "", str(number), "count")


METERS = Unit("m", _length, scale_power=1)
METERS_DOWN = Unit("m", _length_down, scale_power=1, is_precise=False)
SQUARE_METERS = Unit("m2", _area, scale_power=2, is_precise=False)
RADIANS = Unit("rad", _angle, scale_power=0, has_decimals=False)
COUNT = Unit("count", _count, scale_power=0, is_precise=False)
RATIO = Unit("ratio", _ratio, scale_power=0, is_precise=False)
