"""Every answer against the second implementation, both ways: nothing undecided is asked, nothing decided is missed."""

import math
import random
from itertools import permutations
from typing import Any

import pytest

from tests.questions import definitions, errors, numbers
from tests.questions.weighing import ids_of, weigh
from tests.questions.worlds import random_scene
from udfs.questions.question_type import Family
from udfs.questions.registry import question_type, types_of
from udfs.questions.rule import Decided
from udfs.stages.synthesize import QaColumns, SynthesizeSettings, synthesize_scene

SCENES = 1500
Row = dict[str, Any]


@pytest.fixture(scope="module")
def answered() -> list[tuple[Row, dict[int, Row], Row]]:
    """Emitted rows with their scene and its objects by id."""
    rng, rows = random.Random(11), []
    for _ in range(SCENES):
        scene, references = random_scene(rng)
        out = QaColumns("recipe")
        synthesize_scene(scene, references, SynthesizeSettings(solo_numbers=2), out)
        things = {thing["object_id"]: thing for thing in scene["objects"]}
        rows += [(scene, things, row) for row in out.rows()]
    return rows


def _asked(things: dict[int, Row], row: Row) -> tuple[Row, Row | None]:
    a, *rest = (things[object_id] for object_id in row["object_ids"])
    return a, rest[0] if rest else None


def test_yes_and_no_are_what_the_definition_says(answered: list[tuple[Row, dict[int, Row], Row]]) -> None:
    checked = 0
    for scene, things, row in answered:
        if row["answer_kind"] == "bool":
            a, b = (things[object_id] for object_id in row["object_ids"])
            assert definitions.predicate(row["type_id"], scene, a, b) is row["answer_bool"], row
            checked += 1
    assert checked > 5_000


def test_the_chosen_object_is_what_the_definition_says(answered: list[tuple[Row, dict[int, Row], Row]]) -> None:
    checked = 0
    for scene, things, row in answered:
        if row["answer_kind"] == "choice":
            a, b = (things[object_id] for object_id in row["object_ids"])
            assert definitions.chosen_id(row["type_id"], row["side"], scene, a, b) == row["answer_object_id"], row
            assert row["answer_object_id"] in row["object_ids"]
            checked += 1
    assert checked > 3_000


def test_numbers_are_what_the_definition_says(answered: list[tuple[Row, dict[int, Row], Row]]) -> None:
    checked = 0
    for scene, things, row in answered:
        if row["answer_kind"] != "number":
            continue
        a, b = _asked(things, row)
        if b is None:
            single = numbers.single_number(row["type_id"], scene, a)
            found = [] if single is None else [single]
        else:
            found = numbers.pair_number(row["type_id"], scene, a, b)
        assert any(n.value == pytest.approx(row["value_si"], abs=1e-12) and n.side == row["side"] for n in found), row
        variants = {n.variant for n in found if n.variant and n.side == row["side"]}
        if row["type_id"] == "N04":
            assert row["question_template"].split(".")[1] in variants
        if variants & {"rests", "ahead"}:
            assert row["rounding_rule"] in variants and row["value_text"] is None
        checked += 1
    assert checked > 10_000


def test_standard_errors_follow_from_moving_the_scene(answered: list[tuple[Row, dict[int, Row], Row]]) -> None:
    for scene, things, row in answered:
        if row["answer_kind"] != "number" or row["type_id"] == "N18":
            continue
        a, b = _asked(things, row)
        expected = errors.standard_error(row["type_id"], scene, a, b, row["margin_actual"])
        assert row["sigma_si"] == pytest.approx(expected, rel=1e-6, abs=1e-9), row
        if row["rounding_rule"] != "rests" and row["unit_si"] == "m":
            own = errors.own_error(row["type_id"], scene, a, b)
            assert own <= 0.25 * row["value_si"] * (1 + 1e-6)


def test_every_row_says_why_it_was_decided(answered: list[tuple[Row, dict[int, Row], Row]]) -> None:
    for _, _, row in answered:
        reached = row["margin_actual"] >= row["margin_threshold"]
        below = (row["type_id"] == "Q19" and row["answer_bool"]) or row["rounding_rule"] in ("rests", "ahead")
        assert below or reached, row
        assert row["witness_ok"] is True


def test_relations_are_two_standard_errors_apart_whatever_the_scale(
    answered: list[tuple[Row, dict[int, Row], Row]],
) -> None:
    alike = {"N05": ("Q01", "Q02", "Q03"), "N06": ("Q07", "Q08"), "N07": ("Q04", "Q05", "Q06")}
    like = {relation: number for number, relations in alike.items() for relation in relations}
    checked = 0
    for scene, things, row in answered:
        if row["type_id"] in like:
            a, b = _asked(things, row)
            error = errors.own_error(like[row["type_id"]], scene, a, b)
            assert row["margin_actual"] >= 2 * error - 1e-9, row
            assert row["margin_threshold"] >= 2 * error - 1e-9, row
            checked += 1
    assert checked > 2_000


def test_nothing_decided_is_missed() -> None:
    rng = random.Random(12)
    open_settings = SynthesizeSettings(max_relative_sigma=1e9, max_pairs=10_000)
    for _ in range(400):
        scene, references = random_scene(rng)
        named = {reference["object_id"] for reference in references}
        things = [thing for thing in scene["objects"] if thing["object_id"] in named]
        weighed = weigh(scene, references, open_settings)
        for kind in types_of(Family.QUALITATIVE):
            if kind.opposite is None:
                _same_relation(kind.type_id, scene, things, weighed.relations)
        near, far = ({frozenset(ids_of(d)) for d in weighed.relations[name]} for name in ("near", "far"))
        for a, b in permutations(things, 2):
            ids = frozenset((a["object_id"], b["object_id"]))
            assert definitions.is_close(scene, a, b) is (True if ids in near else False if ids in far else None)
        for type_id, measures in weighed.numbers.items():
            _same_numbers(type_id, scene, things, measures)


def _same_relation(type_id: str, scene: Row, things: list[Row], relations: dict[str, list[Decided]]) -> None:
    decide, _ = definitions.RELATIONS[type_id]
    found = {ids_of(decided) for decided in relations[question_type(type_id).rule.name]}
    wanted = {(a["object_id"], b["object_id"]) for a, b in permutations(things, 2) if decide(scene, a, b) is True}
    assert found == wanted, type_id


def _same_numbers(type_id: str, scene: Row, things: list[Row], measures: list[Decided]) -> None:
    found, wanted = set(), set()
    sides = question_type(type_id).sides if type_id not in ("N17", "N18") else ()
    for decided in measures:
        first, second = ids_of(decided)
        value = round(max(0.0, decided.margin), 9)
        found.add((first, second, sides[0] if sides else decided.word, value))
        if second is not None and type_id != "N18":
            found.add((second, first, sides[1] if sides else decided.word, value))
    for a in things:
        number = numbers.single_number(type_id, scene, a)
        if number is not None:
            wanted.add((a["object_id"], None, number.variant or "value", round(number.value, 9)))
    for a, b in permutations(things, 2):
        for number in numbers.pair_number(type_id, scene, a, b):
            variant = number.variant or number.side or "value"
            wanted.add((a["object_id"], b["object_id"], variant, round(number.value, 9)))
    if type_id == "N17":
        by_id = {thing["object_id"]: thing for thing in things}
        wanted = {w for w in wanted if errors.standard_error("N17", scene, by_id[w[0]], None, w[3]) <= math.radians(5)}
    if type_id in ("N08", "N09", "N10"):
        wanted = {item for item in wanted if item[3] >= 0.02}
    assert found == wanted, type_id
