"""Walls, doorways, passages, room and reach, asked in words: read as meant, and right by exact geometry."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spatiallake
from jobs.one_image.measured import Measured
from scenes.crawl import write_crawl
from scenes.truth.exact import check
from scenes.truth.measure import ExactScene, read_scene
from tests.questions.free_english import BOOK, EXPRESSIONS, LAMP, MUG, SOFA, TABLE, THINGS
from udfs.language.naming import Place, SceneNames
from udfs.questions.answer import Answer
from udfs.questions.question_type import AnswerKind, QuestionType
from udfs.questions.reading.reader import Reading, read_question
from udfs.questions.refusals import NotAnswered
from udfs.questions.registry import scene_types
from udfs.questions.rule import SceneRule
from udfs.questions.wordings import questions, render

BACK, LEFT, DOORWAY, TOP = -1, -2, -3, -4
PLACES = (
    Place(BACK, "wall", "the back wall", ("back wall", "far wall")),
    Place(LEFT, "wall", "the left wall", ("left wall", "wall on the left")),
    Place(DOORWAY, "doorway", "the doorway", ("doorway", "door")),
    Place(TOP, "top", "the top of the wooden table", ("wooden table top", "table top")),
)
ROOM = SceneNames(THINGS, EXPRESSIONS, places=PLACES)
BODY, ROBOT = "a wheelchair user who needs a width of 82 centimeters", "an object 1.2 meters wide"
WHERE = {
    "left": "to the left of the white mug",
    "right": "to the right of the white mug",
    "front": "in front of the white mug",
    "behind": "behind the white mug",
}


def things_of(kind: QuestionType) -> dict[str, str]:
    """Names for the slots of a type's wordings."""
    of = kind.rule.of if isinstance(kind.rule, SceneRule) else ()
    names = {"object": ["the white mug", "the wooden table"], "wall": ["the back wall"], "doorway": ["the doorway"]}
    names["top"] = ["the top of the wooden table"]
    said = [names[what].pop(0) for what in of or ("object",) * kind.objects]
    return dict(zip("AB", said, strict=False))


@pytest.mark.parametrize("kind", scene_types(), ids=lambda kind: kind.type_id)
def test_every_wording_is_read_back(kind: QuestionType) -> None:
    rng = random.Random(kind.type_id)
    for wording in questions(kind.type_id):
        side = rng.choice(list(WHERE))
        stated = "a robot arm with a reach of 1.2 meters" if "reach" in kind.name else rng.choice([BODY, ROBOT])
        what = "a toddler who is 87 centimeters tall" if "under" in kind.name else stated
        text = render(wording.text, **things_of(kind), surface="floor", where=WHERE[side], what=what)
        reading = read_question(ROOM, text)
        # The top of a thing is measured by the types about the thing, too.
        assert reading.kind is kind or (reading.kind.name.startswith("height of the top") and "top" in kind.name), text
        assert reading.variant == (side if "{where}" in wording.text else None), text
        assert (reading.stated is not None) == ("{what}" in wording.text), text
        if reading.stated is not None:
            assert f"{100 * reading.stated.length_m:.0f} " in text or f"{reading.stated.length_m:g} " in text


@pytest.mark.parametrize("text", [one.text for kind in scene_types() for one in questions(kind.type_id)][:40])
def test_a_thing_that_is_not_there_is_not_taken_for_another(text: str) -> None:
    said = render(text, A="the unicorn", B="the white mug", surface="floor", where="left of the unicorn", what=ROBOT)
    with pytest.raises(NotAnswered):
        read_question(ROOM, said)


