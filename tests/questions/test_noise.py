"""Noise on the lengths that are said: as large as asked, on nothing else, and none where none is asked for."""

import math
import random
import statistics
from types import SimpleNamespace
from typing import Any

import pytest

from tests.questions.worlds import solid_scene
from udfs.language.draws import Draws
from udfs.language.quantity import parse_quantity
from udfs.questions.phrasing import Phrasebook
from udfs.questions.registry import question_type
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
    precise = {"precise_share": 1.0, "max_precise_sigma": 1e9}
    true, noisy = answers(**precise), answers(**precise, noise_m=noise_m)
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
    noisy = {**SynthesizeSettings().changes(), "noise_m": 0.1, "noise": "drawn again"}
    assert SynthesizeSettings(noise_m=0.1).changes() == noisy


def said_m(value: float, noise_m: float, count: int = 4000) -> list[float]:
    """What is said of one length in many images, before it is rounded."""
    unit = question_type("N09").unit
    assert unit is not None
    settings, said = SynthesizeSettings(noise_m=noise_m), []
    for number in range(count):
        book = Phrasebook(SimpleNamespace(image_id=str(number), gates=SimpleNamespace(surface="floor")), {}, settings)
        pick = SimpleNamespace(kind=SimpleNamespace(type_id="N09"), a=SimpleNamespace(object_id=1), b=None)
        said.append(book._noisy(pick, unit, value))
    return said


@pytest.mark.parametrize(("value", "noise_m"), [(0.12, 0.3), (0.3, 0.3), (0.05, 0.1), (1.0, 0.2), (0.004, 0.001)])
def test_noise_is_a_normal_distribution_cut_off_at_a_centimeter(value: float, noise_m: float) -> None:
    least = min(0.01, value)
    said = sorted(said_m(value, noise_m))
    assert said[0] >= least
    normal = statistics.NormalDist(value, noise_m)
    below = normal.cdf(least)
    for share in (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99):
        expected = normal.inv_cdf(below + share * (1 - below))
        slope = normal.pdf(expected) / (1 - below)
        bound = 4 * math.sqrt(share * (1 - share) / len(said)) / slope
        assert said[int(share * len(said))] == pytest.approx(expected, abs=bound)
    # No value stands out, as a limit would.
    assert len(set(said)) == len(said)


def test_nothing_is_said_below_a_length_of_nothing() -> None:
    said = said_m(0.0, 0.1, 500)
    assert min(said) >= 0.0
    assert statistics.median(said) == pytest.approx(0.0674, abs=0.015)


def test_normal_draws_are_normal() -> None:
    draws = Draws(5)
    drawn = sorted(draws.normal() for _ in range(20_000))
    for share in (0.025, 0.16, 0.5, 0.84, 0.975):
        assert drawn[int(share * len(drawn))] == pytest.approx(statistics.NormalDist().inv_cdf(share), abs=0.05)
