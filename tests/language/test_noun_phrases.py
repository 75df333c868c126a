"""Short captions, and the objects that alt texts and lists mention."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.experts.vocabularies import alt_text_names, named_list
from udfs.language.caption import read_label
from udfs.language.noun_phrases import category, listed_names, short_caption


@pytest.mark.parametrize(
    ("caption", "short"),
    [
        ("A red mug.", "red mug"),
        ("a white ceramic mug with a blue handle and a chipped rim", "white ceramic mug"),
        ("a white mug with a blue handle", "white mug with a blue handle"),
        ("a small red and white striped coffee mug", "red and white striped coffee mug"),
        ("the image shows a black office chair next to a desk", "black office chair"),
        ("", None),
        ("http://example.com", None),
    ],
)
def test_short_captions(caption: str, short: str | None) -> None:
    assert short_caption(caption) == short


WORDS = ("a", "red", "and", "mug", "with", "of", "blue", "box")


@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join))
def test_short_captions_are_short(text: str) -> None:
    short = short_caption(text)
    if short is not None:
        assert 1 <= len(short.split()) <= 6
        assert short_caption(short) is not None


@pytest.mark.parametrize(
    ("alt_text", "names"),
    [
        ("A red mug next to a laptop on a wooden desk", ("mug", "laptop", "desk")),
        ("Two mugs and three plates", ("mug", "plate")),
        ("a man rides a horse", ("man", "horse")),
        ("Brass samovar | a samovar on a coffee table", ("samovar", "coffee table")),
        ("Summer vibes 2019 - best of", ()),
        ("my vintage table lamp, books, TV", ("table lamp", "book", "tv")),
        (None, ()),
        ("", ()),
    ],
)
def test_alt_texts(alt_text: str | None, names: tuple[str, ...]) -> None:
    assert alt_text_names(alt_text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("mug, laptop, wooden desk, mug", ("mug", "laptop", "desk")),
        ("1. Red mugs\n2. Office chairs\n- scissors", ("mug", "chair", "scissors")),
        ("There are a sofa and two lamps.", ("sofa", "lamp")),
        ("", ()),
    ],
)
def test_lists(text: str, names: tuple[str, ...]) -> None:
    assert listed_names(text) == names


@given(st.text(max_size=80))
def test_any_text_can_be_searched(text: str) -> None:
    for name in (*alt_text_names(text), *listed_names(text)):
        assert name == name.lower() and name.strip()


def test_household_names_are_plain_singular_nouns() -> None:
    names = named_list("household")
    assert len(set(names)) == len(names) > 100
    for name in names:
        read = read_label(name)
        assert read is not None, name
        assert read.bare.removeprefix("pair of ").lower() == name
        assert not read.plural, name
    assert category("coffee tables") == "coffee table"
