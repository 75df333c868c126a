"""Noise on the lengths that are said: as large as asked, on nothing else, and none where none is asked for."""

import math
import random
import statistics
from typing import Any

import pytest

from tests.questions.worlds import solid_scene
from udfs.language.draws import Draws
from udfs.language.quantity import parse_quantity
from udfs.stages.synthesize import QaColumns, SynthesizeSettings, synthesize_scene


def answers(**fixed: Any) -> list[dict[str, Any]]:
    rng, out = random.Random(6), QaColumns("recipe")
    for _ in range(120):
        synthesize_scene(*solid_scene(rng), SynthesizeSettings(**fixed), out)
    return out.rows()


def said_si(answer: Any) -> float:
    found = parse_quantity(f"{answer['value_text']} {answer['unit_text']}")
    assert found is not None
    return found


@pytest.mark.parametrize("noise_m", [0.1, 0.3])
def test_lengths_are_said_with_the_noise_that_is_asked_for(noise_m: float) -> None:
    true, noisy = answers(precise_share=1.0), answers(precise_share=1.0, noise_m=noise_m)
    fixed = ("type_id", "qa_id", "side", "value_si", "sigma_si", "answer_bool", "answer_object_id")
    assert [[a[name] for name in fixed] for a in noisy] == [[a[name] for name in fixed] for a in true]
    lengths = [one for one in noisy if one["value_text"] and one["type_id"] not in ("N17", "N18")]
    # Far from the centimeter below which nothing is said.
    errors = [said_si(one) - one["value_si"] for one in lengths if one["value_si"] > 5 * noise_m]
    assert len(errors) > 300
    bound = 4 / math.sqrt(len(errors))
    assert abs(statistics.fmean(errors)) < noise_m * bound
    assert statistics.pstdev(errors) == pytest.approx(noise_m, rel=bound)
    within = sum(abs(error) < noise_m for error in errors) / len(errors)
    assert within == pytest.approx(0.683, abs=bound)
    assert min(said_si(one) for one in lengths) >= 0.01 * (1 - 1e-9)
    for before, after in zip(true, noisy, strict=True):
        if before["value_text"] is None or before["type_id"] in ("N17", "N18"):
            assert before == after


def test_no_noise_leaves_every_row_and_its_recipe_as_they_were() -> None:
    assert answers(noise_m=0.0) == answers()
    assert "noise_m" not in SynthesizeSettings().changes()
    assert SynthesizeSettings(noise_m=0.1).changes() == {**SynthesizeSettings().changes(), "noise_m": 0.1}


def test_normal_draws_are_normal() -> None:
    draws = Draws(5)
    drawn = sorted(draws.normal() for _ in range(20_000))
    for share in (0.025, 0.16, 0.5, 0.84, 0.975):
        assert drawn[int(share * len(drawn))] == pytest.approx(statistics.NormalDist().inv_cdf(share), abs=0.05)
