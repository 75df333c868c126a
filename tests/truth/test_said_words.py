"""The nouns and colors that answers say, against those of the objects that the regions show."""

import pytest

from scenes.truth.words import Words, said_words


def region(label: str, *captions: str) -> dict:
    return {"label": label, "captions": list(captions)}


@pytest.mark.parametrize(
    ("expression", "label", "expected"),
    [
        ("the chair", "chair", ("chair", None)),
        ("the red table lamp farthest to the left", "table lamp", ("table lamp", "red")),
        ("the red thing", "vase", (None, "red")),
        ("the orange", "orange", ("orange", None)),
        ("the orange orange", "orange", ("orange", "orange")),
        ("the second armchair from the left", "chair", (None, None)),
    ],
)
def test_nouns_and_colors_are_read(expression: str, label: str, expected: tuple[str | None, str | None]) -> None:
    assert said_words(expression, label) == expected


def test_every_word_has_to_be_right() -> None:
    words = Words()
    said, truth = region("chair"), region("chair", "red chair", "large red chair")
    words.add(["the red chair"], [said], [truth], right=True)
    words.add(["the blue chair"], [said], [truth], right=True)
    words.add(["the red thing", "the chair"], [said, said], [truth, region("stool", "red stool")], right=True)
    words.add(["the chair"], [said], [truth], right=False)
    words.add(["the chair"], [said], [None], right=True)
    figures = words.figures()
    assert figures["nouns_right"] == pytest.approx(3 / 5) and figures["colors_right"] == pytest.approx(2 / 3)
    assert figures["every_word_right"] == pytest.approx(1 / 5)
    assert Words().figures() == {"nouns_right": None, "colors_right": None, "every_word_right": None}
