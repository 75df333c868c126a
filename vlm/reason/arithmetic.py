"""Arithmetic on named results: a small grammar of its own, with units and standard errors; nothing is executed.

    comparison := sum [("<" | "<=" | ">" | ">=") sum]
    sum        := product (("+" | "-") product)*
    product    := factor (("*" | "/") factor)*
    factor     := "-" factor | number [unit] | name | function "(" comparison ("," comparison)* ")" | "(" sum ")"

Numbers are decimal; units are m, cm, mm, km, in, ft, yd, deg and rad. FUNCTIONS lists the functions.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from udfs.language.units import UNITS
from vlm.reason.values import SIGMAS, Number, Thing, Undecided, Value, Verdict, Words, combined, listed, sign_of

MAX_CHARACTERS = 400
MAX_DEPTH = 24
MAX_ARGUMENTS = 24
MAX_SIZE = 1e9
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)|(?P<name>[A-Za-z_]\w*)|(?P<sign><=|>=|[-+*/()<>,]))"
)
_UNIT_NAMES = ("m", "cm", "mm", "km", "in", "ft", "yd", "deg", "rad")
# Sides within this share of each other are roughly equal, and different from this share on; between, neither is said.
EQUAL_REL, DIFFERENT_REL = 0.10, 0.15


class Unusable(ValueError):
    """An expression that cannot be computed; the message says why in one sentence."""


def computed(expression: str, results: Mapping[str, Value]) -> Value:
    """Return the value of an expression over named results.

    Raises:
        Unusable: it is no expression, or units, names or sizes do not fit.
    """
    if len(expression) > MAX_CHARACTERS:
        raise Unusable(f"The expression has {len(expression)} characters; use at most {MAX_CHARACTERS}.")
    try:
        return _Reader(_tokens(expression), results).whole()
    except (OverflowError, ZeroDivisionError) as error:
        raise Unusable(f"{expression[:80]!r} divides by zero or overflows.") from error


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise Unusable(f"{text[place : place + 20]!r} in an expression is neither a number, a name nor a sign.")
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


class _Reader:
    """A recursive descent over the tokens of one expression."""

    def __init__(self, tokens: Sequence[tuple[str, str]], results: Mapping[str, Value]) -> None:
        self._tokens, self._results = tokens, results
        self._at = self._depth = 0

    def whole(self) -> Value:
        value = self._comparison()
        if self._at < len(self._tokens):
            raise Unusable(f"{self._peek()!r} is left over after the end of the expression.")
        return value

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise Unusable("The expression ends too early.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise Unusable(f"{sign!r} is missing before {self._peek() or 'the end'!r} of the expression.")
        self._at += 1

    def _comparison(self) -> Value:
        left = self._sum()
        sign = self._peek()
        if sign not in ("<", "<=", ">", ">="):
            return left
        self._at += 1
        return _compared(_number(left), sign, _number(self._sum()))

    def _sum(self) -> Value:
        value = self._product()
        while (sign := self._peek()) in ("+", "-") and sign:
            self._at += 1
            value = _added(_number(value), _number(self._product()), 1.0 if sign == "+" else -1.0)
        return value

    def _product(self) -> Value:
        value = self._factor()
        while (sign := self._peek()) in ("*", "/") and sign:
            self._at += 1
            value = (_times if sign == "*" else _divided)(_number(value), _number(self._factor()))
        return value

    def _factor(self) -> Value:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unusable(f"The expression is nested more than {MAX_DEPTH} levels deep.")
        try:
            return self._atom()
        finally:
            self._depth -= 1

    def _atom(self) -> Value:
        kind, text = self._next()
        if kind == "number":
            return self._constant(float(text))
        if text == "-":
            return _times(Number(-1.0), _number(self._factor()))
        if text == "(":
            value = self._comparison()
            self._expect(")")
            return value
        if kind != "name":
            raise Unusable(f"{text!r} stands where a number or a name belongs.")
        if self._peek() == "(":
            return self._called(text)
        if text not in self._results:
            raise Unusable(f"There is no result {text[:40]!r}; there are {', '.join(self._results) or 'none yet'}.")
        return self._results[text]

    def _constant(self, value: float) -> Number:
        unit = self._peek()
        if unit in _UNIT_NAMES and unit not in self._results:
            self._at += 1
            named = UNITS[unit]
            powers = (1, 0) if named.unit_si == "m" else (0, 1)
            return _bounded(Number(value * named.size, powers))
        return _bounded(Number(value))

    def _called(self, name: str) -> Value:
        if name not in FUNCTIONS:
            raise Unusable(f"There is no function {name[:40]!r}; there are {', '.join(FUNCTIONS)}.")
        self._expect("(")
        given = [self._comparison()]
        while self._peek() == ",":
            self._at += 1
            given.append(self._comparison())
        self._expect(")")
        minimum, maximum, function = FUNCTIONS[name]
        if not minimum <= len(given) <= maximum:
            wanted = f"{minimum}" if minimum == maximum else f"{minimum} to {maximum}"
            raise Unusable(f"{name} takes {wanted} values, not {len(given)}.")
        return function(given)


def _number(value: Value) -> Number:
    if isinstance(value, Number):
        return value
    raise Unusable(f"A {type(value).__name__.lower()} stands where a number belongs.")


def _verdict(value: Value) -> Verdict:
    if isinstance(value, Verdict):
        return value
    raise Unusable(f"A {type(value).__name__.lower()} stands where a yes or no belongs.")


def _bounded(number: Number) -> Number:
    spread = number.error or 0.0
    if not (abs(number.value) <= MAX_SIZE and spread <= MAX_SIZE):
        raise Unusable(f"A number of an expression exceeds {MAX_SIZE:.0e}.")
    if max(map(abs, number.powers)) > 3:
        raise Unusable("The expression has a power of meters beyond 3.")
    return number


def _same_unit(a: Number, b: Number) -> None:
    if a.powers != b.powers:
        raise Unusable(f"{a.unit or 'a plain number'} and {b.unit or 'a plain number'} cannot be added or compared.")


def _added(a: Number, b: Number, sign: float) -> Number:
    _same_unit(a, b)
    made = combined(a.value + sign * b.value, a.powers, [(a, 1.0), (b, sign)])
    return _bounded(replace(made, what=_joined(a, "plus" if sign > 0 else "minus", b)))


def _times(a: Number, b: Number) -> Number:
    powers = (a.powers[0] + b.powers[0], a.powers[1] + b.powers[1])
    made = combined(a.value * b.value, powers, [(a, b.value), (b, a.value)])
    plain = next((one.what for one, other in ((a, b), (b, a)) if other.powers == (0, 0) and other.value == -1.0), "")
    return _bounded(replace(made, what=plain or _joined(a, "times", b)))


def _divided(a: Number, b: Number) -> Number:
    if abs(b.value) < 1e-9:
        raise Unusable("The expression divides by zero.")
    powers = (a.powers[0] - b.powers[0], a.powers[1] - b.powers[1])
    made = combined(a.value / b.value, powers, [(a, 1.0 / b.value), (b, -a.value / b.value**2)])
    return _bounded(replace(made, what=_joined(a, "divided by", b)))


def _joined(a: Number, joint: str, b: Number) -> str:
    return f"{_named(a)} {joint} {_named(b)}"


def _named(number: Number) -> str:
    return number.what or number.said(with_error=False)


def _compared(a: Number, sign: str, b: Number) -> Verdict:
    difference = _added(a, b, -1.0)
    order = sign_of(difference)
    why = f"{_stated(a)}, and {_stated(b)}"
    if order is None:
        return Verdict(None, why)
    return Verdict({"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[sign], why)


def _stated(number: Number) -> str:
    return f"{number.what} is {number.said()}" if number.what else f"the limit is {number.said()}"


def _fits(given: Sequence[Number]) -> Verdict:
    """Judge whether something that needs `given[0]` has room in `given[1]`."""
    need, room = given
    order = sign_of(_added(room, need, -1.0))
    why = f"it needs {need.said()} and {room.what or 'the gap'} is {room.said()}"
    return Verdict(None if order is None else order >= 0, why)


def _reaches(given: Sequence[Number]) -> Verdict:
    """Judge whether a reach of `given[0]` covers the distance `given[1]`."""
    reach, distance = given
    order = sign_of(_added(reach, distance, -1.0))
    why = f"the reach is {reach.said()} and {distance.what or 'the distance'} is {distance.said()}"
    return Verdict(None if order is None else order >= 0, why)


def _triangle(given: Sequence[Number]) -> Value:
    """Name the kind of triangle with three sides: roughly equilateral, isosceles or scalene."""
    for side in given:
        if side.powers != (1, 0) or side.value <= 0:
            raise Unusable("A triangle needs three lengths that are larger than 0.")
    a, b, c = sorted(given, key=lambda side: side.value)
    why = f"its sides are {listed([side.said(with_error=False) for side in (a, b, c)])} long"
    if c.value > a.value + b.value and sign_of(_added(c, _added(a, b, 1.0), -1.0)) == 1:
        return Undecided(f"No triangle has these sides: {why}.")
    alike = [_alike(a, b), _alike(b, c), _alike(a, c)]
    if alike[2]:
        return Words("roughly equilateral", why)
    if (alike[0], alike[1], alike[2]) in ((True, False, False), (False, True, False)):
        return Words("roughly isosceles", why)
    if not any(one is not False for one in alike):
        return Words("scalene", why)
    return Undecided(f"The kind of triangle cannot be told: {why}, and some differ by no more than their error.")


def _is_kind(given: Sequence[Number], kind: str) -> Verdict:
    found = _triangle(given)
    if isinstance(found, Words):
        return Verdict(found.text.endswith(kind), f"{found.why}, which is {found.text}")
    return Verdict(None, found.why.rstrip(".") if isinstance(found, Undecided) else "")


def _alike(a: Number, b: Number) -> bool | None:
    """Return whether two sides are roughly equal or surely different, None between."""
    difference, mean = _added(b, a, -1.0), (a.value + b.value) / 2
    share, spread = abs(difference.value) / mean, (difference.error or 0.0) / mean
    if share <= EQUAL_REL:
        return True if spread <= EQUAL_REL else None
    return False if share >= DIFFERENT_REL and share > SIGMAS * spread else None


def _extreme(given: Sequence[Number], smallest: bool) -> Value:
    """Return the thing whose number is smallest or largest of all."""
    order = sorted(given, key=lambda one: one.value, reverse=not smallest)
    best, rest = order[0], order[1:]
    shared = set.intersection(*(set(one.things) for one in given)) if rest else set()
    own = [name for name in best.things if name not in shared] or list(best.things)
    why = f"{_stated(best)}" + (f"; the next, {_stated(rest[0])}" if rest else "")
    for other in rest:
        _same_unit(best, other)
        if sign_of(_added(best, other, -1.0)) != (-1 if smallest else 1):
            return Undecided(f"Which is {'smallest' if smallest else 'largest'} cannot be told: {why}.")
    if len(own) != 1:
        return Words(best.what, why)
    return Thing(own[0], why=why)


def _ordered(given: Sequence[Number], falling: bool) -> Value:
    """Return the things in the order of their numbers, the smallest or the largest first."""
    order = sorted(given, key=lambda one: one.value, reverse=falling)
    shared = set.intersection(*(set(one.things) for one in given))
    names = [next((name for name in one.things if name not in shared), one.what) for one in order]
    why = listed([f"{name} {one.said()}" for name, one in zip(names, order, strict=True)])
    for first, second in pairwise(order):
        _same_unit(first, second)
        if sign_of(_added(second, first, -1.0)) != (-1 if falling else 1):
            return Undecided(f"The order cannot be told: {why}.")
    return Words(", ".join(names), why)


def _same(given: Sequence[Number]) -> Verdict:
    a, b = given
    _same_unit(a, b)
    if not (a.value > 0 and b.value > 0):
        raise Unusable("Only numbers larger than 0 can be roughly the same.")
    return Verdict(_alike(a, b), f"{_stated(a)}, and {_stated(b)}")


def _all(given: Sequence[Verdict]) -> Verdict:
    why = "; ".join(one.why for one in given if one.why)
    if any(one.yes is False for one in given):
        return Verdict(False, why)
    return Verdict(None if any(one.yes is None for one in given) else True, why)


def _any(given: Sequence[Verdict]) -> Verdict:
    return _not([_all([_not([one]) for one in given])])


def _not(given: Sequence[Verdict]) -> Verdict:
    (one,) = given
    return Verdict(None if one.yes is None else not one.yes, one.why, one.things)


def _sequence(given: Sequence[Verdict]) -> Value:
    """Return the order of things from relations of two: whichever stands in the relation to the other comes first."""
    order = _order(given)
    return order if isinstance(order, Undecided) else Words(", ".join(order), _whys(given))


def _end(given: Sequence[Verdict], place: int) -> Value:
    """Return the thing that comes before, or after, all others."""
    after: dict[str, set[str]] = {}
    for one in given:
        a, b = _pair(one)
        if one.yes is None:
            return Undecided(f"Which comes first cannot be told: {one.why}.")
        first, second = (a, b) if one.yes == (place == 0) else (b, a)
        after.setdefault(first, set()).add(second)
        after.setdefault(second, set())
    best = [name for name in after if _followers(name, after) == after.keys() - {name}]
    return Thing(best[0], why=_whys(given)) if len(best) == 1 else Undecided("The relations leave open which it is.")


def _order(given: Sequence[Verdict]) -> list[str] | Undecided:
    after: dict[str, set[str]] = {}
    for one in given:
        a, b = _pair(one)
        if one.yes is None:
            return Undecided(f"The order cannot be told: {one.why}.")
        first, second = (a, b) if one.yes else (b, a)
        after.setdefault(first, set()).add(second)
        after.setdefault(second, set())
    order = sorted(after, key=lambda name: -len(_followers(name, after)))
    counts = [len(_followers(name, after)) for name in order]
    whole = counts == list(range(len(order) - 1, -1, -1))
    return order if whole else Undecided("The relations leave the order open, or contradict each other.")


def _followers(name: str, after: Mapping[str, set[str]]) -> set[str]:
    reached, waiting = set(), [name]
    while waiting:
        for other in after[waiting.pop()] - reached:
            reached.add(other)
            waiting.append(other)
    return reached


def _pair(one: Verdict) -> tuple[str, str]:
    if len(one.things) != 2:
        raise Unusable("An order needs relations of two objects, such as the results of the tool relation.")
    return one.things[0], one.things[1]


def _whys(given: Sequence[Verdict]) -> str:
    return "; ".join(one.why for one in given if one.why)


def _summed(given: Sequence[Number]) -> Number:
    total = given[0]
    for one in given[1:]:
        total = _added(total, one, 1.0)
    return replace(total, what=f"the sum of {listed([_named(one) for one in given])}" if len(given) > 1 else total.what)


def _mean(given: Sequence[Number]) -> Number:
    made = _times(_summed(given), Number(1.0 / len(given)))
    return replace(made, what=f"the mean of {listed([_named(one) for one in given])}")


def _absolute(given: Sequence[Number]) -> Number:
    (one,) = given
    return one if one.value >= 0 else replace(_times(Number(-1.0), one), what=one.what)


def _root(given: Sequence[Number]) -> Number:
    (one,) = given
    if one.value < 0 or any(power % 2 for power in one.powers):
        raise Unusable("sqrt needs a number of at least 0 with an even power of its unit.")
    root = math.sqrt(one.value)
    slope = 0.5 / root if root else 0.0
    return combined(root, (one.powers[0] // 2, one.powers[1] // 2), [(one, slope)])


def _bound(given: Sequence[Number], smallest: bool) -> Number:
    for other in given[1:]:
        _same_unit(given[0], other)
    return (min if smallest else max)(given, key=lambda one: one.value)


def _of_numbers(function: Callable[[Sequence[Number]], Value]) -> Callable[[Sequence[Value]], Value]:
    return lambda given: function([_number(one) for one in given])


def _of_verdicts(function: Callable[[Sequence[Verdict]], Value]) -> Callable[[Sequence[Value]], Value]:
    return lambda given: function([_verdict(one) for one in given])


_NUMBER_FUNCTIONS: dict[str, tuple[int, int, Callable[[Sequence[Number]], Value]]] = {
    "abs": (1, 1, _absolute),
    "sqrt": (1, 1, _root),
    "sum": (1, MAX_ARGUMENTS, _summed),
    "mean": (1, MAX_ARGUMENTS, _mean),
    "min": (1, MAX_ARGUMENTS, lambda given: _bound(given, True)),
    "max": (1, MAX_ARGUMENTS, lambda given: _bound(given, False)),
    "same": (2, 2, _same),
    "fits": (2, 2, _fits),
    "reaches": (2, 2, _reaches),
    "triangle": (3, 3, _triangle),
    "equilateral": (3, 3, lambda given: _is_kind(given, "equilateral")),
    "isosceles": (3, 3, lambda given: _is_kind(given, "isosceles")),
    "scalene": (3, 3, lambda given: _is_kind(given, "scalene")),
    "smallest": (1, MAX_ARGUMENTS, lambda given: _extreme(given, True)),
    "largest": (1, MAX_ARGUMENTS, lambda given: _extreme(given, False)),
    "ordered": (2, MAX_ARGUMENTS, lambda given: _ordered(given, False)),
    "descending": (2, MAX_ARGUMENTS, lambda given: _ordered(given, True)),
}
_VERDICT_FUNCTIONS: dict[str, tuple[int, int, Callable[[Sequence[Verdict]], Value]]] = {
    "all": (1, MAX_ARGUMENTS, _all),
    "any": (1, MAX_ARGUMENTS, _any),
    "not": (1, 1, _not),
    "sequence": (1, MAX_ARGUMENTS, _sequence),
    "first": (1, MAX_ARGUMENTS, lambda given: _end(given, 0)),
    "last": (1, MAX_ARGUMENTS, lambda given: _end(given, -1)),
}
# name: (fewest values, most values, function)
FUNCTIONS: dict[str, tuple[int, int, Callable[[Sequence[Value]], Value]]] = {
    **{name: (low, high, _of_numbers(function)) for name, (low, high, function) in _NUMBER_FUNCTIONS.items()},
    **{name: (low, high, _of_verdicts(function)) for name, (low, high, function) in _VERDICT_FUNCTIONS.items()},
}
