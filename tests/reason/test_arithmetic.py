"""Arithmetic on named results: values, units and errors against an independent computation, and what is refused."""

import math
import operator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlm.reason import arithmetic
from vlm.reason.arithmetic import MAX_CHARACTERS, Unusable
from vlm.reason.values import SIGMAS, Number, Thing, Undecided, Verdict, Words, meters, row_of, sign_of, value_of

LENGTHS = st.floats(0.01, 100.0)
OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def computed(expression: str, results: dict) -> Any:
    return arithmetic.computed(expression, results)


def length(value, error=0.0, source="a", things=(), what=""):
    return replace(meters(value, error, source), things=things, what=what)


@given(LENGTHS, LENGTHS, LENGTHS, st.sampled_from("+-"), st.sampled_from("*/"))
def test_values_and_units_are_those_of_ordinary_arithmetic(a, b, c, first, second):
    results = {"r1": length(a), "r2": length(b), "k": Number(c)}
    made = computed(f"(r1 {first} r2) {second} k", results)
    assert isinstance(made, Number) and made.powers == (1, 0)
    assert made.value == pytest.approx(OPERATORS[second](OPERATORS[first](a, b), c))


@given(LENGTHS, LENGTHS, st.floats(0.001, 0.1), st.floats(0.001, 0.1), st.sampled_from("+-*/"))
def test_errors_are_those_of_small_changes(a, b, sigma_a, sigma_b, sign):
    made = computed(f"r1 {sign} r2", {"r1": length(a, sigma_a, "a"), "r2": length(b, sigma_b, "b")})
    calculate = OPERATORS[sign]
    step = 1e-6
    by_a = (calculate(a * (1 + step), b) - calculate(a * (1 - step), b)) / (2 * a * step)
    by_b = (calculate(a, b * (1 + step)) - calculate(a, b * (1 - step))) / (2 * b * step)
    assert made.error == pytest.approx(math.hypot(by_a * sigma_a, by_b * sigma_b), rel=1e-4)


def test_what_two_numbers_share_cancels_or_adds_up():
    shared = {"r1": meters(2.0, 0.0, "x", 0.1), "r2": meters(2.0, 0.0, "y", 0.1)}
    assert computed("r1 - r2", shared).error == pytest.approx(0.0)
    assert computed("r1 + r2", shared).error == pytest.approx(0.4)
    assert computed("r1 / r2", shared).error == pytest.approx(0.0)
    assert computed("r1 - r1", {"r1": length(1.0, 0.3)}).error == 0.0


def test_an_unknown_error_stays_unknown_and_decides_by_the_value():
    made = computed("r1 + 1 m", {"r1": Number(1.0, (1, 0), None)})
    assert made.error is None and "error unknown" in made.said()
    assert computed("fits(0.9 m, r1)", {"r1": Number(1.0, (1, 0), None)}).yes is True


@pytest.mark.parametrize(
    ("expression", "value", "powers"),
    [
        ("1 m + 20 cm", 1.2, (1, 0)),
        ("2 ft", 0.6096, (1, 0)),
        ("90 deg", math.pi / 2, (0, 1)),
        ("-(2 - 5) * 2", 6.0, (0, 0)),
        ("2 m * 3 m", 6.0, (2, 0)),
        ("sqrt(4 m * 9 m)", 6.0, (1, 0)),
        ("abs(1 m - 3 m)", 2.0, (1, 0)),
        ("mean(1 m, 2 m, 6 m)", 3.0, (1, 0)),
        ("max(1 m, 2 m) - min(1 m, 2 m)", 1.0, (1, 0)),
        ("1e2 mm", 0.1, (1, 0)),
    ],
)
def test_units_and_functions(expression, value, powers):
    made = computed(expression, {})
    assert (made.value, made.powers) == (pytest.approx(value), powers)


REFUSED = {
    "1 m + 1": "cannot be added or compared",
    "1 m < 1": "cannot be added or compared",
    "1 / 0": "divides by zero",
    "r9 + 1": "There is no result 'r9'",
    "1 +": "ends too early",
    "1 2": "left over",
    "(1": "is missing",
    "eval(1)": "There is no function 'eval'",
    "fits(1 m)": "takes 2 values, not 1",
    "fits(1 m, 2 m, 3 m)": "takes 2 values, not 3",
    "triangle(1 m, 2 m, -3 m)": "three lengths that are larger than 0",
    "__import__('os')": "neither a number, a name nor a sign",
    "r1.value": "neither a number, a name nor a sign",
    "lambda: 1": "neither a number, a name nor a sign",
    "[1]": "neither a number, a name nor a sign",
    "2 ** 99999": "stands where a number or a name belongs",
    "1e999": "exceeds",
    "1e300 * 1e300": "exceeds",
    "1 m * 1 m * 1 m * 1 m": "a power of meters beyond 3",
    "(" * 30 + "1" + ")" * 30: "nested more than 24 levels",
    "-" * 200 + "1": "nested more than 24 levels",
    "sqrt(0 - 1)": "sqrt needs a number of at least 0",
    "thing + 1": "A thing stands where a number belongs",
    "sequence(1, 2)": "A number stands where a yes or no belongs",
    "sum(" + ", ".join("1" * 1 for _ in range(30)) + ")": "takes 1 to 24 values, not 30",
    "1" * (MAX_CHARACTERS + 1): f"has {MAX_CHARACTERS + 1} characters",
    "": "ends too early",
}


@pytest.mark.parametrize("expression", REFUSED)
def test_what_is_no_expression_is_refused_in_one_sentence(expression):
    with pytest.raises(Unusable) as refused:
        computed(expression, {"r1": length(1.0), "thing": Thing("the cup")})
    assert REFUSED[expression] in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=60))
