"""The balance of relations, held against priors that are written here anew."""

from collections import Counter

import numpy as np
import pytest

from tests.evaluation.relation_questions import KEYS, TYPES, asked, right_by_majority
from vlm.evaluation.balance import balanced
from vlm.evaluation.relations import Asked


@pytest.fixture(scope="module")
def questions():
    return asked(1500, 1)


@pytest.fixture(scope="module")
def training():
    return asked(6000, 2)


def test_no_prior_of_training_answers_tells_more_than_half(questions, training):
    kept = balanced(questions, seed=0, training=training)
    assert right_by_majority(questions, training, KEYS["both"]) > 0.65
    assert len(kept) > 700
    for key in KEYS.values():
        assert right_by_majority(kept, training, key) <= 0.52


def test_without_training_answers_kinds_come_first_as_often_as_second(questions, training):
    kept = balanced(questions, seed=0)
    for relation, names in enumerate(TYPES):
        own = [one for one in kept if one.type_id in names]
        first = Counter()
        for one in own:
            forward = one.answer == (one.type_id == names[0] or one.side == names[3][0])
            if one.kinds[0] != one.kinds[1]:
                first[one.kinds[0] if forward else one.kinds[1]] += 1
                first[one.kinds[1] if forward else one.kinds[0]] -= 1
        assert set(first.values()) == {0}, relation
    for key in KEYS.values():
        assert right_by_majority(kept, training, key) <= 0.55


@pytest.mark.parametrize("known", [False, True])
def test_yes_and_no_are_even_in_every_type(questions, training, known):
    kept = balanced(questions, seed=0, training=training if known else ())
    for type_id in {one.type_id for one in kept}:
        own = [one.answer for one in kept if one.type_id == type_id]
        assert abs(own.count(True) - own.count(False)) <= 2


def test_the_seed_and_nothing_else_decides(questions):
    shuffled = [questions[place] for place in np.random.default_rng(3).permutation(len(questions))]
    kept = balanced(questions, seed=7, max_per_type=50)
    assert balanced(shuffled, seed=7, max_per_type=50) == kept
    assert balanced(questions, seed=8, max_per_type=50) != kept
    assert set(kept) <= set(questions)
    assert len(set(kept)) == len(kept)
    assert max(Counter(one.type_id for one in kept).values()) <= 50


def test_two_that_are_always_the_same_way_round_are_left_out():
    always = [Asked(f"a{n}", "Q13", "", ("wardrobe", "cup"), True) for n in range(20)]
    once = Asked("b", "Q14", "", ("wardrobe", "cup"), True)
    assert balanced(always, seed=0) == []
    kept = balanced([*always, once], seed=0)
    assert len(kept) == 2
    assert once in kept


def test_rare_kinds_are_kept_in_a_ring():
    ring = [
        Asked("1", "Q01", "", ("cup", "lamp"), True),
        Asked("2", "Q01", "", ("chair", "lamp"), False),
        Asked("3", "Q03", "right", ("cup", "chair"), True),
        Asked("4", "Q01", "", ("ball", "desk"), True),
    ]
    assert {one.item_id for one in balanced(ring, seed=0)} == {"1", "2", "3"}
