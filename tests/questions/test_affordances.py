"""Affordances: wordings, stated lengths, halves, and that they change no other row; on scenes made of plain numbers."""

import re
import string
from typing import Any

import pyarrow as pa
import pytest
import shapely

from tests.questions.example_room import example_object
from tests.questions.shapes import INPUT, OUTPUT
from udfs.language.draws import Draws
from udfs.language.quantity import say_area, say_compared, say_length_down
from udfs.questions.bodies import bodies, stated_near
from udfs.questions.layout import Layout, SeenPlace, SeenShape, layout_of
from udfs.questions.question_type import AnswerKind, Group, QuestionType
from udfs.questions.registry import question_types, rules
from udfs.questions.types.inside import containers
from udfs.questions.wordings import answers, questions, short_answer
from udfs.stages.synthesize import QaColumns, SynthesizeSettings, synthesize_batches, synthesize_scene

KINDS = [kind for kind in question_types().values() if kind.group == Group.AFFORDANCE]
# slots that only a rule's `Given` fills
OF_COMPARISONS = {"has", "needs", "error"}
ROOM_M = {1: (2.5, 0.9, 0.3), 2: (2.5, -0.9, 0.3), 3: (4.0, 0.0, 0.4)}
Row = dict[str, Any]


def _slots(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def _normal(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9 ]", "", text.lower()).split())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type_id)
def test_there_are_enough_wordings_and_no_two_are_equal(kind: QuestionType) -> None:
    asked = {wording.text for variant in kind.variants for wording in questions(kind.type_id, variant)}
    assert len({_normal(text) for text in asked}) == len(asked) >= 12
    for variant in kind.variants:
        said = [wording.text for wording in answers(kind.type_id, variant)]
        assert len({_normal(text) for text in said}) == len(said) >= 6
        assert short_answer(kind.type_id, variant).text.endswith(".")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type_id)
def test_wordings_hold_what_their_kind_needs(kind: QuestionType) -> None:
    for variant in kind.variants:
        for wording in answers(kind.type_id, variant):
            used = _slots(wording.text)
            if kind.answer_kind == AnswerKind.POINT:
                assert used >= {"point", "value"}
            elif kind.answer_kind == AnswerKind.NUMBER:
                assert "value" in used
            elif kind.type_id != "F11":
                assert used & OF_COMPARISONS >= {"has", "needs"}, wording
            pattern = {"yes": r"^(Yes|Indeed),", "no": r"^(No|Actually),"}.get(variant, "")
            assert re.search(pattern, wording.text), wording
            assert not re.search(r"[.?!] \{[A-D]\}|\}'s|centre|metre|  ", wording.text)


def test_every_length_of_a_body_has_a_source() -> None:
    assert len(bodies()) >= 8
    assert {"toddler", "adult", "wheelchair_user"} <= {body.key for body in bodies()}
    for body in bodies():
        lengths = [body.width_m, body.height_m, body.reach_m]
        assert any(lengths) and len(body.source) > 20
        assert all(length is None or 0.05 < length < 3.0 for length in lengths)
    by_key = {body.key: body for body in bodies()}
    assert by_key["wheelchair_user"].width_m == pytest.approx(32 * 0.0254, abs=0.003)


@pytest.mark.parametrize("smaller", [True, False])
@pytest.mark.parametrize("measured_m", [0.05, 0.37, 0.95, 2.6])
def test_a_stated_length_is_15_percent_or_more_away_from_the_measured_one(measured_m: float, smaller: bool) -> None:
    found = [stated_near(measured_m, smaller, "width_m", Draws(seed)) for seed in range(200)]
    lengths = [stated.length_m for stated in found if stated is not None]
    assert len(set(lengths)) > (2 if measured_m > 0.1 else 0)
    if smaller:
        assert all(measured_m / 2 - 1e-9 <= length <= measured_m / 1.15 for length in lengths)
    else:
        assert all(measured_m / 0.85 <= length <= measured_m * 1.8 + 1e-9 for length in lengths)
    if measured_m == 0.95 and smaller:
        assert any(stated is not None and stated.body is not None for stated in found)


@pytest.mark.parametrize("value_m", [0.05, 0.059, 0.119, 0.2, 0.299, 0.349, 0.999, 1.0, 1.099, 1.26, 1.95, 3.99])
def test_the_widest_that_fits_is_rounded_down(value_m: float) -> None:
    for in_meters in (False, True):
        said = say_length_down(value_m, in_meters)
        size = 0.01 if "centimeter" in said.unit_text else 1.0
        assert 0.85 * value_m <= float(said.value_text) * size <= value_m + 1e-9


