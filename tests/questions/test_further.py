"""Types about several objects: wordings, and what mirrors, scale, rotation and order of objects do to them."""

import copy
import math
import random
import re
import string
from functools import cache

import pytest

from tests.questions.further import FURTHER, Name, Said, dense_rows, said_by, weighed
from tests.questions.worlds import Row, mirrored, scaled, solid_scene, turned
from udfs.questions.candidates import Decisions
from udfs.questions.question_type import AnswerKind, QuestionType
from udfs.questions.registry import question_type
from udfs.questions.scene import Scene
from udfs.questions.wordings import answers, questions, short_answer

_SWAP = {"left": "right", "right": "left", "leftmost": "rightmost", "rightmost": "leftmost"}
# Types of which nothing depends on where things are in the image, or on how far ahead of it they are.
LEVEL = ("M01", "M02", "M05", "M09", "M10", "M11", "M13", "M18", "M20", "M22", "M24", "X05", "R03", "R04", "R05", "R06")


COUNT = 30
Weighed = tuple[Scene, Decisions]


def _scenes(seed: int, count: int = COUNT) -> list[tuple[Row, list[Row]]]:
    rng = random.Random(seed)
    return [solid_scene(rng, 8) for _ in range(count)]


@cache
def _worlds(changed: str) -> list[tuple[Weighed, Weighed]]:
    """Random scenes, each with its mirror image, as a larger world, or seen by a turned camera."""
    change = {"mirror": mirrored, "larger": lambda row: scaled(row, 1.7), "turned": lambda row: turned(row, 0.2, -0.15)}
    return [(weighed(row, names), weighed(change[changed](row), names)) for row, names in _scenes(1)]


def _normal(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9 ]", "", text.lower()).split())


