"""What is asked: halves, polarities, letters, wordings and caps, in small and in large tables."""

import random
from collections import Counter
from typing import Any

import pytest

from tests.questions.worlds import random_scene, solid_scene
from udfs.questions.answering import split_of
from udfs.questions.question_type import Group
from udfs.questions.registry import question_types
from udfs.stages.synthesize import QaColumns, SynthesizeSettings, synthesize_scene

CORE = [t for t in question_types().values() if t.group == Group.CORE]
YES_NO = [t.type_id for t in CORE if t.answer_kind == "bool"]
CHOICES = [t.type_id for t in CORE if t.answer_kind == "choice"]


def _table(scenes: int, seed: int, count: int | None = None, **fixed: Any) -> list[dict[str, Any]]:
    rng, out = random.Random(seed), QaColumns("recipe")
    for _ in range(scenes):
        scene, references = random_scene(rng) if count is None else solid_scene(rng, count)
        synthesize_scene(scene, references, SynthesizeSettings(**fixed), out)
    return out.rows()


@pytest.fixture(scope="module")
def table() -> list[dict[str, Any]]:
    """A large table of mixed scenes."""
    return _table(2_000, seed=21)


def test_half_of_every_image_is_qualitative(table: list[dict[str, Any]]) -> None:
    halves: dict[str, Counter[str]] = {}
    for row in table:
        halves.setdefault(row["image_id"], Counter())[row["family"]] += 1
    lone = [half for half in halves.values() if not half["qualitative"]]
    assert all(half["quantitative"] <= 2 for half in lone)
    assert all(half["qualitative"] == half["quantitative"] for half in halves.values() if half["qualitative"])
    assert 0.49 <= sum(row["family"] == "qualitative" for row in table) / len(table) <= 0.51


def test_every_type_occurs(table: list[dict[str, Any]]) -> None:
    assert {row["type_id"] for row in table} == {kind.type_id for kind in CORE}


@pytest.mark.parametrize("type_id", YES_NO)
def test_yes_and_no_are_even(table: list[dict[str, Any]], type_id: str) -> None:
    answers = [row["answer_bool"] for row in table if row["type_id"] == type_id]
    assert 0.45 <= sum(answers) / len(answers) <= 0.55, len(answers)


@pytest.mark.parametrize("type_id", CHOICES)
def test_sides_and_places_of_a_choice_are_even(table: list[dict[str, Any]], type_id: str) -> None:
    rows = [row for row in table if row["type_id"] == type_id]
    first_side = question_types()[type_id].sides[0]
    assert 0.45 <= sum(row["side"] == first_side for row in rows) / len(rows) <= 0.55
    assert 0.45 <= sum(row["answer_object_id"] == row["object_ids"][0] for row in rows) / len(rows) <= 0.55


@pytest.mark.parametrize("count", [2, 3, 6])
def test_yes_and_no_and_letters_are_even_in_a_small_table(count: int) -> None:
    small = _table(24, seed=22, count=count)
    for type_id in YES_NO:
        answers = [row["answer_bool"] for row in small if row["type_id"] == type_id]
        assert sum(answers) * 2 == len(answers), type_id
    letters = Counter(row["answer"] for row in small if row["answer_form"] == "letter")
    assert count == 2 or 0.4 <= letters["A"] / letters.total() <= 0.6


def test_letters_are_even_and_name_the_chosen_object(table: list[dict[str, Any]]) -> None:
    rows = [row for row in table if row["answer_form"] == "letter"]
    letters = Counter(row["answer"] for row in rows)
    assert set(letters) == {"A", "B"}
    assert 0.46 <= letters["A"] / len(rows) <= 0.54
    for row in rows:
        named = dict(zip(row["object_ids"], row["references"], strict=True))
        assert row["options"][row["answer"] == "B"] == named[row["answer_object_id"]]
    choices = sum(row["answer_kind"] == "choice" for row in table)
    assert 0.2 <= len(rows) / choices <= 0.3


def test_no_image_exceeds_its_caps(table: list[dict[str, Any]]) -> None:
    per_image = Counter((row["image_id"], row["family"]) for row in table)
    assert max(per_image.values()) == 20
    per_type = Counter((row["image_id"], row["type_id"]) for row in table)
    assert max(per_type.values()) == 2
    asked = Counter((row["image_id"], row["type_id"], tuple(row["object_ids"])) for row in table)
    assert max(asked.values()) == 1
    others = [row for row in table if row["answer_kind"] != "bool"]
    asked = Counter((row["image_id"], row["type_id"], *sorted(row["object_ids"])) for row in others)
    assert max(asked.values()) == 1