def test_a_length_that_is_too_short_is_not_rounded_down_to_nothing() -> None:
    with pytest.raises(ValueError, match=r"0\.02 m is too short to be rounded down"):
        say_length_down(0.02)


def test_areas_and_compared_lengths_are_said() -> None:
    assert {say_area(0.3512, Draws(seed)).text for seed in range(40)} == {"0.35 square meters", "3.8 square feet"}
    assert [say_compared(one) for one in (0.8, 0.999, 1.25, 0.004)] == [
        "80 centimeters",
        "1 meter",
        "1.25 meters",
        "1 centimeter",
    ]
    assert say_compared(0.8, True) == "0.8 meters"


def _box(x: float, y: float, side: float, low: float = 0.0, high: float = 0.5) -> SeenShape:
    square = shapely.box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    return SeenShape(0, "box", square, square, low, high, low, high, True, True)


def _layout(*shapes: SeenShape) -> Layout:
    for number, shape in enumerate(shapes):
        shape.object_id = number
    return Layout(True, 0.0, {shape.object_id: shape for shape in shapes})


def test_a_passage_is_the_gap_between_two_things_on_the_floor() -> None:
    (passage,) = _layout(_box(2, 1, 0.5), _box(2, -1, 0.5)).passages
    assert (passage.a, passage.b) == (0, 1) and passage.width_m == pytest.approx(1.5)


@pytest.mark.parametrize(
    "third",
    [
        pytest.param(_box(2, 0, 0.2), id="something in between"),
        pytest.param(_box(2, 0, 0.2, 1.0, 1.5), id="something that hangs in the way"),
    ],
)
def test_nothing_passes_where_something_is_in_the_way(third: SeenShape) -> None:
    found = _layout(_box(2, 1, 0.5), _box(2, -1, 0.5), third).passages
    assert all({passage.a, passage.b} != {0, 1} for passage in found)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(_box(2, -1, 0.5, 0.4, 0.9), id="hangs"),
        pytest.param(_box(2, -1, 0.5, 0.0, 0.02), id="flat"),
        pytest.param(_box(2, -6, 0.5), id="far"),
    ],
)
def test_what_is_no_barrier_makes_no_passage(other: SeenShape) -> None:
    assert _layout(_box(2, 1, 0.5), other).passages == []


def test_a_rug_between_two_things_is_passed_over() -> None:
    assert len(_layout(_box(2, 1, 0.5), _box(2, -1, 0.5), _box(2, 0, 0.6, 0.0, 0.02)).passages) == 1


def _object(number: int, x: float, y: float, side: float) -> Row:
    made = example_object(number, (x, y, side / 2), (side, side, side))
    square = [
        x - side / 2,
        y - side / 2,
        x + side / 2,
        y - side / 2,
        x + side / 2,
        y + side / 2,
        x - side / 2,
        y + side / 2,
    ]
    return {**made, "label": "crate", "foot_m": square}


def _room(has_plane: str = "floor", sigma_rel: float = 0.0) -> tuple[Row, list[Row]]:
    wall = {"normal_m": [-1.0, 0.0, 0.0], "offset_m": 5.0, "sigma_m": 0.0, "object_id": None}
    doorway = {**wall, "width_m": 0.9, "name": "the doorway", "kind": "doorway", "place_id": 1}
    objects = [_object(number, x, y, side) for number, (x, y, side) in ROOM_M.items()]
    for thing in objects:
        thing["sigma_m"] = sigma_rel * thing["range_m"]
    row = {
        "image_id": "room",
        "ingest_shard": 0,
        "scene_recipe": "s",
        "licence": None,
        "width": 640,
        "camera": {"fx": 520.0},
        "world_from_camera": [*(0.0,) * 11, 1.5],
        "depth_noise_rel": 0.0,
        "sigma_rel": sigma_rel,
        "gravity_src": "gt",
        "gravity_sigma_deg": 0.0,
        "has_plane": has_plane,
        "scale_ok": True,
        "objects": objects,
        "pairs": [],
        "places": [{**wall, "name": "the back wall", "kind": "wall", "place_id": 0}, doorway],
        "spaces": [],
        "sights": [{"a": 1, "b": 3, "clear": True}, {"a": 1, "b": 2, "clear": False}],
    }
    names = [{"object_id": n, "expression": f"crate {n}", "form": "label"} for n in ROOM_M]
    return row, names


def _rows(max_affordances: int, seed: int = 0, **room: Any) -> list[Row]:
    out = QaColumns("recipe")
    row, names = _room(**room)
    synthesize_scene(row, names, SynthesizeSettings(max_affordances=max_affordances, seed=seed), out)
    return out.rows()


