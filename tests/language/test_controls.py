"""No unseen character of a crawl's texts is left, and every seen one is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.manifest import ManifestRow
from udfs.crawl.annotations import annotations, texts
from udfs.crawl.limits import IngestSettings
from udfs.crawl.part_rejects import PartRejects
from udfs.language.caption import read_phrase
from udfs.language.controls import without_controls


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("the \x00ball", "the ball"),
        ("red\x00ball\x00", "red ball"),
        ("red\x1fball", "red ball"),
        ("a\u200bmug", "amug"),
        ("\ufeffmug\u200d", "mug"),
        ("cup\u202egnol\u202c", "cupgnol"),
        ("\u2066cup\u2069\u200e", "cup"),
        ("sun\xadglasses", "sunglasses"),
        ("\x1b[31mred\x1b[0m mug", "red mug"),
        ("\x1b]0;title\x07mug", "mug"),
        ("tag\U000e0041\U000e0042ged", "tagged"),
        ("cup\U000e0100\U000e0123", "cup"),
        ("men\x92s shoe", "men\u2019s shoe"),
        ("caf\xc3\xa9 \xe2\x80\x99n mug", "caf\xe9 \u2019n mug"),
        ("two\x85 lines\u2028more\vyet", "two… lines\nmore\nyet"),
        ("tab\tand\nline\r\n", "tab\tand\nline\r\n"),
        ("\x7f\x08back", "back"),
        ("\ufff9a\ufffab\ufffb\uffff", "ab"),
        ("naïve 日本 العربية \u0600 ½ 🪑️", "naïve 日本 العربية \u0600 ½ 🪑️"),
        ("plain", "plain"),
        ("\x00\x01", ""),
    ],
)
def test_texts_without_what_is_not_seen(text: str, clean: str) -> None:
    assert without_controls(text) == clean


@given(st.text())
def test_nothing_unseen_is_left_and_nothing_seen_is_lost(text: str) -> None:
    clean = without_controls(text)
    assert {c for c in clean if unicodedata.category(c) == "Cc"} <= set("\t\n\r")
    assert not set(clean) & set("\u200b\u200d\u202e\u2066\ufeff\xad")
    assert without_controls(clean) == clean
    if not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in text):
        assert (
            [c for c in text if c.isalnum()] == [c for c in clean if c.isalnum()]
            or "\u3164" in text
            or "\u115f" in text
        )


def test_every_text_of_a_row_is_cleaned() -> None:
    row = ManifestRow(
        image="a.jpg",
        alt_text="the \x00ball",
        licence="CC\u200b0",
        source="\x1b[1mcrawl",
        instruction="lift\x00 it",
        objects=[{"id": 1, "label": "\x00clock", "captions": ["big \u202eclock", "\u200b"]}],
    )
    limits, rejects = IngestSettings(), PartRejects()
    words = texts(row, limits, rejects)
    assert (words["alt_text"], words["licence"], words["source"], words["instruction"]) == (
        "the ball",
        "CC0",
        "crawl",
        "lift it",
    )
    (item,) = annotations(row, limits, rejects)["objects"]
    assert (item["label"], item["captions"]) == ("clock", ["big clock"])


@pytest.mark.parametrize(
    "caption", ["red%00 ball", "red &#8203;ball", "red%E2%80%8B ball", "red &#x202e;ball", "red \x00ball"]
)
def test_escaped_characters_do_not_come_back_in_names(caption: str) -> None:
    phrase = read_phrase(caption)
    assert phrase is not None and str(phrase.head) == "ball"
    assert tuple(phrase.before) == ("red",)
