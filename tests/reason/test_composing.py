"""Composed questions for training: the same for a seed, and every number recomputed from the scene's own rows."""

import re

import pytest

from tests.reason.recomputing import Checker
from tests.reason.rooms import CANS, ROOM, references, scene_row
from vlm.reason.composing import Composed, rows_of

ROWS = {"room": (scene_row(ROOM, 0.002), references(ROOM)), "cans": (scene_row(CANS, 0.001), references(CANS))}


def made(name: str, seed: int = 0, count: int = 12) -> list[Composed]:
    scene, named = ROWS[name]
    return rows_of(scene, named, seed, count)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("seed", range(6))
def test_every_number_is_recomputed_from_the_scene(name: str, seed: int) -> None:
    checker = Checker(*ROWS[name])
    rows = made(name, seed)
    assert len(rows) >= 6
    assert sum(map(checker.check, rows)) >= 20


def test_a_number_that_is_off_is_found() -> None:
    one = next(row for row in made("room") if row.kind == "path")
    wrong = re.sub(r"(\d)\.(\d)", lambda match: f"{int(match[1]) + 1}.{match[2]}", one.answer, count=1)
    with pytest.raises(AssertionError):
        Checker(*ROWS["room"]).check(one._replace(answer=wrong))


def test_the_same_seed_makes_the_same_rows_and_another_makes_others() -> None:
    assert made("room", 3) == made("room", 3)
    assert made("room", 3) != made("room", 4)


def test_as_many_are_made_as_are_wanted_of_several_kinds() -> None:
    rows = made("room", count=7)
    assert len(rows) == 7 and len({one.question for one in rows}) == 7 and len({one.kind for one in rows}) >= 5


def test_what_is_too_uncertain_is_not_asked() -> None:
    vague = scene_row(ROOM, 5.0)
    assert not any(one.kind == "path" for one in rows_of(vague, references(ROOM), 0, 8))


def test_nothing_rests_on_how_far_a_thing_is_from_what_it_stands_on() -> None:
    x, y, _ = ROOM["the mug"][0]
    raised = {**ROOM, "the mug": ((x, y, 1.05), ROOM["the mug"][1])}
    pair = re.compile("(?<!center-to-center )distance between the (mug and the table|table and the mug)")
    on, above = (
        [one for seed in range(12) for one in rows_of(scene_row(boxes, 0.002), references(boxes), seed, 12)]
        for boxes in (ROOM, raised)
    )
    assert not any(pair.search(one.answer) for one in on)
    assert any(pair.search(one.answer) for one in above)


def test_objects_without_a_unique_name_are_left_out() -> None:
    scene, named = ROWS["room"]
    rows = rows_of(scene, named[:3], 0, 8)
    assert rows and not any("mug" in one.question or "basket" in one.answer for one in rows)


def test_a_scene_of_one_thing_composes_nothing() -> None:
    scene = scene_row({"the sofa": ROOM["the sofa"]})
    assert rows_of(scene, [{"object_id": 0, "expression": "the sofa", "form": "label"}], 0, 8) == []