def _affordances(rows: list[Row]) -> list[Row]:
    return [row for row in rows if question_types()[row["type_id"]].group == Group.AFFORDANCE]


def test_affordances_change_no_other_row() -> None:
    plain, more = _rows(0), _rows(30)
    assert _affordances(plain) == []
    own = _affordances(more)
    assert own and [row for row in more if row not in own] == plain
    assert len({row["qa_id"] for row in more}) == len(more)


def test_halves_and_polarities_are_even_and_within_the_cap() -> None:
    for seed in range(12):
        own = _affordances(_rows(8, seed))
        families = [row["family"] for row in own]
        assert families.count("qualitative") == families.count("quantitative") <= 8
        truths = [row["answer_bool"] for row in own if row["answer_kind"] == "bool"]
        assert truths.count(True) == truths.count(False) > 0


def test_rows_hold_what_was_stated_and_whom_it_is_about() -> None:
    rows = [row for seed in range(30) for row in _affordances(_rows(30, seed))]
    widths = [row for row in rows if row["type_id"] == "F01"]
    assert widths
    for row in widths:
        (gap_m,) = {
            passage.width_m
            for passage in layout_of(_room()[0]).passages
            if {passage.a, passage.b} == set(row["object_ids"])
        }
        assert row["answer_bool"] == (row["asked_m"] < gap_m)
        assert row["margin_actual"] == pytest.approx(gap_m)
    assert {row["body"] for row in widths} > {None}
    doorways = [row for row in rows if row["type_id"] in ("S03", "S04")]
    assert {row["type_id"] for row in doorways} == {"S03", "S04"}
    assert all(
        row["object_ids"] == [] and row["places"] == ["the doorway"] and row["place_ids"] == [1] for row in doorways
    )
    walls = [row for row in rows if row["type_id"] == "S01"]
    assert walls and all(row["places"] == ["the back wall"] for row in walls)
    for row in walls:
        x, _, side = ROOM_M[row["object_ids"][0]]
        assert row["value_si"] == pytest.approx(5.0 - x - side / 2)
        assert len(row["references"]) == len(row["object_ids"]) == 1


def test_answers_carry_the_comparison_with_its_error() -> None:
    sentences = [
        row["answer"]
        for seed in range(20)
        for row in _affordances(_rows(30, seed))
        if row["type_id"] in ("F01", "F10", "F14", "S04") and row["answer_form"] == "sentence"
    ]
    assert sentences
    assert all(
        len(re.findall(r"\d+(?:\.\d+)? (?:centi)?meters?", text)) == 3 and "give or take" in text for text in sentences
    )


def test_nothing_is_asked_inside_the_error() -> None:
    sure = [row for seed in range(20) for row in _affordances(_rows(30, seed)) if row["type_id"] == "F10"]
    unsure = [
        row for seed in range(20) for row in _affordances(_rows(30, seed, sigma_rel=0.2)) if row["type_id"] == "F10"
    ]
    assert len(unsure) < len(sure)
    for row in unsure:
        range_m = row["margin_actual"]
        assert abs(row["asked_m"] - range_m) >= 2 * 0.2 * range_m * (1 - 1e-9)


def test_batches_give_the_same_rows() -> None:
    row, names = _room()
    settings = SynthesizeSettings(max_affordances=30)
    batch = pa.RecordBatch.from_pylist([{**row, "references": names}], schema=INPUT)
    (made,) = synthesize_batches(iter([batch]), settings, "recipe", OUTPUT)
    made.validate(full=True)
    expected = _rows(30)
    assert len(_affordances(expected)) > 10
    for found, wanted in zip(made.to_pylist(), expected, strict=True):
        assert {name: found[name] for name in wanted} == wanted


def test_what_needs_a_floor_is_not_asked_on_a_table() -> None:
    kinds = {row["type_id"] for seed in range(10) for row in _affordances(_rows(30, seed, has_plane="table"))}
    assert kinds and not kinds & {"F01", "F02", "F05"}


def test_a_place_is_no_object() -> None:
    places = layout_of(_room()[0]).places
    assert [place.object_id for place in places] == [-1, -2]
    assert all(isinstance(place, SeenPlace) and place.m_x != place.m_x for place in places)


def test_rules_of_affordances_are_documented() -> None:
    for rule in rules(Group.AFFORDANCE):
        assert rule.compares and rule.error_is


def test_containers_are_labels() -> None:
    assert {"box", "basket"} <= containers() and all(label == label.lower() for label in containers())
