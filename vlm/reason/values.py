"""Values that tools return: numbers with unit and error, verdicts, things, and words."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

# A number is said with two standard errors ("give or take"), and nothing is claimed inside them.
SIGMAS = 2.0
# The error that all lengths of one image share.
SCALE = "scale"
_SYMBOLS = {(0, 0): "", (1, 0): "m", (2, 0): "m2", (3, 0): "m3", (0, 1): "rad"}
_POWERS = {symbol: powers for powers, symbol in _SYMBOLS.items()}


@dataclass(frozen=True)
class Number:
    """A number in SI units.

    `powers` are those of meters and radians. `terms` holds the signed contribution of one standard error of each
    independent source; equal sources of two numbers cancel or add up. None: the error is unknown. `what` is a noun
    phrase, and `things` are the names of the objects that were measured.
    """

    value: float
    powers: tuple[int, int] = (0, 0)
    terms: Mapping[str, float] | None = field(default_factory=dict)
    what: str = ""
    things: tuple[str, ...] = ()

    @cached_property
    def error(self) -> float | None:
        """Return the standard error, None if it is unknown."""
        return None if self.terms is None else math.hypot(*self.terms.values())

    @property
    def unit(self) -> str:
        """Return the SI symbol, empty for a plain number."""
        return _SYMBOLS.get(self.powers, f"m^{self.powers[0]} rad^{self.powers[1]}")

    def said(self, with_error: bool = True) -> str:
        """Return the number as people read it: "0.8 m, give or take 0.1 m"; angles in degrees."""
        factor, unit = (180.0 / math.pi, "degrees") if self.unit == "rad" else (1.0, self.unit)
        tail = f" {unit}" if unit else ""
        spread = None if self.error is None else SIGMAS * self.error * abs(factor)
        places = _places(self.value * factor, spread)
        if not with_error and abs(self.value * factor) >= 0.1:
            places = min(places, 2)
        text = f"{self.value * factor:.{places}f}{tail}"
        if not with_error or spread == 0.0:
            return text
        return (
            f"{text}, error unknown" if spread is None else f"{text}, give or take {_rounded_up(spread, places)}{tail}"
        )


@dataclass(frozen=True)
class Verdict:
    """Yes or no; None where what was compared lies within its error. `why` is the comparison in one clause.

    `things` are the objects of a relation in its order: "A left of B" has (A, B).
    """

    yes: bool | None
    why: str = ""
    things: tuple[str, ...] = ()


@dataclass(frozen=True)
class Thing:
    """An object by its name; `point` is (u, v) in the image as shares of width and height, None if unknown."""

    name: str
    point: tuple[float, float] | None = None
    why: str = ""


@dataclass(frozen=True)
class Words:
    """A word such as "isosceles", or an order of names; `why` is what it follows from."""

    text: str
    why: str = ""


@dataclass(frozen=True)
class Undecided:
    """A word or thing that lies within the errors; `why` is the comparison in one sentence."""

    why: str


Value = Number | Verdict | Thing | Words | Undecided


def meters(value: float, error: float | None, source: str, scale_rel: float = 0.0, power: int = 1) -> Number:
    """Return a measured length (area, volume) with its own error and that of the scale shared by the image."""
    terms = None if error is None else {source: error, SCALE: power * scale_rel * value}
    return Number(value, (power, 0), terms)


def combined(value: float, powers: tuple[int, int], parts: Iterable[tuple[Number, float]]) -> Number:
    """Return a number computed from others; each comes with the derivative of the value by it."""
    terms: dict[str, float] | None = {}
    things: dict[str, None] = {}
    for number, slope in parts:
        things |= dict.fromkeys(number.things)
        if number.terms is None or terms is None:
            terms = None
            continue
        for source, term in number.terms.items():
            terms[source] = terms.get(source, 0.0) + slope * term
    return Number(value, powers, terms, things=tuple(things))


def sign_of(difference: Number) -> int | None:
    """Return 1, 0 or -1, None where a difference lies within its error; an unknown error decides nothing."""
    error = difference.error or 0.0
    if error and abs(difference.value) <= SIGMAS * error:
        return None
    return (difference.value > 0) - (difference.value < 0)


def row_of(value: Value | None) -> dict[str, Any] | None:
    """Return a value as JSON."""
    if value is None:
        return None
    kind = type(value).__name__.lower()
    if isinstance(value, Number):
        error = {"error": value.error, "terms": None if value.terms is None else dict(value.terms)}
        return {
            "kind": kind, "value": value.value, "unit": value.unit, **error, "what": value.what,
            "things": list(value.things),
        }  # fmt: skip
    row = {name: getattr(value, name) for name in value.__dataclass_fields__}
    return {"kind": kind, **{name: list(one) if isinstance(one, tuple) else one for name, one in row.items()}}


def value_of(row: Mapping[str, Any] | None) -> Value | None:
    """Return the value of its JSON.

    Raises:
        ValueError, KeyError, TypeError: it is no value.
    """
    if row is None:
        return None
    given = {name: one for name, one in row.items() if name != "kind"}
    if row["kind"] == "number":
        terms = row["terms"]
        known = None if terms is None else {str(name): float(term) for name, term in terms.items()}
        return Number(float(row["value"]), _POWERS[row["unit"]], known, str(row["what"]), tuple(row["things"]))
    if row["kind"] == "thing":
        point = row.get("point")
        return replace(Thing(**given), point=None if point is None else (float(point[0]), float(point[1])))
    kinds: dict[str, type[Verdict | Words | Undecided]] = {
        "verdict": Verdict, "words": Words, "undecided": Undecided,
    }  # fmt: skip
    if "things" in given:
        given["things"] = tuple(map(str, given["things"]))
    return kinds[row["kind"]](**given)


def listed(names: Sequence[str], joint: str = "and") -> str:
    """Return names as people list them: "the cup, the jar and the lamp"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {joint} {names[-1]}"


def _places(value: float, spread: float | None) -> int:
    """Return how many decimals are worth saying: as many as say the error to within half of itself, one at least.

    Without an error, as many as say the value.
    """
    if spread:
        first = min(5, max(1, -math.floor(math.log10(spread)))) if spread < 1 else 1
        return first if float(_rounded_up(spread, first)) <= 1.5 * spread else min(5, first + 1)
    size = abs(value)
    exact = next((places for places in (1, 2, 3) if abs(round(value, places) - value) <= 1e-9 * max(1.0, size)), 3)
    return exact if size >= 0.001 or not size else 4


def _rounded_up(spread: float, places: int) -> str:
    step = 10.0**-places
    return f"{math.ceil(spread / step - 1e-9) * step:.{places}f}"
