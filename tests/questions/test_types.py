"""What every type declares: examples, mirror images, exchanged objects, wordings, oracles, the documented table."""

import random
from pathlib import Path

import pytest

from jobs.views.pages.wording import type_name
from scenes.truth.exact import oracles
from tests.questions.example_room import example_scene
from tests.questions.worlds import Row, mirrored, random_scene
from udfs.language.quantity import parse_quantity
from udfs.questions import registry
from udfs.questions.candidates import Decisions, candidates_of
from udfs.questions.example import ROOM, example_of
from udfs.questions.question_type import AnswerKind, Group, QuestionType
from udfs.questions.registry import DuplicateType, UnknownType, question_type, question_types
from udfs.questions.rule import DerivedRule, Need
from udfs.questions.scene import Scene, scene_of
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.table import with_types
from udfs.questions.types.sideways import SIDEWAYS
from udfs.questions.wordings import answers, precise_questions, questions, render, short_answer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "questions.md"
ALL = SynthesizeSettings(max_pairs=1_000, max_rest_sigma_m=10.0)
KINDS = list(question_types().values())
CORE = [kind for kind in KINDS if kind.group == Group.CORE]
# a type's answers about ordered objects: (ids in the order asked, variant) -> number
Answers = dict[tuple[tuple[int, ...], str], float]


def answers_of(kind: QuestionType, scene: Scene) -> Answers:
    """Return what a type answers about every object, or every pair both ways round, that its rules decide."""
    decisions: Decisions = candidates_of(scene, ALL)
    found: Answers = {}
    for rule in (kind.rule, kind.opposite):
        for decided in decisions[rule] if rule else ():
            first = decided.first.object_id
            if decided.second is None:
                found[(first,), kind.variant_of(decided, True)] = decided.margin
                continue
            second = decided.second.object_id
            found[(first, second), kind.variant_of(decided, True)] = decided.margin
            if not kind.keeps_order:
                found[(second, first), kind.variant_of(decided, False)] = decided.margin
    return found


def scenes(count: int) -> list[tuple[Row, list[Row]]]:
    rng = random.Random(8)
    return [random_scene(rng) for _ in range(count)]


@pytest.mark.parametrize("kind", CORE, ids=lambda kind: kind.type_id)
def test_the_worked_example_is_what_the_rule_decides(kind: QuestionType) -> None:
    example = example_of(kind.type_id)
    ids = tuple(list(ROOM).index(name) for name in example.objects)
    found = {variant: value for (about, variant), value in answers_of(kind, example_scene()).items() if about == ids}
    slots = {"surface": "floor", **dict(zip("AB", example.objects, strict=False))}
    if kind.answer_kind == AnswerKind.CHOICE:
        (true_of_first,) = found
        chosen = example.objects[example.variant != true_of_first]
        slots |= {"C": chosen, "D": next(name for name in example.objects if name != chosen)}
    else:
        assert example.variant in found
    if example.value_si is not None:
        assert found[example.variant] == pytest.approx(example.value_si, rel=1e-3, abs=1e-9)
        if not kind.variants[example.variant].is_unsaid and kind.unit_si != "ratio":
            assert parse_quantity(example.answer) == pytest.approx(example.value_si, rel=0.25)
    asked = questions(kind.type_id, example.variant)
    assert example.question in {render(wording.text, **slots) for wording in asked}
    said = [wording.text.partition("{value}") for wording in answers(kind.type_id, example.variant)]
    assert any(
        example.answer.startswith(render(before, **slots) if before else "")
        and example.answer.endswith(after.format(**slots))
        for before, _, after in said
    )


@pytest.mark.parametrize("kind", CORE, ids=lambda kind: kind.type_id)
def test_a_mirror_image_does_what_the_type_declares(kind: QuestionType) -> None:
    compared = 0
    for row, references in scenes(200):
        plain, mirror = (answers_of(kind, scene_of(one, references)) for one in (row, mirrored(row)))
        expected = {(ids, kind.mirror.get(variant, variant)): value for (ids, variant), value in plain.items()}
        assert mirror == pytest.approx(expected, rel=1e-9)
        compared += len(expected)
    assert compared > 30


@pytest.mark.parametrize("kind", [kind for kind in CORE if kind.objects == 2], ids=lambda kind: kind.type_id)
def test_exchanged_objects_do_what_the_type_declares(kind: QuestionType) -> None:
    compared = 0
    for row, references in scenes(200):
        found = answers_of(kind, scene_of(row, references))
        for (ids, variant), value in found.items():
            exchanged = ids[::-1]
            if kind.keeps_order:
                assert (exchanged, variant) not in found
            elif kind.answer_kind == AnswerKind.CHOICE:
                # The chosen object stays: the side that is true of A is the other one when B comes first.
                (one, other) = kind.sides
                assert found[exchanged, other if variant == one else one] == value
            else:
                assert found[exchanged, kind.swap.get(variant, variant)] == value
                assert kind.is_symmetric == (kind.swap.get(variant, variant) == variant)
            compared += 1
    assert compared > 30


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type_id)
def test_every_type_has_words_an_oracle_and_a_title(kind: QuestionType) -> None:
    assert kind.type_id in oracles()
    assert type_name(kind.type_id) == kind.title != kind.type_id
    assert set(kind.rule.needs) <= set(kind.needs)
    for variant in kind.variants:
        assert questions(kind.type_id, variant) and answers(kind.type_id, variant)
        assert short_answer(kind.type_id, variant).text.endswith(".")


def test_titles_and_names_are_unique() -> None:
    assert len({kind.title for kind in KINDS}) == len({kind.name for kind in KINDS}) == len(KINDS) > 30


def test_the_documented_types_are_those_of_the_registry() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_types(page) == page, "run `python -m udfs.questions.table docs/questions.md`"
    assert all(len(line) <= 100 for line in page.splitlines())


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="add both where the types belong"):
        with_types("# Questions\n")


def test_an_unknown_type_names_the_remedy() -> None:
    with pytest.raises(UnknownType, match="SPATIALLAKE_PLUGINS"):
        question_type("Z99")


def test_a_type_of_one_side_is_refused() -> None:
    with pytest.raises(ValueError, match=r"X01 has sides \('left',\); give it two, or none"):
        QuestionType(type_id="X01", name="left", rule=SIDEWAYS, sides=("left",))


def test_a_rule_about_sizes_does_not_derive_from_one_that_ignores_them() -> None:
    with pytest.raises(ValueError, match=r"Rule longer needs Am, and sideways does not"):
        DerivedRule(
            name="longer",
            needs=(Need.AMODAL,),
            derive={SIDEWAYS: lambda decided: decided},
            error=SIDEWAYS.error,
            compares="",
            error_is="",
        )


def test_two_types_of_one_id_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "twice_declared.py").write_text("from udfs.questions.types.sideways import QUESTION_TYPES\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("SPATIALLAKE_PLUGINS", "twice_declared")
    registry._declared.cache_clear()
    try:
        with pytest.raises(DuplicateType, match=r"'Q01' is declared by both .*\.sideways and twice"):
            registry._declared()
    finally:
        registry._declared.cache_clear()


def test_only_wordings_without_decimals_ask_for_a_precise_angle() -> None:
    assert set(precise_questions(False)) < set(precise_questions(True))
    assert not any("decimal" in wording.text for wording in precise_questions(False))