def test_no_text_does_more_than_compute_or_be_refused(text):
    try:
        made = computed(text, {"r1": length(1.0, 0.1)})
    except Unusable:
        return
    assert isinstance(made, Number | Verdict)


def test_a_gap_is_judged_outside_its_error_only_and_carries_the_comparison():
    room = length(0.8, 0.05, what="the gap")
    assert computed("fits(1.0 m, r1)", {"r1": room}) == Verdict(
        False, "it needs 1.0 m and the gap is 0.8 m, give or take 0.1 m"
    )
    assert computed("fits(0.6 m, r1)", {"r1": room}).yes is True
    for need in (0.71, 0.8, 0.89):
        assert computed(f"fits({need} m, r1)", {"r1": room}).yes is None
    assert computed("not(fits(1.0 m, r1))", {"r1": room}).yes is True
    assert computed("not(fits(0.8 m, r1))", {"r1": room}).yes is None


@given(LENGTHS, LENGTHS, st.floats(0.0, 1.0))
def test_a_comparison_is_decided_exactly_outside_two_standard_errors(a, b, sigma):
    verdict = computed("r1 < r2", {"r1": length(a, sigma), "r2": length(b)})
    if sigma and abs(a - b) <= SIGMAS * sigma:
        assert verdict.yes is None
    else:
        assert verdict.yes == (a < b)


TRIANGLES = {
    (0.40, 0.48, 0.41): "roughly isosceles",
    (1.0, 1.0, 1.0): "roughly equilateral",
    (1.0, 1.05, 1.09): "roughly equilateral",
    (1.0, 1.3, 1.6): "scalene",
    (2.0, 1.0, 2.1): "roughly isosceles",
}


@pytest.mark.parametrize("sides", TRIANGLES)
def test_kinds_of_triangles(sides):
    results = {f"r{number}": length(side, 0.001, str(number)) for number, side in enumerate(sides)}
    made = computed("triangle(r0, r1, r2)", results)
    assert isinstance(made, Words) and made.text == TRIANGLES[sides]
    for kind in ("equilateral", "isosceles", "scalene"):
        assert computed(f"{kind}(r0, r1, r2)", results).yes == TRIANGLES[sides].endswith(kind)


@pytest.mark.parametrize(
    ("sides", "sigma"), [((1.0, 1.0, 1.13), 0.001), ((1.0, 1.0, 1.4), 0.3), ((1.0, 1.0, 3.0), 0.01)]
)
def test_a_kind_of_triangle_that_cannot_be_told_is_not(sides, sigma):
    results = {f"r{number}": length(side, sigma, str(number)) for number, side in enumerate(sides)}
    assert isinstance(computed("triangle(r0, r1, r2)", results), Undecided)
    assert computed("isosceles(r0, r1, r2)", results).yes is None


def test_the_smallest_is_a_thing_where_the_numbers_share_the_others():
    near = length(0.5, 0.01, "1", ("the mug", "the lamp"), "the distance between the mug and the lamp")
    far = length(1.0, 0.01, "2", ("the mug", "the sofa"), "the distance between the mug and the sofa")
    made = computed("smallest(r1, r2)", {"r1": near, "r2": far})
    assert isinstance(made, Thing) and made.name == "the lamp" and "0.50 m" in made.why
    assert computed("largest(r1, r2)", {"r1": near, "r2": far}).name == "the sofa"
    close = replace(far, value=0.51)
    assert isinstance(computed("smallest(r1, r2)", {"r1": near, "r2": close}), Undecided)
    assert computed("descending(r1, r2)", {"r1": near, "r2": far}).text == "the sofa, the lamp"
    assert isinstance(computed("ordered(r1, r2)", {"r1": near, "r2": close}), Undecided)


def test_orders_follow_from_relations_of_two():
    pairs = {"r1": ("a", "b", True), "r2": ("c", "a", False), "r3": ("c", "b", True)}
    results = {name: Verdict(yes, things=(one, two)) for name, (one, two, yes) in pairs.items()}
    assert computed("sequence(r1, r2, r3)", results).text == "a, c, b"
    assert computed("first(r1, r2, r3)", results) == Thing("a")
    assert computed("last(r1, r2, r3)", results) == Thing("b")
    assert isinstance(computed("sequence(r1, r2)", results), Undecided)
    circle = results | {"r3": Verdict(False, things=("c", "b")), "r2": Verdict(True, things=("c", "a"))}
    assert isinstance(computed("sequence(r1, r2, r3)", circle), Undecided)
    unsure = results | {"r1": Verdict(None, "too close", ("a", "b"))}
    assert computed("sequence(r1, r2, r3)", unsure) == Undecided("The order cannot be told: too close.")


@given(st.floats(-1e6, 1e6), st.one_of(st.none(), st.floats(0, 1e3)))
def test_values_are_the_same_after_they_were_stored(value, error):
    terms = None if error is None else {"x": error}
    for one in (Number(value, (1, 0), terms, "w", ("a",)), Verdict(None, "w", ("a", "b")), Thing("a", (0.1, 0.2), "w")):
        assert value_of(row_of(one)) == one


@given(st.floats(0.001, 50.0), st.floats(1e-4, 20.0))
def test_an_error_is_never_said_smaller_than_it_is(value, error):
    said = Number(value, (1, 0), {"x": error}).said()
    number, spread = (float(part.split()[0]) for part in said.split(", give or take "))
    assert spread >= SIGMAS * error * (1 - 1e-9)
    assert spread <= max(1.500001 * SIGMAS * error, 0.100001)
    assert abs(number - value) <= spread


def test_zero_errors_decide_equal_numbers():
    assert sign_of(Number(0.0)) == 0
    assert computed("1 m <= 1 m", {}).yes is True and computed("1 m < 1 m", {}).yes is False