READ = {
    "How far is the mug from the back wall?": ("S01", (MUG, BACK)),
    "what's the distance between the wall on the left and the couch in feet": ("S01", (SOFA, LEFT)),
    "how far is the far wall from here?": ("S05", (BACK,)),
    "How wide is the doorway?": ("S03", (DOORWAY,)),
    "what's the width of the door in inches?": ("S03", (DOORWAY,)),
    "Can I fit through the door?": ("S04", (DOORWAY,), 0.55),
    "would a 3 foot wide fridge fit through the doorway": ("S04", (DOORWAY,), 0.9144),
    "is the doorway wide enough for a wheelchair?": ("S04", (DOORWAY,), 0.815),
    "can i walk between the lamp and the couch?": ("F01", (LAMP, SOFA), 0.55),
    "Could a robot that is 60cm wide drive between the table and the lamp without touching them?": (
        "F01",
        (TABLE, LAMP),
        0.6,
    ),
    "is there enough room for a stroller 25 inches wide to get through between the table and the couch?": (
        "F01",
        (TABLE, SOFA),
        0.635,
    ),
    "Is the gap between the sofa and the table wide enough for a roomba?": ("F01", (SOFA, TABLE), 0.34),
    "what is the widest robot that can pass between the table and the couch": ("F02", (TABLE, SOFA)),
    "does the mug fit on the table?": ("F03", (MUG, TABLE)),
    "Is there room left on the table for the book?": ("F03", (BOOK, TABLE)),
    "can you put the book on top of the table": ("F03", (BOOK, TABLE)),
    "would the mug fit into the box on the left?": ("F04", (MUG, 12)),
    "Is the book small enough to fit in the box on the left?": ("F04", (BOOK, 12)),
    "could a toddler walk under the table?": ("F05", (TABLE,), 0.87),
    "can a box 40 cm tall be put under the table": ("F05", (TABLE,), 0.4),
    "does the mug fit under the lamp?": ("F05", (LAMP, MUG)),
    "Where can I put something to the right of the mug?": ("F06", (MUG,)),
    "is there any free space behind the couch?": ("F06", (SOFA,)),
    "show me an empty spot on the table": ("F08", (TABLE,)),
    "How much free space is left on the table?": ("F09", (TABLE,)),
    "Can I reach the lamp from here?": ("F10", (LAMP,), 0.8),
    "is the mug within my reach?": ("F10", (MUG,), 0.8),
    "can a robot arm with a 4 ft reach at the camera reach the mug": ("F10", (MUG,), 1.2192),
    "Can you see the lamp from the couch?": ("F11", (SOFA, LAMP)),
    "is the line of sight between the lamp and the couch clear?": ("F11", (LAMP, SOFA)),
}


@pytest.mark.parametrize("question", READ)
def test_free_english_is_read_as_it_is_meant(question: str) -> None:
    type_id, ids, *length = READ[question]
    reading: Reading = read_question(ROOM, question)
    assert (reading.kind.type_id, reading.object_ids) == (type_id, ids)
    assert [pytest.approx(one) for one in length] == ([reading.stated.length_m] if reading.stated else [])


REFUSED = {
    "Can a robot 1.2 m tall pass between the table and the couch?": "is about a width, and the question states a",
    "can a toddler pass between the table and the couch": "No width is known for a toddler",
    "How far is the mug from the wall?": '"the wall" may mean the left wall or the back wall',
    "Can a robot 50 cm wide not pass between the table and the couch?": "no question that can be read",
    "Can a robot arm of 80 cm reach the mug?": "no question that can be read",
    "Is the mug on the table?": "no question that can be read",
    "Can a robot 50 cm wide and 2 m tall pass between the table and the couch?": "no question that can be read",
    "Is the doorway too narrow for a robot 1 m wide?": "no question that can be read",
}


@pytest.mark.parametrize("question", REFUSED)
def test_what_means_something_else_is_refused(question: str) -> None:
    with pytest.raises(NotAnswered) as refused:
        read_question(ROOM, question)
    assert REFUSED[question] in str(refused.value)


@dataclass(frozen=True)
class Room:
    """A rendered room: measured from what its sensors say, and exactly."""

    measured: Measured
    exact: ExactScene


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> list[Room]:
    folder = tmp_path_factory.mktemp("doorways")
    write_crawl(str(folder), 5, 67, width=400, height=300, doorways=True)
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    return [Room(_measured(folder, row), read_scene(folder, row)) for row in rows]


def _measured(folder: Path, row: dict[str, Any]) -> Measured:
    given = {name: row[name] for name in ("objects", "camera", "gravity")}
    return spatiallake.measure(
        folder / row["image"], depth=folder / row["depth"], masks=folder / row["instances"], **given
    )


