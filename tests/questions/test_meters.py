"""Lengths said in meters alone, where that is asked for: of the same things, and nothing else said otherwise."""

import random
from typing import Any

import pytest

from tests.questions.worlds import solid_scene
from udfs.language.quantity import parse_quantity
from udfs.stages.synthesize import QaColumns, SynthesizeSettings, synthesize_scene


def answers(**fixed: Any) -> list[dict[str, Any]]:
    rng, out = random.Random(7), QaColumns("recipe")
    for _ in range(120):
        synthesize_scene(*solid_scene(rng), SynthesizeSettings(**fixed), out)
    return out.rows()


def test_lengths_are_said_in_meters() -> None:
    spoken, meters = answers(precise_share=0.3), answers(precise_share=0.3, lengths="meters")
    assert [(one["type_id"], one["object_ids"], one["value_si"]) for one in spoken] == [
        (one["type_id"], one["object_ids"], one["value_si"]) for one in meters
    ]
    lengths = 0
    for before, after in zip(spoken, meters, strict=True):
        if after["value_text"] is None or after["type_id"] in ("N17", "N18"):
            assert before == after
            continue
        lengths += 1
        assert after["unit_text"] in ("meter", "meters")
        assert f"{after['value_text']} {after['unit_text']}" in after["answer"]
        said = parse_quantity(after["answer"])
        assert said == pytest.approx(after["value_si"], rel=0.0051 if after["precise"] else 0.051)
    assert lengths > 300


def test_lengths_as_people_say_them_have_the_recipe_that_they_had() -> None:
    assert "lengths" not in SynthesizeSettings().changes()
    assert SynthesizeSettings(lengths="meters").changes() == {**SynthesizeSettings().changes(), "lengths": "meters"}