def test_needs_name_the_gates(table: list[dict[str, Any]]) -> None:
    needs = {(row["type_id"], row["side"] if row["type_id"] == "N18" else None): row["needs"] for row in table}
    assert needs["N18", "taller"] == ["Am", "G"]
    assert needs["N18", "wider"] == ["Am"]
    assert needs["N15", None] == ["M", "G", "F"]
    assert needs["Q01", None] == []


def test_keys_are_unique(table: list[dict[str, Any]]) -> None:
    assert len({row["qa_id"] for row in table}) == len(table)


def test_every_wording_is_used_evenly(table: list[dict[str, Any]]) -> None:
    for column in ("question_template", "answer_template"):
        used: dict[str, Counter[str]] = {}
        for row in table:
            if row["answer_form"] == "sentence" and not row["precise"]:
                wording = row[column]
                used.setdefault(wording.rsplit(".", 1)[0], Counter())[wording] += 1
        for pool, counts in used.items():
            expected = sum(counts.values()) / len(counts)
            if expected >= 25:
                assert max(counts.values()) <= 2.2 * expected, pool
                assert len(counts) >= (20 if column == "question_template" else 10), pool


def test_forms_take_their_shares(table: list[dict[str, Any]]) -> None:
    spoken = [row for row in table if row["answer_form"] != "letter"]
    assert 0.17 <= sum(row["answer_form"] == "short" for row in spoken) / len(spoken) <= 0.23


def test_a_precise_figure_is_asked_for_only_where_the_error_is_small(table: list[dict[str, Any]]) -> None:
    numbers = [row for row in table if row["precise"] is not None]
    assert all(row["sigma_si"] < 0.02 * row["value_si"] for row in numbers if row["precise"])
    known = [row for row in numbers if row["value_si"] and row["sigma_si"] < 0.02 * row["value_si"]]
    assert len(known) > 300
    # The ratios are never asked for precisely.
    assert 0.005 <= sum(row["precise"] for row in known) / len(known) <= 0.03


def test_no_pair_takes_the_whole_image() -> None:
    for row_count, pairs in _pair_uses(_table(30, seed=23, count=6)):
        # Where only two objects are fully in view, every question of size is about them.
        assert max(pairs.values()) <= 0.5 * row_count
        assert len(pairs) >= 8


def _pair_uses(table: list[dict[str, Any]]) -> list[tuple[int, Counter[frozenset[int]]]]:
    uses: dict[str, Counter[frozenset[int]]] = {}
    for row in table:
        if len(row["object_ids"]) == 2:
            uses.setdefault(row["image_id"], Counter())[frozenset(row["object_ids"])] += 1
    return [(sum(pairs.values()), pairs) for pairs in uses.values()]


def test_many_objects_are_thinned_the_same_way_every_time() -> None:
    first, again = (_table(2, seed=24, count=40) for _ in range(2))
    assert first == again
    assert len(first) == 80


def test_closeness_is_asked_as_one_near_and_one_far_pair(table: list[dict[str, Any]]) -> None:
    per_image: dict[str, list[bool]] = {}
    for row in table:
        if row["type_id"] == "Q19":
            per_image.setdefault(row["image_id"], []).append(row["answer_bool"])
    assert per_image
    assert all(sorted(answers) == [False, True] for answers in per_image.values())


def test_an_image_of_one_object_gives_numbers_only_when_told_to() -> None:
    scene, references = solid_scene(random.Random(25), 1)
    for allowed in (0, 1, 2):
        out = QaColumns("recipe")
        synthesize_scene(scene, references, SynthesizeSettings(solo_numbers=allowed), out)
        assert len(out) == allowed


def test_unequal_halves_are_refused() -> None:
    with pytest.raises(ValueError, match="set both to the same value"):
        SynthesizeSettings(max_qualitative=10)


def test_splits_take_their_shares_and_depend_on_the_image_alone() -> None:
    counts = Counter(split_of(f"image {n}", SynthesizeSettings(seed=n)) for n in range(20_000))
    assert 0.955 <= counts["train"] / 20_000 <= 0.965
    assert 0.017 <= counts["validation"] / 20_000 <= 0.023
    assert 0.017 <= counts["test"] / 20_000 <= 0.023
