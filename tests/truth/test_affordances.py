"""Affordances, surfaces and openings of a few rendered rooms with doorways against the rooms' whole meshes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.pipeline import processed_images
from scenes.crawl import write_crawl
from scenes.truth.exact import check
from scenes.truth.measure import ExactScene, read_manifest, read_scene
from scenes.truth.tally import Tally
from scenes.truth.verdict import Verdict
from tests.truth.words import fault
from udfs.questions.question_type import Group
from udfs.questions.registry import question_type

ROOMS = 12
SEED = 61

Row = dict[str, Any]
Answered = list[tuple[Row, ExactScene]]


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("doorways")
    write_crawl(str(out), ROOMS, SEED, width=320, height=240, doorways=True)
    return out


@pytest.fixture(scope="module")
def answered(crawl: Path) -> Answered:
    scenes = [read_scene(crawl, row) for row in read_manifest(crawl)]
    made = processed_images(crawl, max_affordances=40)
    return [
        (row, scene)
        for processed, scene in zip(made, scenes, strict=True)
        for row in processed.answers
        if question_type(row["type_id"]).group == Group.AFFORDANCE
    ]


def _verdicts(answered: Answered, spoilt: Callable[[Row], Row] = dict) -> list[tuple[Row, Verdict]]:
    return [(row, check(spoilt(row), scene)) for row, scene in answered]


def test_answers_are_right(answered: Answered) -> None:
    tally = Tally()
    for row, verdict in _verdicts(answered):
        tally.add(row, verdict)
    figures = tally.figures()
    assert figures["answers"] >= 60 and figures["types"] >= 11
    assert figures["qualitative_right"] == 1.0
    assert figures["within_10"] >= 0.95
    assert figures["qualitative_share"] == 0.5


def test_areas_beside_points_are_those_that_are_seen_and_free(answered: Answered) -> None:
    errors = [verdict.relative_error for row, verdict in _verdicts(answered) if row["answer_kind"] == "point"]
    assert len(errors) >= 10
    assert np.mean([error is not None and error <= 0.10 for error in errors]) >= 0.95


def test_words_say_what_the_columns_hold(answered: Answered) -> None:
    assert [fault(row) for row, _ in answered if fault(row)] == []


def test_a_doorway_is_found_where_there_is_one(answered: Answered) -> None:
    widths = [row for row, _ in answered if row["type_id"] == "S03"]
    assert widths and all(row["places"] == ["the doorway"] for row in widths)


def test_the_check_cries_at_negated_answers(answered: Answered) -> None:
    own = [(row, scene) for row, scene in answered if row["answer_kind"] == "bool"]
    judged = _verdicts(own, lambda row: {**row, "answer_bool": not row["answer_bool"]})
    assert np.mean([bool(verdict.right) for _, verdict in judged]) < 0.1


def test_the_check_cries_at_numbers_and_points_that_are_off(answered: Answered) -> None:
    told = [(row, scene) for row, scene in answered if row["answer_kind"] == "number"]
    errors = [
        verdict.relative_error for _, verdict in _verdicts(told, lambda row: {**row, "value_si": 2 * row["value_si"]})
    ]
    assert all(error is not None and error > 0.5 for error in errors)
    pointed = [(row, scene) for row, scene in answered if row["answer_kind"] == "point"]
    judged = _verdicts(pointed, lambda row: {**row, "points": [[0.5, 0.01]]})
    assert np.mean([bool(verdict.right) for _, verdict in judged]) < 0.1


def test_a_point_lies_in_its_outline(answered: Answered) -> None:
    import cv2

    for row, _ in answered:
        if row["answer_kind"] == "point":
            outline = np.array(row["outline"], np.float32) * 1000
            u, v = row["points"][0]
            assert 0 <= u < 1 and 0 <= v < 1
            assert cv2.pointPolygonTest(outline[:, None], (1000 * u, 1000 * v), True) >= -2


def test_without_places_only_passages_sizes_and_reach_are_asked(crawl: Path) -> None:
    plain = next(iter(processed_images(crawl, limit=1)))
    assert plain.scene is not None and plain.scene["places"] is None and plain.scene["spaces"] is None
