"""Quantities: the rounding policy, its shares, its grammar, and parsing the phrased text."""

import math
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.language.draws import Draws
from udfs.language.quantity import parse_quantity, say_angle, say_length, say_meters, say_ratio

lengths = st.floats(math.log(0.002), math.log(100.0)).map(math.exp)
seeds = st.integers(0, 2**63 - 1)

PHRASES = [
    ("half a meter", 0.5),
    ("a half meter", 0.5),
    ("half a metre away", 0.5),
    ("a meter and a half", 1.5),
    ("two meters and a half", 2.5),
    ("two and a half meters", 2.5),
    ("2 and a half meters", 2.5),
    ("a couple of meters", 2.0),
    ("a couple feet", 0.6096),
    ("a few inches", 0.0762),
    ("half a dozen inches", 0.1524),
    ("a foot", 0.3048),
    ("a foot and a half", 0.4572),
    ("half a foot", 0.1524),
    ("an inch", 0.0254),
    ("a quarter of an inch", 0.00635),
    ("three quarters of a meter", 0.75),
    ("3/8 of an inch", 0.009525),
    ("1 1/2 inches", 0.0381),
    ("1½ feet", 0.4572),
    ("¾ inch", 0.01905),
    ("5'10\"", 1.778),
    ("5′10″", 1.778),
    ("5' 10", 1.778),
    ("5'4", 1.6256),
    ("5 feet 4 inches", 1.6256),
    ("5 feet, 4 inches", 1.6256),
    ("5 ft 4 in", 1.6256),
    ("5ft4in tall", 1.6256),
    ("6-foot-2", 1.8796),
    ("1 m 20 cm", 1.2),
    ("1 meter and 20 centimeters", 1.2),
    ("2 yards", 1.8288),
    ("1.5m", 1.5),
    ("150cm", 1.5),
    ("1,200 mm", 1.2),
    ("twenty-five centimeters", 0.25),
    ("one hundred and twenty centimeters", 1.2),
    ("about 3 meters to the left", 3.0),
    ("2-3 meters", 2.5),
    ("2 – 3 m", 2.5),
    ("2 to 3 meters", 2.5),
    ("between 2 and 3 meters", 2.5),
    ("between one and two feet", 0.4572),
    ("from 50 cm to 1 m", 0.75),
    ("2 or 3 meters", 2.5),
    ("20 degrees", math.radians(20)),
    ("30° to the right", math.radians(30)),
    ("1.2 km", 1200.0),
    ("The second chair is 4 feet tall.", 1.2192),
    ("The mug with 2 handles is 10 cm tall.", 0.1),
    ("It is 6 in. tall", 0.1524),
]
NO_QUANTITY = ["no idea", "", "2 in front of the desk", "the third from the left", "about 5", "an in-depth look"]


@pytest.mark.parametrize(("text", "value"), PHRASES)
def test_phrases_are_parsed(text: str, value: float) -> None:
    assert parse_quantity(text) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("text", NO_QUANTITY)
def test_other_texts_have_no_quantity(text: str) -> None:
    assert parse_quantity(text) is None


@given(st.text(max_size=60))
def test_any_text_can_be_parsed(text: str) -> None:
    value = parse_quantity(text)
    assert value is None or value >= 0 or math.isnan(value)


@settings(max_examples=1000)
@given(lengths, seeds)
def test_phrased_lengths_parse_within_15_percent(value_m: float, seed: int) -> None:
    said = say_length(value_m, Draws(seed))
    read = parse_quantity(said.text)
    assert read is not None
    assert abs(read - value_m) <= 0.1501 * value_m
    assert parse_quantity(f"The shelf is {said.text} wide.") == pytest.approx(read)


@settings(max_examples=500)
@given(lengths, seeds)
def test_precise_keeps_two_decimals_and_one_percent(value_m: float, seed: int) -> None:
    said = say_length(value_m, Draws(seed), precise=True)
    assert re.fullmatch(r"\d+\.\d\d", said.value_text)
    assert said.text == f"{said.value_text} {said.unit_text}"
    assert said.rounding_rule.endswith("_precise")
    assert parse_quantity(said.text) == pytest.approx(value_m, rel=0.01)


@settings(max_examples=500)
@given(lengths, st.booleans())
def test_meters_keep_two_digits_or_three(value_m: float, precise: bool) -> None:
    said = say_meters(value_m, precise)
    assert re.fullmatch(r"1 meter|[\d.e-]+ meters", said.text)
    assert parse_quantity(said.text) == pytest.approx(value_m, rel=0.0051 if precise else 0.051)
    assert float(said.value_text) == float(f"{value_m:.3g}" if precise else f"{value_m:.2g}")


@settings(max_examples=500)
@given(lengths, seeds)
def test_grammar(value_m: float, seed: int) -> None:
    said = say_length(value_m, Draws(seed))
    assert not re.search(r"(?<![.\d])1 (meters|feet|inches|centimeters|millimeters|yards)\b", said.text)
    assert not re.match(r"0 ", said.text)
    assert re.fullmatch(r"(?!0+$)[\d.]+(e[+-]\d+)?|\d+'\d+\"", said.value_text)
    if re.match(r"(?!1 )[\d.]+ ", said.text) and "/" not in said.text:
        assert re.search(r"s\b|feet", said.text)


