"""Scores: every bound closed or strict as it is defined, intervals against a second implementation, groups."""

import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from tests.evaluation.made import item, length, said
from vlm.evaluation.images import ItemImage
from vlm.evaluation.items import Answer, AnswerSet, Kind, Truth
from vlm.evaluation.reading.answer import predictions_of
from vlm.evaluation.scores.interval import bootstrapped, mean, share
from vlm.evaluation.scores.numbers import distance_bin, ratio_success, relative_accuracy, within
from vlm.evaluation.scores.places import clock_apart_h, inside, iou
from vlm.evaluation.scores.table import scored, scores_of


def value(predictions, name):
    return {score.name: score.value for score in scores_of(predictions)}[name]


@given(st.integers(0, 40), st.integers(1, 40))
def test_the_bounds_of_a_share_are_those_whose_score_test_just_rejects(right, count):
    right = min(right, count)
    found = share("s", [place < right for place in range(count)])
    assert 0 <= found.low <= found.value == right / count <= found.high <= 1
    for bound in (found.low, found.high):
        if 0 < bound < 1:
            apart = abs(right / count - bound) / math.sqrt(bound * (1 - bound) / count)
            assert apart == pytest.approx(1.959963984540054, abs=1e-6)
    assert (found.low == 0) == (right == 0)
    assert (found.high == 1) == (right == count)


def test_bootstrap_covers_and_repeats():
    random = np.random.default_rng(3)
    covered = []
    for _ in range(200):
        found = mean("m", random.normal(2.0, 1.0, 60))
        assert found.low is not None
        covered.append(found.low <= 2.0 <= found.high)
    assert 0.9 <= np.mean(covered) <= 0.985
    values = random.normal(size=30)
    assert mean("m", values) == mean("m", values)
    assert mean("m", [1.0]).low is None
    assert mean("m", [2.0, 2.0]).low == 2.0


def test_independent_samples_are_drawn_within_themselves():
    half = np.array([0.0, 1.0] * 10)
    found = bootstrapped("b", lambda a, b, axis: (a.mean(axis) + b.mean(axis)) / 2, np.ones(20), half)
    assert found.value == 0.75
    assert found.low is not None
    assert 0.6 < found.low < 0.75 < found.high < 0.9


@pytest.mark.parametrize(
    ("text", "truth_m", "half_to_two", "third", "tenth"),
    [
        ("2 m", 1.0, True, False, False),
        ("2.001 m", 1.0, False, False, False),
        ("0.5 m", 1.0, True, False, False),
        ("0.499 m", 1.0, False, False, False),
        ("1.5 m", 1.0, True, True, False),
        ("2 m", 3.0, True, True, False),
        ("1.1 m", 1.0, True, True, True),
        ("0.9 m", 1.0, True, True, True),
        ("6 feet", 0.9144, True, False, False),
        ("3.3 m", 3.0, True, True, True),
        ("33 cm", 0.3, True, True, True),
    ],
)
def test_ranges_are_closed(text, truth_m, half_to_two, third, tenth):
    predictions = said([(length("a", truth_m), text)])
    assert value(predictions, "in_range[0.5,2]") == half_to_two
    assert value(predictions, "in_range[2/3,1.5]") == third
    assert value(predictions, "in_range[0.9,1.1]") == tenth


def test_ratio_success_is_strict_and_within_25_closed():
    assert not ratio_success(2.0, 1.0)
    assert not ratio_success(1.0, 2.0)
    assert not ratio_success(2 * 0.3048, 0.3048)
    assert ratio_success(1.999, 1.0)
    assert not ratio_success(0.0, 1.0)
    assert within(0.75, 1.0, 0.75, 1.25)
    assert within(1.25, 1.0, 0.75, 1.25)
    assert not within(1.2501, 1.0, 0.75, 1.25)


@pytest.mark.parametrize(
    ("found", "truth", "expected"),
    [
        (1.0, 1.0, 1.0),
        (1.1, 1.0, 0.9),
        (0.95, 1.0, 1.0),
        (1.5, 1.0, 0.1),
        (1.51, 1.0, 0.0),
        (2.25, 3.0, 0.6),
        (0.0, 1.0, 0.0),
    ],
)
def test_mean_relative_accuracy(found, truth, expected):
    assert relative_accuracy(found, truth) == pytest.approx(expected)


def test_unread_numbers_miss_every_share_and_count_in_no_error():
    predictions = said([(length("a", 1.0), "1 m"), (length("b", 2.0), "no idea"), (length("c", 4.0), "3 m")])
    for name, expected in {
        "unparsed": 1 / 3,
        "number_rate": 2 / 3,
        "in_range[0.5,2]": 2 / 3,
        "in_range[0.9,1.1]": 1 / 3,
        "within_25": 2 / 3,
        "MRA": (1.0 + 0.0 + 0.6) / 3,
        "abs_rel": 0.125,
        "median_abs_rel": 0.125,
        "bias_ln": math.log(0.75) / 2,
        "rmse_m 0-1 m": 0.0,
        "rmse_m 3-10 m": 1.0,
    }.items():
        assert value(predictions, name) == pytest.approx(expected), name
    assert "rmse_m 1-3 m" not in {score.name for score in scores_of(predictions)}


def test_an_item_without_an_answer_is_unread():
    predictions = predictions_of([length("a", 1.0), length("b", 1.0)], AnswerSet("m", [Answer("1 m", "a")]))
    assert [one.parsed for one in predictions] == [True, False]
    assert value(predictions, "number_rate") == 0.5


