"""Quantities in answers: the rules one by one on written phrases, and whatever the engine itself says."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluation.phrases import FLAGGED, PLAIN
from tests.evaluation.phrases_by_unit import ASKED, NOTHING
from udfs.language.draws import Draws
from udfs.language.quantity import say_angle, say_length, say_ratio
from udfs.questions.wordings import answers
from vlm.evaluation.reading.quantity import parse_quantity

lengths_m = st.floats(math.log(0.002), math.log(100.0)).map(math.exp)
seeds = st.integers(0, 2**63 - 1)
LENGTH_TYPES = ("N01", "N02", "N03", "N04", "N08", "N09", "N10", "N13", "N16", "N19")
THINGS = {"A": "the red mug", "B": "the desk with two drawers", "surface": "floor"}


def test_there_are_enough_phrases():
    assert len(PLAIN) + len(FLAGGED) + len(ASKED) + len(NOTHING) >= 150


@pytest.mark.parametrize(("text", "value_m"), PLAIN)
def test_lengths(text, value_m):
    found = parse_quantity(text)
    assert found is not None
    assert found.value_si == pytest.approx(value_m, rel=1e-9)
    assert (found.unit_si, found.flags) == ("m", ())


@pytest.mark.parametrize(("text", "value_m", "flags"), FLAGGED)
def test_lengths_with_flags(text, value_m, flags):
    found = parse_quantity(text)
    assert found is not None
    assert found.value_si == pytest.approx(value_m, rel=1e-9)
    assert set(found.flags) == flags


@pytest.mark.parametrize(("text", "unit", "value_si"), ASKED)
def test_other_units(text, unit, value_si):
    found = parse_quantity(text, unit)
    assert found is not None
    assert found.value_si == pytest.approx(value_si, rel=1e-9)


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_to_read(text):
    assert parse_quantity(text) is None


def test_ends_of_a_range_and_the_characters():
    text = "I think it is between 50 cm and 1 m here."
    found = parse_quantity(text)
    assert found is not None
    assert found.value_si == 0.75
    assert text[slice(*found.span)] == "between 50 cm and 1 m"
    tolerance = parse_quantity("3 m ± 20 cm")
    assert tolerance is not None


def test_characters_are_those_of_the_output():
    text = "<think>5 m</think> It is 2 ft away."
    found = parse_quantity(text)
    assert found is not None
    assert text[slice(*found.span)] == "2 ft"
    assert found.unit == "ft"


def test_an_unknown_unit_is_refused():
    with pytest.raises(ValueError, match="'parsecs' is not a known unit; use one such as m"):
        parse_quantity("3", "parsecs")


@pytest.mark.parametrize("wording", answers("N15", "rests"), ids=lambda one: one.template_id)
def test_what_the_engine_says_of_things_that_rest_is_a_length_of_0(wording):
    found = parse_quantity(wording.text.format(**THINGS))
    assert found is not None
    assert (found.value_si, found.unit_si) == (0.0, "m")
    assert parse_quantity("It rests on the floor.", "degrees") is None


@settings(max_examples=400, deadline=None)
@given(lengths_m, seeds, st.sampled_from(LENGTH_TYPES), st.booleans())
def test_the_engines_lengths_are_read_in_its_sentences(value_m, seed, type_id, precise):
    draws = Draws(seed)
    said = say_length(value_m, draws, precise)
    alone = parse_quantity(said.text)
    sentence = draws.pick(answers(type_id, "value")).text.format(value=said.text, **THINGS)
    inside = parse_quantity(sentence)
    assert alone is not None
    assert inside is not None
    assert abs(alone.value_si - value_m) <= (0.0101 if precise else 0.2501) * value_m
    assert inside.value_si == pytest.approx(alone.value_si, rel=1e-9)
    assert "several" not in inside.flags
    assert sentence[slice(*inside.span)] == said.text


@settings(max_examples=100, deadline=None)
@given(st.floats(math.radians(0.5), math.pi), st.sampled_from(("left", "right")), seeds)
def test_the_engines_angles_are_read(value_rad, side, seed):
    draws = Draws(seed)
    said = say_angle(value_rad, draws)
    found = parse_quantity(draws.pick(answers("N17", side)).text.format(value=said.text, **THINGS), "degrees")
    assert found is not None
    assert found.value_si == pytest.approx(math.radians(float(said.value_text)))


@settings(max_examples=100, deadline=None)
@given(st.floats(1.3, 50.0), st.sampled_from(("taller", "wider")), seeds)
def test_the_engines_ratios_are_read(value, side, seed):
    said = say_ratio(value)
    found = parse_quantity(Draws(seed).pick(answers("N18", side)).text.format(value=said.text, **THINGS), "ratio")
    assert found is not None
    assert found.value_si == float(said.text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80), st.sampled_from((None, "cm", "degrees", "count", "times", "m2")))
def test_any_text_can_be_read(text, unit):
    found = parse_quantity(text, unit)
    assert found is None or math.isfinite(found.value_si)