def test_feet_and_inches_add_up() -> None:
    texts = {say_length(1.78, Draws(seed)).text for seed in range(3000)}
    assert "5 feet 10 inches" in texts
    assert {say_length(1.83, Draws(seed)).text for seed in range(3000)} >= {"6 feet"}


def shares(value_m: float, n: int = 20000) -> Counter[str]:
    counts = Counter(say_length(value_m, Draws(seed * 7919 + 13)).rounding_rule for seed in range(n))
    return Counter({rule: count / n for rule, count in counts.items()})


@pytest.mark.parametrize(
    ("value_m", "expected"),
    [
        (0.011, {"metric_mm_1sf": 0.8, "imperial_in_1/8": 0.2}),
        (0.024, {"metric_cm_0.5": 0.8, "imperial_in_1": 0.2}),
        (
            0.47,
            {
                "metric_cm_5": 0.48,
                "metric_cm_10": 0.2,
                "metric_cm_1": 0.12,
                "imperial_in_2": 0.1,
                "imperial_ft_0.5": 0.1,
            },
        ),
        (0.9, {"metric_m_1": 0.6, "metric_cm_5": 0.12, "metric_cm_10": 0.05, "metric_cm_1": 0.03}),
        (2.0, {"metric_m_0.5": 0.48, "metric_m_0.1": 0.32, "imperial_ft_1": 0.17, "imperial_ft_in": 0.03}),
        (5.2, {"metric_m_1": 0.48, "metric_m_0.5": 0.32, "imperial_ft_1": 0.17, "imperial_ft_in": 0.03}),
        (21.0, {"metric_m_1sf": 0.56, "metric_m_2sf": 0.24, "imperial_ft_5": 0.16, "imperial_yd_1": 0.04}),
    ],
)
def test_shares_of_the_policy(value_m: float, expected: dict[str, float]) -> None:
    found = shares(value_m)
    for rule, share in expected.items():
        assert found[rule] == pytest.approx(share, abs=0.015), found


def test_idioms_appear_at_their_share() -> None:
    said = [say_length(0.5, Draws(seed * 31 + 5)) for seed in range(20000)]
    metric = [one for one in said if one.rounding_rule.startswith("metric") and one.value_text == "50"]
    assert sum(one.text == "half a meter" for one in metric) / len(metric) == pytest.approx(0.15, abs=0.015)
    texts = {say_length(value, Draws(seed)).text for value in (0.3048, 0.61, 1.5) for seed in range(3000)}
    assert {"a foot", "a couple of feet", "a meter and a half"} <= texts


@pytest.mark.parametrize(
    ("value_m", "texts"),
    [
        (0.033, {"3 centimeters", "1.25 inches"}),
        (0.024, {"2.5 centimeters", "1 inch", "an inch"}),
        (0.38, {"40 centimeters", "38 centimeters", "15 inches", "14 inches", "16 inches"}),
        (0.84, {"85 centimeters", "80 centimeters", "84 centimeters", "33 inches", "34 inches", "3 feet", "a yard"}),
    ],
)
def test_where_a_step_is_too_coarse_a_finer_one_is_taken(value_m: float, texts: set[str]) -> None:
    assert {say_length(value_m, Draws(seed)).text for seed in range(500)} <= texts


@given(st.floats(math.radians(0.5), math.pi), st.booleans())
def test_angles(value_rad: float, precise: bool) -> None:
    said = say_angle(value_rad, Draws(1), precise)
    degrees = float(said.value_text)
    assert degrees > 0
    assert abs(degrees - math.degrees(value_rad)) <= 0.1501 * math.degrees(value_rad)
    assert said.text == ("1 degree" if said.value_text == "1" else f"{said.value_text} degrees")
    if math.degrees(value_rad) >= 17.5 and not precise:
        assert degrees % 5 == 0
    assert parse_quantity(said.text) == pytest.approx(math.radians(degrees))


@given(st.floats(1.0, 50.0))
def test_ratios(value: float) -> None:
    said = say_ratio(value)
    assert abs(float(said.text) - value) <= 0.1501 * value
    steps = float(said.text) * (2 if said.rounding_rule == "ratio_0.5" else 10)
    assert steps == pytest.approx(round(steps))
    assert said.unit_text == "times"


def test_a_ratio_below_one_is_not_said() -> None:
    with pytest.raises(ValueError, match=r"0\.9 cannot be phrased; ratios must be at least 1"):
        say_ratio(0.9)


@pytest.mark.parametrize("value_m", [0.0, -1.0, math.nan, math.inf])
def test_lengths_that_cannot_be_phrased(value_m: float) -> None:
    with pytest.raises(ValueError, match="cannot be phrased"):
        say_length(value_m, Draws(1))
