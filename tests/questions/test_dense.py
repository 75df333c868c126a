"""Many answers per image: count, caps, balance, facts, and that the default settings are what they were."""

import random
from collections import Counter

import pytest

from tests.questions.further import FURTHER, dense_rows
from tests.questions.worlds import Row, random_scene, solid_scene
from udfs.language.draws import Draws
from udfs.questions.candidates import candidates_of, further_of
from udfs.questions.dense import DenseSampler, facts_of
from udfs.questions.question_type import AnswerKind, QuestionType
from udfs.questions.registry import question_type
from udfs.questions.scene import scene_of
from udfs.stages.synthesize import SynthesizeSettings


@pytest.fixture(scope="module")
def table() -> list[Row]:
    """200 rows of each of many scenes of eight objects."""
    rng = random.Random(41)
    return dense_rows([solid_scene(rng, 8) for _ in range(60)])


def test_eight_objects_give_200_answers(table: list[Row]) -> None:
    per_image = Counter(row["image_id"] for row in table)
    assert len(per_image) == 60
    assert sum(per_image.values()) / 60 >= 195
    halves = Counter((row["image_id"], row["family"]) for row in table)
    assert all(halves[image, "qualitative"] == halves[image, "quantitative"] for image in per_image)


def test_no_fact_is_asked_more_than_four_times_and_many_are() -> None:
    rng, settings = random.Random(42), SynthesizeSettings(answers_per_image=200)
    for number in range(10):
        row, references = solid_scene(rng, 8)
        scene = scene_of(row, references)
        decisions = candidates_of(scene, settings)
        decisions |= further_of(scene, decisions, settings)
        sampler = DenseSampler(Draws(number), scene.gates, settings)
        picks = sampler.sample(decisions)
        facts = facts_of(picks)
        pairs = Counter(tuple(sorted(one.object_id for one in p.things)) for p in picks if len(p.things) == 2)
        assert max(facts.values()) <= 4 and len(facts) >= 60
        assert max(pairs.values()) <= 12
        assert sampler.left_out.total() > 0


def test_no_question_comes_twice_and_keys_are_unique(table: list[Row]) -> None:
    assert len({row["qa_id"] for row in table}) == len(table)
    asked = Counter((row["image_id"], row["question"]) for row in table)
    assert max(asked.values()) == 1


@pytest.mark.parametrize(
    "kind", [one for one in FURTHER if one.answer_kind == AnswerKind.BOOL], ids=lambda one: one.type_id
)
def test_yes_and_no_are_even(table: list[Row], kind: QuestionType) -> None:
    answers = [row["answer_bool"] for row in table if row["type_id"] == kind.type_id]
    assert answers and 2 * sum(answers) == len(answers)


def test_every_type_is_asked_and_none_takes_the_image(table: list[Row]) -> None:
    counts = Counter(row["type_id"] for row in table)
    assert counts.keys() >= {kind.type_id for kind in FURTHER}
    refused = sum(row["answer_kind"] == "refuse" for row in table)
    assert 0.05 * len(table) <= refused <= 0.10 * len(table)
    assert max(count for type_id, count in counts.items() if type_id != "U03") <= 0.05 * len(table)


def test_letters_are_even(table: list[Row]) -> None:
    letters = {2: Counter(), 3: Counter(), 4: Counter()}
    for row in table:
        if row["answer_form"] == "letter" and len(row["options"]) in letters:
            letters[len(row["options"])][row["answer"]] += 1
            chosen = row["references"][row["object_ids"].index(row["answer_object_id"])]
            assert row["options"]["ABCDE".index(row["answer"])] == chosen
    for count, found in letters.items():
        assert len(found) == count
        assert all(0.5 / count <= share / found.total() <= 1.6 / count for share in found.values())


def test_sides_are_even(table: list[Row]) -> None:
    for type_id in ("Q03", "M15", "M16", "M18"):
        sides = Counter(row["side"] for row in table if row["type_id"] == type_id)
        assert set(sides) == set(question_type(type_id).sides) and len(set(sides.values())) == 1


def test_only_listed_types_are_asked() -> None:
    rows = dense_rows([solid_scene(random.Random(43), 8)], types=("M15", "N09"))
    assert {row["type_id"] for row in rows} == {"M15", "N09"}


def test_few_objects_give_fewer_answers_and_poor_scenes_none_that_is_closed() -> None:
    rng = random.Random(44)
    rows = dense_rows([random_scene(rng) for _ in range(60)])
    assert 0 < len(rows) < 60 * 200
    for row in rows:
        assert row["frame"] == "viewer" or row["frame"] == f"situated:{row['object_ids'][0]}-{row['object_ids'][1]}"


def test_the_recipe_of_the_default_stays() -> None:
    plain = SynthesizeSettings().changes()
    assert not plain.keys() & {"answers_per_image", "types", "max_per_fact", "max_per_pair", "negative_share"}
    assert SynthesizeSettings(answers_per_image=200).changes()["answers_per_image"] == 200
