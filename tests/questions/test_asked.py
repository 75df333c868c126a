"""One image asked: answers are those of the stage, right by exact geometry, and say why where there is none."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spatiallake
from jobs.one_image.measured import Measured
from scenes.crawl import write_crawl
from scenes.truth.exact import check
from scenes.truth.measure import ExactScene, read_scene
from udfs.geometry.masks import crop_of
from udfs.questions.answer import Answer, AskedObject
from udfs.questions.asked import AskedScene
from udfs.questions.question_type import AnswerKind, QuestionType
from udfs.questions.registry import askable_types
from udfs.questions.wordings import asks_by_variant


@dataclass(frozen=True)
class Room:
    """A rendered room: measured from what its sensors say, and exactly."""

    measured: Measured
    exact: ExactScene


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> list[Room]:
    folder = tmp_path_factory.mktemp("asked")
    write_crawl(str(folder), 4, 11, width=320, height=240)
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    return [Room(measured(folder, row), read_scene(folder, row)) for row in rows]


def measured(folder: Path, row: dict[str, Any]) -> Measured:
    return spatiallake.measure(
        folder / row["image"],
        depth=folder / row["depth"],
        masks=folder / row["instances"],
        objects=row["objects"],
        camera=row["camera"],
        gravity=row["gravity"],
    )


def every_answer(room: Room) -> Iterator[tuple[QuestionType, Answer]]:
    """Every type about every object and pair, in both orders."""
    ids = [one["object_id"] for one in room.measured.objects]
    for kind in askable_types():
        for about in permutations(ids, kind.objects):
            for side in kind.variants if asks_by_variant(kind.type_id) else (None,):
                yield kind, room.measured.answer(kind.type_id, *about, side=side)


def row_of(kind: QuestionType, answer: Answer) -> dict[str, Any]:
    """The columns of `qa_pairs` that an oracle reads."""
    variant = answer.variant or ""
    return {
        "type_id": kind.type_id,
        "object_ids": [one.object_id for one in answer.objects],
        "answer_kind": str(kind.answer_kind),
        "answer_bool": variant == "yes" if kind.answer_kind == AnswerKind.BOOL else None,
        "answer_object_id": answer.chosen.object_id if answer.chosen else None,
        "side": kind.side_of(variant),
        "value_si": answer.value_si,
        "sigma_si": answer.sigma_si,
        "distance_kind": kind.distance_kind_of(variant),
        "question": answer.question,
        "question_template": f"{kind.type_id}.{variant}.q01",
        "answer_template": f"{kind.type_id}.{variant}.a01",
    }


def test_answers_are_those_that_the_stage_gives(rooms: list[Room]) -> None:
    compared = 0
    for room in rooms:
        for row in room.measured.answers:
            side = row["question_template"].split(".")[1] if asks_by_variant(row["type_id"]) else None
            by_type = room.measured.answer(row["type_id"], *row["object_ids"], side=side)
            in_words = room.measured.answer(row["question"])
            for answer in (by_type, in_words):
                assert answer.answered, (row["question"], answer.text)
                assert (answer.value_si, answer.sigma_si) == (row["value_si"], row["sigma_si"])
                assert [one.object_id for one in answer.objects] == row["object_ids"]
                assert (answer.chosen.object_id if answer.chosen else None) == row["answer_object_id"]
                if row["answer_bool"] is not None:
                    assert (answer.variant == "yes") == row["answer_bool"]
            compared += 1
    assert compared >= 100


def test_answers_are_right_by_exact_geometry(rooms: list[Room]) -> None:
    qualitative: list[bool] = []
    relative_errors: list[float] = []
    for room in rooms[:3]:
        for kind, answer in every_answer(room):
            if not answer.answered or not {one.object_id for one in answer.objects} <= room.exact.objects.keys():
                continue
            verdict = check(row_of(kind, answer), room.exact)
            if verdict.relative_error is not None:
                relative_errors.append(verdict.relative_error)
            elif verdict.right is not None:
                qualitative.append(verdict.right)
    assert len(qualitative) > 500 and len(relative_errors) > 300
    assert np.mean(qualitative) >= 0.995
    assert np.mean(np.array(relative_errors) <= 0.10) >= 0.95


def test_every_refusal_has_a_code_and_a_sentence(rooms: list[Room]) -> None:
    reasons = set()
    for kind, answer in every_answer(rooms[0]):
        if not answer.answered:
            reasons.add(answer.reason)
            assert answer.text.endswith(".") and answer.value is None and answer.type_id == kind.type_id
    assert {"undecided", "within_error"} <= reasons or {"undecided", "no_size"} <= reasons


def test_a_second_answer_takes_milliseconds(rooms: list[Room]) -> None:
    room = rooms[0].measured
    names = [thing.name for thing in room.things if thing.name]
    room.answer(f"How tall is {names[0]}?")
    asked = [f"How wide is {name}?" for name in names] + [f"How far is {names[0]} from {name}?" for name in names[1:]]
    began = time.process_time()
    for question in asked:
        assert room.answer(question).reason != "not_understood"
    assert (time.process_time() - began) / len(asked) < 0.02


def test_a_measured_image_of_given_depth_is_asked_in_under_two_seconds(rooms: list[Room], tmp_path: Path) -> None:
    write_crawl(str(tmp_path), 1, 12, width=640, height=480)
    row = json.loads((tmp_path / "manifest.jsonl").read_text())
    began = time.process_time()
    answer = measured(tmp_path, row).answer(f"How far is object {row['objects'][0]['id']} from the camera?")
    assert answer.objects
    assert time.process_time() - began < 2.0


def numbers(room: Room, type_name: str) -> list[Answer]:
    ids = [one["object_id"] for one in room.measured.objects]
    kinds = [kind for kind in askable_types() if kind.name == type_name]
    answers = [room.measured.answer(type_name, *about) for about in permutations(ids, kinds[0].objects)]
    return [answer for answer in answers if answer.answered]


@pytest.mark.parametrize(
    ("unit", "size_m"), [("inches", 0.0254), ("cm", 0.01), ("feet", 0.3048), ("mm", 0.001), ("m", 1)]
)
def test_a_number_is_said_in_the_unit_asked_for(rooms: list[Room], unit: str, size_m: float) -> None:
    answer = numbers(rooms[0], "height")[0]
    name = answer.objects[0].name
    said = rooms[0].measured.answer(f"How tall is {name} in {unit}?")
    typed = rooms[0].measured.answer("height", name, unit=unit)
    assert said.text == typed.text
    assert said.value == pytest.approx(answer.value_si / size_m)
    assert said.value_text and said.value_text in said.text and said.unit and said.unit in said.text
    low, high = said.interval or (0.0, 0.0)
    assert low < said.value < high
    assert high - low == pytest.approx(2 * 1.96 * said.sigma, rel=1e-6)


def test_a_unit_of_something_else_is_refused(rooms: list[Room]) -> None:
    name = numbers(rooms[0], "height")[0].objects[0].name
    answer = rooms[0].measured.answer(f"How tall is {name} in degrees?")
    assert answer.reason == "other_unit" and "height is a length" in answer.text
    assert rooms[0].measured.answer("height", name, unit="parsec").reason == "other_unit"


def test_gravity_that_is_missing_closes_what_needs_it(rooms: list[Room]) -> None:
    room = rooms[0].measured
    row = {**room.scene, "gravity_src": "none", "gravity_sigma_deg": None, "gravity_c": None}
    scene = AskedScene(row, room.references["references"], room.lifted["regions"])
    name = numbers(rooms[0], "height")[0].objects[0].name
    answer = scene.answer(f"How tall is {name}?")
    assert answer.reason == "no_gravity"
    assert answer.text == "Height needs gravity: gravity is unknown, and 5 degrees are needed."
    assert (
        scene.answer("how many times taller or wider", *(one["object_id"] for one in row["objects"][:2])).reason != ""
    )


def test_depth_without_a_scale_closes_lengths_and_leaves_relations(rooms: list[Room]) -> None:
    room = rooms[0].measured
    scene = AskedScene({**room.scene, "scale_ok": False}, room.references["references"])
    ids = [one["object_id"] for one in room.objects]
    assert scene.answer("distance from the camera", ids[0]).reason == "no_scale"
    assert any(scene.answer("left of", *pair).answered for pair in permutations(ids, 2))


def test_a_difference_inside_the_error_is_not_told(rooms: list[Room]) -> None:
    room = rooms[0].measured
    blurred = {**room.scene, "objects": [{**one, "sigma_m": 1.0} for one in room.objects]}
    scene = AskedScene(blurred, room.references["references"])
    ids = [one["object_id"] for one in room.objects]
    reasons = {scene.answer(name, *pair).reason for pair in permutations(ids, 2) for name in ("behind", "left of")}
    assert "within_error" in reasons
    assert {scene.answer("distance center to center", *pair).answered for pair in permutations(ids, 2)} == {False}


def test_a_region_that_was_not_measured_says_so(rooms: list[Room]) -> None:
    room = rooms[0].measured
    gone = room.objects[0]["object_id"]
    row = {
        **room.scene,
        "objects": room.objects[1:],
        "rejected": [{"region_id": gone, "reason": "too_few_points", "detail": "3 clean depth points in 9 px."}],
    }
    references = [one for one in room.references["references"] if one["object_id"] != gone]
    scene = AskedScene(row, references, room.lifted["regions"])
    answer = scene.answer("distance from the camera", gone)
    assert answer.reason == "not_measured" and "3 clean depth points" in answer.text


def test_what_was_given_wrongly_is_named(rooms: list[Room]) -> None:
    room = rooms[0].measured
    ids = [one["object_id"] for one in room.objects]
    assert "There is no question type 'heigth'" in room.answer("heigth", ids[0]).text
    assert "is about one object, and 2 were given" in room.answer("height", *ids[:2]).text
    assert "has no side 'nicer'" in room.answer("taller or shorter", *ids[:2], side="nicer").text
    assert room.answer("left of", ids[0], ids[0]).reason == "same_object"
    assert room.answer("left of", ids[0], 9999).reason == "not_found"


def test_a_choice_asked_as_yes_or_no_is_answered_so(rooms: list[Room]) -> None:
    said = set()
    for answer in [one for room in rooms for one in numbers(room, "closer or farther")]:
        room = next(room for room in rooms if answer in numbers(room, "closer or farther"))
        a, b = (one.name for one in answer.objects)
        told = room.measured.answer(f"Is {a} closer to the camera than {b}?")
        assert told.text.startswith("Yes: " if told.chosen == told.objects[0] else "No: ")
        said.add(told.text[:2])
        if len(said) == 2:
            break
    assert said == {"Ye", "No"}


def test_lettered_options_are_answered_by_a_letter(rooms: list[Room]) -> None:
    answer = numbers(rooms[0], "closer or farther")[0]
    a, b = (one.name for one in answer.objects)
    question = f"Which is closer to the camera, {a} or {b}? A. {b}. B. {a}. Reply with A or B only."
    assert rooms[0].measured.answer(question).text == ("B" if answer.chosen == answer.objects[0] else "A")


def test_near_questions_have_answers(rooms: list[Room]) -> None:
    for room in rooms:
        name = next(thing.name for thing in room.measured.things if thing.name)
        answer = room.measured.answer(f"How heavy is {name}?")
        assert answer.reason == "not_understood" and answer.near
        for question in (*answer.near, *room.measured.asked.near_questions(count=5)):
            assert room.measured.answer(question).answered, question
        assert name in answer.near[0]


def test_the_things_are_those_of_the_table(rooms: list[Room]) -> None:
    for room in rooms:
        rows = {row["object_id"]: row for row in room.measured.objects}
        assert {thing.object_id for thing in room.measured.things} == set(rows)
        for thing in room.measured.things:
            row = rows[thing.object_id]
            assert np.ptp(np.array(thing.box_m)[:, 2]) == pytest.approx(row["size_m"][2])
            assert (thing.support or {}).get("plane_id") == row["support_plane_id"]
        assert room.measured.gravity and room.measured.gravity.down_c[1] > 0.5
        assert any(surface["kind"] == "floor" for surface in room.measured.surfaces) == (
            room.measured.scene["has_plane"] == "floor"
        )


def pixels(image: Any) -> np.ndarray:
    return np.asarray(image.convert("RGB")).astype(int)


def test_a_drawing_shows_the_objects_of_the_answer(rooms: list[Room]) -> None:
    room = rooms[0].measured
    answer = numbers(rooms[0], "width")[0]
    plain, all_drawn = pixels(room.draw()), pixels(room.draw(answer))
    assert plain.shape == (240, 320, 3)
    assert (plain != all_drawn).any()
    with pytest.raises(spatiallake.SpatialLakeError, match="draw it on its own image"):
        room.draw(Answer(question="", text="", objects=(AskedObject(999, "x"),)))


@pytest.mark.parametrize(
    ("type_name", "tolerance"),
    [
        ("distance between closest points", 0.02),
        ("distance center to center", 1e-6),
        ("horizontal distance", 1e-6),
        ("vertical distance", 1e-6),
        ("how far left or right", 1e-6),
        ("how far in front or behind", 1e-6),
        ("how much higher or lower", 1e-6),
        ("width", 1e-3),
        ("height", 1e-3),
        ("front-to-back length", 1e-3),
        ("height of the top above the support", 1e-6),
        ("horizontal clearance", 0.02),
    ],
)
def test_the_line_drawn_is_as_long_as_the_answer(rooms: list[Room], type_name: str, tolerance: float) -> None:
    drawn = 0
    for room in rooms:
        for answer in numbers(room, type_name)[:4]:
            dimension = room.measured.dimension(answer)
            assert dimension is not None
            assert all(np.allclose(one[:2], other[:2]) for one, other in dimension.lines[1:])
            start, end = dimension.lines[0]
            assert np.linalg.norm(end - start) == pytest.approx(answer.value_si, rel=tolerance, abs=0.005)
            drawn += 1
    assert drawn >= 3


def test_the_closest_points_lie_on_the_two_objects(rooms: list[Room]) -> None:
    for room in rooms:
        scene = room.measured.scene
        regions = {region["region_id"]: region for region in room.measured.lifted["regions"]}
        pose = np.reshape(scene["world_from_camera"], (3, 4))
        for answer in numbers(room, "distance between closest points")[:6]:
            dimension = room.measured.dimension(answer)
            assert dimension is not None
            for point, about in zip(dimension.lines[0], answer.objects, strict=True):
                x, y, z = (point - pose[:, 3]) @ pose[:, :3]
                crop = crop_of(regions[about.object_id], scene["height"], scene["width"])
                assert crop is not None
                u = np.array([round(scene["camera"]["fx"] * x / z + scene["camera"]["cx"])])
                v = np.array([round(scene["camera"]["fy"] * y / z + scene["camera"]["cy"])])
                assert crop.share_of(u, v) == 1.0
