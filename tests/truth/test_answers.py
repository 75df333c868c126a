"""Every emitted answer on a few rendered rooms against exact geometry, and the checker against spoilt answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.pipeline import processed_images
from scenes.crawl import write_crawl
from scenes.truth.exact import check, gravity_error_deg, oracles
from scenes.truth.measure import ExactScene, read_manifest, read_scene
from scenes.truth.tally import Tally
from tests.truth.words import fault
from udfs.questions.question_type import Group
from udfs.questions.registry import question_type

TYPES = sorted(type_id for type_id in oracles() if question_type(type_id).group == Group.CORE)
YES_NO = ("Q01", "Q02", "Q04", "Q05", "Q07", "Q08", "Q10", "Q11", "Q13", "Q14", "Q16", "Q17", "Q19")
ROOMS = 24
SEED = 4

Row = dict[str, Any]
Answered = list[tuple[Row, ExactScene]]


def _crawl(out: Path, **options: Any) -> Path:
    write_crawl(str(out), ROOMS, SEED, width=320, height=240, **options)
    return out


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _crawl(tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="module")
def scenes(crawl: Path) -> list[ExactScene]:
    return [read_scene(crawl, row) for row in read_manifest(crawl)]


@pytest.fixture(scope="module")
def answered(crawl: Path, scenes: list[ExactScene]) -> Answered:
    made = processed_images(crawl)
    return [(row, scene) for processed, scene in zip(made, scenes, strict=True) for row in processed.answers]


def _tally(answered: Answered, spoilt: Callable[[Row], Row] = dict) -> Tally:
    tally = Tally()
    for row, scene in answered:
        bad = spoilt(row)
        tally.add(bad, check(bad, scene))
    return tally


def test_answers_are_right(answered: Answered) -> None:
    figures = _tally(answered).figures()
    assert figures["qualitative_right"] >= 0.995
    assert figures["within_10"] >= 0.95
    assert figures["within_25"] >= 0.99


def test_every_type_is_asked_and_halves_balance(answered: Answered) -> None:
    figures = _tally(answered).figures()
    assert figures["types"] == len(TYPES)
    assert figures["qualitative_share"] == pytest.approx(0.5, abs=0.01)
    yes = [row["answer_bool"] for row, _ in answered if row["type_id"] in YES_NO]
    assert np.mean(yes) == pytest.approx(0.5, abs=0.05)


def test_words_say_what_the_columns_hold(answered: Answered) -> None:
    assert [fault(row) for row, _ in answered if fault(row)] == []


def test_degraded_depth_and_masks(tmp_path: Path, scenes: list[ExactScene]) -> None:
    seen = _crawl(tmp_path, depth_noise_rel=0.02, mask_bleed_px=1)  # 3 px at 640 x 480 and more
    made = zip(processed_images(seen), scenes, strict=True)
    figures = _tally([(row, scene) for processed, scene in made for row in processed.answers]).figures()
    assert figures["qualitative_right"] >= 0.97
    assert figures["within_10"] >= 0.80
    assert figures["within_25"] >= 0.90


def test_gravity_from_depth_alone(crawl: Path) -> None:
    errors = []
    for processed in processed_images(crawl, gravity=False):
        if processed.scene is None:
            continue
        error = gravity_error_deg(processed.scene, processed.manifest)
        if error is not None and processed.scene["gravity_sigma_deg"] <= 5.0:
            errors.append(error)
    assert len(errors) >= ROOMS // 2
    assert np.mean(np.asarray(errors) <= 2.0) >= 0.95


_MIRROR = {"left": "right", "right": "left", "front": "behind", "behind": "front"}


def _negated(row: Row) -> Row:
    return {**row, "answer_bool": None if row["answer_bool"] is None else not row["answer_bool"]}


def _other_choice(row: Row) -> Row:
    others = [i for i in row["object_ids"] if i != row["answer_object_id"]]
    return {**row, "answer_object_id": others[0] if row["answer_object_id"] is not None else None}


def _mirrored(row: Row) -> Row:
    return {**row, "side": _MIRROR.get(row["side"], row["side"])}


def _tenfold(row: Row) -> Row:
    return {**row, "value_si": None if row["value_si"] is None else 10 * row["value_si"]}


@pytest.mark.parametrize("kind", YES_NO)
def test_checker_cries_at_negated_answers(answered: Answered, kind: str) -> None:
    own = [(r, s) for r, s in answered if r["type_id"] == kind]
    assert _tally(own, _negated).total("qualitative").right_share < 0.1


@pytest.mark.parametrize("kind", ["Q03", "Q06", "Q09", "Q12", "Q15", "Q18"])
def test_checker_cries_at_the_other_object(answered: Answered, kind: str) -> None:
    own = [(r, s) for r, s in answered if r["type_id"] == kind]
    assert _tally(own, _other_choice).total("qualitative").right_share < 0.1


@pytest.mark.parametrize("kind", ["Q03", "N05", "N06", "N17"])
def test_checker_cries_at_swapped_sides(answered: Answered, kind: str) -> None:
    sided = [(r, s) for r, s in answered if r["type_id"] == kind and r["side"] in _MIRROR]
    assert sided
    assert _tally(sided, _mirrored).types[kind].right_share < 0.1


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind.startswith("N")])
def test_checker_cries_at_tenfold_numbers(answered: Answered, kind: str) -> None:
    told = [(r, s) for r, s in answered if r["type_id"] == kind and (r["value_si"] or 0) > 0.02]
    assert _tally(told, _tenfold).types[kind].within(0.25) < 0.1


def test_words_cry_at_the_wrong_letter(answered: Answered) -> None:
    lettered = [row for row, _ in answered if row["answer_form"] == "letter"]
    assert lettered
    assert all(fault({**row, "answer": "B" if row["answer"].startswith("A") else "A"}) for row in lettered)
    assert all(fault(_tenfold(row)) for row, _ in answered if row["value_text"] is not None)