def _asked(room: Room) -> Iterator[tuple[QuestionType, Answer]]:
    """Ask what people ask of everything in a room, with a length on either side of what there is."""
    names = [one.name for one in room.measured.things if one.name]
    walls = [place.name for place in room.measured.asked.places.values() if place.kind == "wall"]
    texts = [f"How far is {one} from {wall}?" for one in names for wall in walls]
    texts += [f"How far away is {wall}?" for wall in walls] + ["How wide is the doorway?"]
    texts += [f"Can a cart {wide} cm wide get through the doorway?" for wide in (40, 60, 80, 100, 140)]
    texts += [f"Can I reach {one}?" for one in names]
    texts += [f"Could an arm with a reach of {reach} m at the camera touch {one}?" for one in names for reach in (1, 2)]
    texts += [f"Where is there free space {where} {one}?" for one in names for where in ("left of", "behind", "on")]
    for one in names:
        texts += [f"Does {one} fit {how} {other}?" for other in names if other != one for how in ("on", "in", "under")]
        texts += [f"Can you see {one} from {other}?" for other in names if other > one]
        texts += [
            f"Can a robot {wide} cm wide pass between {one} and {other}?"
            for other in names
            if other > one
            for wide in (40, 90)
        ]
    kinds = {kind.type_id: kind for kind in scene_types()}
    for text in texts:
        answer = room.measured.answer(text)
        assert answer.reason not in ("not_understood", "unknown_type"), text
        if answer.answered and answer.type_id in kinds:
            yield kinds[answer.type_id], answer


def _row(kind: QuestionType, answer: Answer) -> dict[str, Any]:
    """The columns of `qa_pairs` that an oracle reads."""
    variant = answer.variant or ""
    return {
        "type_id": kind.type_id,
        "object_ids": [one.object_id for one in answer.objects if one.object_id >= 0],
        "places": [one.name for one in answer.objects if one.object_id < 0],
        "answer_bool": variant == "yes" if kind.answer_kind == AnswerKind.BOOL else None,
        "side": kind.side_of(variant),
        "asked_m": answer.asked_m,
        "value_si": answer.value_si,
        "points": None if answer.point is None else [list(answer.point)],
    }


def test_answers_are_right_by_exact_geometry(rooms: list[Room]) -> None:
    right: list[bool] = []
    relative_errors: list[float] = []
    kinds: Counter[str] = Counter()
    for room in rooms:
        for kind, answer in _asked(room):
            verdict = check(_row(kind, answer), room.exact)
            kinds[kind.type_id] += 1
            if kind.answer_kind == AnswerKind.NUMBER:
                assert verdict.relative_error is not None
                relative_errors.append(verdict.relative_error)
            else:
                right.append(bool(verdict.right))
                assert verdict.right, (answer.question, answer.text)
    assert len(kinds) >= 10 and len(right) >= 100 and len(relative_errors) >= 20, kinds
    assert np.mean(right) >= 0.995
    assert np.mean(np.array(relative_errors) <= 0.10) >= 0.95


def test_a_comparison_says_both_lengths_and_is_not_made_inside_the_error(rooms: list[Room]) -> None:
    room = next(one.measured for one in rooms if one.measured.answer("How wide is the doorway?").answered)
    width = room.answer("How wide is the doorway?", unit=None)
    assert width.value_si is not None
    fits = room.answer(f"Can a box {width.value_si - 0.1:.2f} m wide get through the doorway?")
    assert fits.text.startswith("Yes, the doorway is") and "give or take" in fits.text and "is needed" in fits.text
    assert room.answer(f"Can a box {width.value_si + 0.1:.2f} m wide get through the doorway?").text.startswith("No, ")
    close = room.answer(f"Can a box {width.value_si:.2f} m wide get through the doorway?")
    assert close.reason == "within_error" and "is needed or reached, and there is" in close.text


def test_a_type_takes_its_length_as_an_argument(rooms: list[Room]) -> None:
    room = next(one.measured for one in rooms if one.measured.answer("How wide is the doorway?").answered)
    assert room.answer("passes through a doorway", "the doorway", needs_m=0.2).text.startswith("Yes, ")
    assert room.answer("passes through a doorway", "the doorway").reason == "no_length"


def test_the_line_drawn_is_as_long_as_the_answer(rooms: list[Room]) -> None:
    drawn: Counter[str] = Counter()
    for room in rooms:
        for kind, answer in _asked(room):
            dimension = room.measured.dimension(answer)
            if dimension is None or kind.span is None:
                continue
            length = np.linalg.norm(np.subtract(*dimension.lines[0]))
            expected = answer.value_si if answer.has_m is None else answer.has_m
            assert length == pytest.approx(expected, rel=0.12), answer.question
            drawn[kind.name] += 1
    assert drawn


def test_a_point_is_marked_where_it_is(rooms: list[Room]) -> None:
    marked = 0
    for room in rooms[:3]:
        for _, answer in _asked(room):
            if answer.point is not None:
                image = np.asarray(room.measured.draw(answer))
                u, v = answer.point
                assert image[int(v * image.shape[0]), int(u * image.shape[1])].min() > 200
                marked += 1
                break
    assert marked
