"""Objects are called only by words that are probable enough, where an expert declares how probable its names are."""

from typing import Any

import pytest

from tests.language.objects import SETTINGS, expressions, row, thing
from udfs.stages.disambiguate import disambiguate_row

LEFT, RIGHT = (2.0, 0.5, 0.0), (2.0, -0.5, 0.0)


def names(*texts: tuple[str | None, str | None, float]) -> list[dict[str, Any]]:
    return [{"noun": noun, "color": color, "probability": p} for noun, color, p in texts]


def region(number: int, label: str, declared: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {"region_id": number, "label": label, "captions": [f"red {label}", label], "names": declared}


def called(objects: list[tuple[str, list[dict[str, Any]] | None]], **settings: Any) -> dict[int, str]:
    places = (LEFT, RIGHT, (3.0, 0.0, 0.0))
    things = [thing(i, label, [f"red {label}", label], places[i - 1]) for i, (label, _) in enumerate(objects, 1)]
    regions = [region(i, *one) for i, one in enumerate(objects, 1)]
    return expressions(row(things, regions=regions), SETTINGS.model_copy(update=settings))


SURE_CHAIR = names(("chair", None, 0.97), (None, "red", 0.97), ("chair", "red", 0.96))


def test_what_is_sure_is_said() -> None:
    assert called([("chair", SURE_CHAIR)])[1] in ("the chair", "the red chair")


def test_a_color_that_is_not_sure_is_not_said() -> None:
    unsure = names(("chair", None, 0.97), (None, "red", 0.7), (None, "orange", 0.28), ("chair", "red", 0.68))
    assert called([("chair", unsure)]) == {1: "the chair"}


def test_a_noun_that_is_not_sure_is_not_said() -> None:
    unsure = names(("chair", None, 0.6), ("stool", None, 0.35), (None, "red", 0.97), ("chair", "red", 0.58))
    assert called([("chair", unsure)]) == {1: "the red thing"}


def test_nothing_sure_is_not_asked_about() -> None:
    unsure = names(("chair", None, 0.6), (None, "red", 0.6), ("chair", "red", 0.4))
    things = [thing(1, "chair", ["red chair"], LEFT)]
    result = disambiguate_row(row(things, regions=[region(1, "chair", unsure)]), SETTINGS)
    assert result["references"] == []
    (rejected,) = result["rejected"]
    assert rejected["reason"] == "unsure_name" and "0.60" in rejected["detail"] and "0.95" in rejected["detail"]
    assert called([("chair", unsure)], min_name_probability=0.5)[1] == "the chair"


def test_what_another_object_may_be_keeps_a_name_from_being_used() -> None:
    stool = names(("stool", None, 0.9), ("chair", None, 0.08), (None, "blue", 0.99), ("stool", "blue", 0.89))
    plain = names(("chair", None, 0.97), (None, "red", 0.97), ("chair", "red", 0.9))
    # "the chair" could be the other one, "the red thing" could not
    assert called([("chair", plain), ("stool", stool)]) == {1: "the chair on the left", 2: "the blue thing"}
    lamp = names(("lamp", None, 0.99), (None, "blue", 0.99), ("lamp", "blue", 0.98))
    assert called([("chair", plain), ("lamp", lamp)])[1] == "the chair"


@pytest.mark.parametrize(("other", "expected"), [("blue", "the red thing"), ("pink", "the red thing on the left")])
def test_a_thing_is_told_apart_by_its_color_or_by_its_place(other: str, expected: str) -> None:
    def unsure(color: str) -> list[dict[str, Any]]:
        return names(("vase", None, 0.5), ("jar", None, 0.4), (None, color, 0.98), ("vase", color, 0.49))

    # pink may be taken for red
    assert called([("vase", unsure("red")), ("jar", unsure(other))])[1] == expected


def test_a_color_that_another_object_may_have_is_not_enough() -> None:
    one = names(("vase", None, 0.5), (None, "red", 0.98), ("vase", "red", 0.49))
    other = names(("jar", None, 0.5), (None, "orange", 0.9), (None, "red", 0.08), ("jar", "orange", 0.45))
    assert called([("vase", one), ("jar", other)]) == {1: "the red thing on the left"}


def test_without_declared_probabilities_label_and_captions_are_said() -> None:
    assert called([("chair", None)])[1] in ("the chair", "the red chair")