def _slots(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("kind", FURTHER, ids=lambda kind: kind.type_id)
def test_there_are_enough_wordings_and_no_two_are_equal(kind: QuestionType) -> None:
    for variant in kind.variants:
        asked = [wording.text for wording in questions(kind.type_id, variant)]
        said = [wording.text for wording in answers(kind.type_id, variant)]
        assert len({_normal(text) for text in asked}) == len(asked) >= 12
        assert len({_normal(text) for text in said}) == len(said) >= 6
        assert short_answer(kind.type_id, variant).text.endswith(".")
        for text in (*asked, *said):
            assert not re.search(r"\}'s|centre|metre|colour|\bgrey\b|  |further", text), text
        pattern = {"yes": r"^(Yes|Indeed),", "no": r"^(No|Actually),"}.get(variant, "")
        assert all(re.search(pattern, text) for text in said)


@pytest.mark.parametrize("kind", FURTHER, ids=lambda kind: kind.type_id)
def test_wordings_hold_what_their_kind_needs(kind: QuestionType) -> None:
    for variant in kind.variants:
        said = [wording.text for wording in answers(kind.type_id, variant)]
        needed = {AnswerKind.NUMBER: "{value}", AnswerKind.CHOICE: "{C}"}.get(kind.answer_kind, "")
        assert all(needed in text for text in said)
        if kind.answer_kind in (AnswerKind.NUMBER, AnswerKind.BOOL):
            assert all("{C}" not in text for text in said)


def _mirror_said(type_id: str, said: Said, name: Name) -> Said:
    """What a mirror image says of the same objects."""
    word, chosen, order, value = said
    if type_id == "M03":
        return Said(word, chosen, order[::-1], value)
    if type_id in ("R05", "R10"):
        hour = int(word.split()[0]) % 12
        return Said(f"{(12 - hour) % 12 or 12} o'clock", chosen, order, value)
    if type_id == "R06" and value is not None:
        return Said(word, chosen, order, 2 * math.pi - value)
    if type_id == "M06" and word in _SWAP and value is not None:
        others = [one for one in name[0][1:] if one not in order]
        return Said(word, chosen, tuple(others), float(len(others)))
    swapped = "-".join(_SWAP.get(part, part) for part in word.split("-")) if type_id in ("R03", "R04", "R11") else word
    return Said(swapped, chosen, order, value)


@pytest.mark.parametrize("kind", FURTHER, ids=lambda kind: kind.type_id)
def test_a_mirror_image_exchanges_left_and_right_and_nothing_else(kind: QuestionType) -> None:
    compared = 0
    for one, other in _worlds("mirror"):
        plain, mirror = said_by(kind, *one), said_by(kind, *other)
        if kind.type_id == "M16":
            # The same object is the extreme one, on the other side.
            mirror = {(ids, _SWAP[fact]): one._replace(word=_SWAP[one.word]) for (ids, fact), one in mirror.items()}
        for name, said in plain.items():
            if kind.type_id == "M08" and ("left" in said.word or "right" in said.word):
                continue  # another object, or several, meet a mirrored condition
            if kind.type_id == "U03" and said.word in _SWAP:
                continue  # what is false of two objects is true of them in the mirror
            expected = _mirror_said(kind.type_id, said, name)
            assert mirror[name][:3] == expected[:3]
            assert (mirror[name].value or 0.0) == pytest.approx(expected.value or 0.0, rel=1e-9)
            compared += 1
    assert compared > 5


@pytest.mark.parametrize("kind", FURTHER, ids=lambda kind: kind.type_id)
def test_a_larger_world_says_the_same(kind: QuestionType) -> None:
    compared = 0
    for one, other in _worlds("larger"):
        plain, large = said_by(kind, *one), said_by(kind, *other)
        for name in plain.keys() & large.keys():
            before, after = plain[name], large[name]
            assert after[:3] == before[:3]
            if kind.unit_si == "m" and before.value is not None:
                # What the question states is rounded.
                assert after.value == pytest.approx(1.7 * before.value, rel=0.25)
            else:
                assert (after.value or 0.0) == pytest.approx(before.value or 0.0)
            compared += 1
    assert compared > 5


@pytest.mark.parametrize("kind", [question_type(one) for one in LEVEL], ids=LEVEL)
def test_roll_and_pitch_change_nothing(kind: QuestionType) -> None:
    compared = 0
    for one, other in _worlds("turned"):
        plain = said_by(kind, *one)
        assert said_by(kind, *other) == plain
        compared += len(plain)
    assert compared > 5


def test_the_order_of_objects_changes_no_row() -> None:
    rng = random.Random(4)
    for row, references in _scenes(4, 6):
        expected = dense_rows([(row, references)])
        shuffled = copy.deepcopy(row)
        for items in (shuffled["objects"], shuffled["pairs"], references):
            rng.shuffle(items)
        assert dense_rows([(shuffled, references)]) == expected


def test_opposite_questions_have_opposite_answers() -> None:
    for one, _ in _worlds("mirror")[:10]:
        for name, said in said_by(question_type("M01"), *one).items():
            farthest = said_by(question_type("M02"), *one).get(name)
            assert farthest is None or farthest.chosen != said.chosen
        clockwise, turns = (said_by(question_type(type_id), *one) for type_id in ("R06", "R11"))
        for name in clockwise.keys() & turns.keys():
            angle, turn = clockwise[name].value, turns[name]
            assert angle is not None and turn.value is not None
            assert angle == pytest.approx(2 * math.pi - turn.value if turn.word == "left" else turn.value)


@pytest.mark.parametrize(("degrees", "hour"), [(0, 12), (14, 11.5), (11, 12), (-11, 12), (30, 11), (-90, 3), (180, 6)])
def test_hours_are_centered(degrees: float, hour: float) -> None:
    from udfs.questions.types.situated import hour_of

    found = hour_of(math.radians(degrees), 0.0)
    # within 3 degrees of a boundary nothing is said
    assert found == (None if hour % 1 else f"{hour} o'clock")