def test_distances_have_their_bins():
    assert [distance_bin(d) for d in (0.0, 1.0, 1.01, 3.0, 10.0, 10.1, 500.0)] == [
        *("0-1 m", "0-1 m", "1-3 m", "1-3 m", "3-10 m", "10+ m", "10+ m")
    ]
    predictions = said([(length("a", 0.5, distance_m=4.0), "0.5 m"), (length("b", 20.0), "20 m")])
    assert list(scored(predictions).by_distance) == ["3-10 m", "10+ m"]


def test_angles_have_degrees_and_sides():
    left = item("a", Kind.NUMBER, Truth(value_si=math.radians(20), unit_si="rad", side="left"), sides=("left", "right"))
    ahead = item("b", Kind.NUMBER, Truth(value_si=math.radians(5), unit_si="rad"))
    assert value(said([(left, "30 degrees to the left")]), "degrees_error") == pytest.approx(10)
    assert value(said([(left, "10 degrees to the right")]), "degrees_error") == pytest.approx(30)
    assert value(said([(ahead, "It is straight ahead.")]), "degrees_error") == pytest.approx(5)
    assert value(said([(left, "30 degrees to the left")]), "side") == 1.0
    assert value(said([(left, "30 degrees")]), "side") == 0.0


def test_balanced_accuracy_is_no_reward_for_always_yes():
    items = [item(str(place), Kind.BOOL, Truth(yes=place < 8)) for place in range(10)]
    predictions = said([(one, "yes") for one in items])
    assert value(predictions, "yes_no_accuracy") == 0.8
    assert value(predictions, "balanced_accuracy") == 0.5
    assert value(predictions, "qualitative") == 0.8


def test_every_rotation_and_mirror_image_has_to_be_right():
    def choice(name, answer, circular, flip):
        more = {"options": ("left", "right"), "circular_group": circular, "flip_group": flip}
        return item(name, Kind.CHOICE, Truth(choice=answer), **more)

    items = [
        choice("q1", 0, "q1", "q1"),
        choice("q1-1", 1, "q1", "q1-1"),
        choice("q1-flip", 1, "q1-flip", "q1"),
        choice("q1-flip-1", 0, "q1-flip", "q1-1"),
        choice("q2", 0, "q2", "q2"),
    ]
    predictions = said(list(zip(items, ["A", "B", "B", "B", "A"], strict=True)))
    assert value(predictions, "choice_accuracy") == 0.8
    assert value(predictions, "CircularEval") == pytest.approx(2 / 3)
    assert value(predictions, "FlipEval") == pytest.approx(2 / 3)
    assert value(predictions, "CircularEval+FlipEval") == 0.5


def test_cv_bench_weighs_its_parts():
    right = {"ADE20K": [1, 0, 0, 0], "COCO": [1, 1], "Omni3D": [1, 1, 0, 0, 0]}
    pairs = []
    for part, marks in right.items():
        for place, mark in enumerate(marks):
            one = item(
                f"{part}{place}", Kind.CHOICE, Truth(choice=0), options=("a1", "b1"), source="cv_bench", part=part
            )
            pairs.append((one, "A" if mark else "B"))
    total = scored(said(pairs)).score("cv_bench")
    assert total is not None
    assert total.value == pytest.approx(((0.25 + 1.0) / 2 + 0.4) / 2)


def test_hours_of_a_clock_go_round():
    assert [clock_apart_h(*pair) for pair in ((12, 1), (11, 1), (6, 12), (3, 9.5), (3, 3))] == [1, 2, 6, 5.5, 0]
    one = item("a", Kind.CLOCK, Truth(clock_h=12.0))
    predictions = said([(one, "1 o'clock"), (one, "1 o'clock")])
    assert value(predictions, "within_1_hour") == 1.0
    assert value(predictions, "clock_error_deg") == 30.0
    assert value(said([(one, "2 o'clock")]), "within_1_hour") == 0.0
    assert value(said([(one, "who knows")]), "within_1_hour") == 0.0


def test_points_inside_polygon_mask_and_box():
    triangle = Truth(polygon=((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)))
    assert inside((0.2, 0.2), triangle)
    assert inside((0.5, 0.5), triangle)
    assert not inside((0.6, 0.6), triangle)
    image = Image.new("L", (40, 20))
    ImageDraw.Draw(image).rectangle((20, 10, 39, 19), fill=255)
    held = io.BytesIO()
    image.save(held, "PNG")
    mask = Truth(mask=ItemImage(data=held.getvalue()))
    assert inside((0.75, 0.75), mask)
    assert inside((1.0, 1.0), mask)
    assert not inside((0.49, 0.75), mask)
    assert not inside((1.2, 0.75), mask)
    assert inside((0.5, 0.5), Truth(box=(0.4, 0.4, 0.5, 0.5)))
    predictions = said([(item("a", Kind.POINT, triangle), "(0.2, 0.2) or (0.9, 0.9)")])
    assert value(predictions, "point_inside") == 1.0
    assert value(said([(item("a", Kind.POINT, triangle), "(0.9, 0.9), (0.1, 0.1)")]), "point_inside") == 0.0


def test_overlap_of_boxes():
    assert iou((0, 0, 1, 1), (0, 0, 1, 1)) == 1.0
    assert iou((0, 0, 1, 1), (0.5, 0, 1.5, 1)) == pytest.approx(1 / 3)
    assert iou((0, 0, 1, 1), (2, 2, 3, 3)) == 0.0
    assert iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0.0
    one = item("a", Kind.BOX, Truth(box=(0.0, 0.0, 0.5, 0.5)))
    assert value(said([(one, "[0, 0, 500, 500]")]), "iou") == 1.0
    assert value(said([(one, "nowhere")]), "iou>=0.5") == 0.0
