"""Answers of another lake about the same objects, against values computed by hand."""

import math
from typing import Any

import numpy as np
import pytest

from jobs.engine.settings import load_settings
from jobs.views.pages.second_answers import SecondScene, partners_of
from jobs.views.pages.verdicts import SecondAnswer, Verdict, VerdictCounts
from jobs.views.truth_slots import ALL_TRUE, answers_of, candidates_of, images_with_truth
from scenes.crawl import write_crawl
from schemas.answers import QA_PAIRS
from schemas.scenes import SCENES
from schemas.shapes import OBJECT
from tests.pages.room import encoded
from udfs.questions.registry import question_type

# objects of the first lake to those of the other; 4 was seen there and not lifted, 5 is a part of what 1 is
PARTNERS = {1: 11, 2: 12, 3: 13, 4: 14, 5: 11}
NAMES = {1: "the lamp", 2: "the table", 3: "the ball", 4: "the rug", 5: "the shade", 6: "the cat"}
AGREE, OFF, CONTRADICT = Verdict.AGREE, Verdict.OFF, Verdict.CONTRADICT
UNDECIDED, MISSING = Verdict.UNDECIDED, Verdict.MISSING


def thing(object_id: int, center: tuple[float, float, float], size: tuple[float, float, float], u: float) -> dict:
    """Return an object at `center` m in W with lengths along x, y, z, seen by a camera 1.5 m up."""
    x, y, z = center
    range_m = math.dist(center, (0.0, 0.0, 1.5))
    half = [length / 2 for length in size]
    known = {
        "object_id": object_id,
        "n_points": 4000,
        "area_px": 4000,
        "center_m": [x, y, z],
        "center_c_m": [-y, 1.5 - z, x],
        "lo_m": [c - h for c, h in zip(center, half, strict=True)],
        "hi_m": [c + h for c, h in zip(center, half, strict=True)],
        "range_m": range_m,
        "depth_m": range_m,
        "u_norm": u,
        "v_norm": 0.5 - 0.1 * (z - 1.0),
        "sigma_m": 0.01 * range_m,
        "size_m": [*size, max(size[:2]), min(size[:2])],
        "volume_m3": float(np.prod(size)),
        "size_source": "visible",
        "size_ok": True,
        "truncated": False,
        "occlusion": 0.0,
    }
    return {**dict.fromkeys(OBJECT.names), **known}


def scene(**changes: Any) -> dict[str, Any]:
    """Return a `scenes` row: a lamp to the left, a table on the floor to the right, a ball straight ahead."""
    row = dict.fromkeys(SCENES.schema.names)
    row |= {"image_id": "i", "width": 640, "height": 480, "camera": {"fx": 520.0}, "scale_ok": True}
    row |= {"gravity_src": "imu", "gravity_sigma_deg": 0.5, "has_plane": "floor"}
    row["world_from_camera"] = [0.0] * 11 + [1.5]
    row["objects"] = [
        thing(11, (2.0, 1.0, 1.5), (0.3, 0.3, 0.6), 0.2),
        thing(12, (3.0, -0.5, 0.41), (0.8, 1.2, 0.8), 0.65),
        thing(13, (2.5, 0.05, 0.6), (0.2, 0.2, 0.2), 0.5),
    ]
    gaps = {(11, 12): (1.2, 1.0), (11, 13): (0.9, 0.7), (12, 13): (0.1, 0.0)}
    row["pairs"] = [
        {"a": a, "b": b, "gap_m": gap, "clearance_m": clearance, "masks_adjacent": False}
        for (a, b), (gap, clearance) in gaps.items()
    ]
    return {**row, **changes}


def asked(type_id: str, ids: list[int], **answer: Any) -> dict[str, Any]:
    """Return a `qa_pairs` row of the first lake."""
    kind = question_type(type_id)
    own = {"type_id": type_id, "object_ids": ids, "references": [NAMES.get(number, f"box {number}") for number in ids]}
    told = {"answer_kind": str(kind.answer_kind), "unit_si": kind.unit_si, "distance_kind": kind.distance_kind}
    return {**dict.fromkeys(QA_PAIRS.schema.names), **own, **told, **answer}


def second(row: dict[str, Any], changes: dict[str, Any] | None = None, surface: str = "floor") -> SecondAnswer:
    """Return the other lake's answer."""
    return SecondScene(scene(**(changes or {})), PARTNERS, surface).answer(row)


@pytest.mark.parametrize(
    ("row", "verdict", "text"),
    [
        (asked("Q01", [1, 2], answer_bool=True), AGREE, "yes"),
        (asked("Q01", [1, 2], answer_bool=False), CONTRADICT, "yes"),
        (asked("Q01", [2, 1], answer_bool=True), CONTRADICT, "no"),
        (asked("Q02", [1, 2], answer_bool=False), AGREE, "no"),
        (asked("Q04", [1, 2], answer_bool=True), AGREE, "yes"),
        (asked("Q08", [2, 1], answer_bool=True), AGREE, "yes"),
        (asked("Q17", [3, 2], answer_bool=True), AGREE, "yes"),
        (asked("Q03", [1, 2], side="right", answer_object_id=2), AGREE, "the table"),
        (asked("Q03", [1, 2], side="left", answer_object_id=2), CONTRADICT, "the lamp"),
        (asked("Q09", [2, 1], side="farther", answer_object_id=2), AGREE, "the table"),
        (asked("Q19", [2, 3], answer_bool=True), AGREE, "yes"),
        (asked("Q19", [2, 3], answer_bool=False), CONTRADICT, "yes"),
        # a gap of 1.2 m is neither near nor far for a table of 0.92 m
        (asked("Q19", [1, 2], answer_bool=False), UNDECIDED, "not decided there"),
        (asked("N15", [2], value_si=0.0, rounding_rule="rests"), AGREE, "It rests on the floor"),
        (asked("N15", [2], value_si=0.3, rounding_rule="0.05 m"), CONTRADICT, "It rests on the floor"),
        (asked("N15", [1], value_si=0.0, rounding_rule="rests"), CONTRADICT, "1.20 m"),
        (asked("N17", [3], value_si=0.03, rounding_rule="ahead"), AGREE, "Straight ahead"),
        (asked("N17", [3], value_si=math.radians(20), side="right"), CONTRADICT, "Straight ahead"),
        (asked("N17", [1], value_si=math.radians(20), side="left"), AGREE, "27° left"),
        (asked("N17", [1], value_si=math.radians(27), side="right"), CONTRADICT, "27° left"),
    ],
)
def test_words_agree_or_contradict(row, verdict, text):
    answer = second(row)
    assert (answer.verdict, answer.text, answer.ratio) == (verdict, text, None)


@pytest.mark.parametrize(
    ("row", "verdict", "text", "ratio"),
    [
        (asked("N01", [1, 2], value_si=1.44), AGREE, "1.20 m", 1.2),
        (asked("N01", [2, 1], value_si=0.72), OFF, "1.20 m", 0.6),
        (asked("N02", [1, 2], value_si=5.0), CONTRADICT, "2.11 m", 5.0 / math.sqrt(1.0 + 2.25 + 1.09**2)),
        (asked("N03", [1, 2], value_si=math.sqrt(3.25)), AGREE, "1.80 m", 1.0),
        (asked("N05", [1, 2], value_si=1.2, side="left"), AGREE, "1.50 m left", 0.8),
        (asked("N05", [2, 1], value_si=2.4, side="right"), OFF, "1.50 m right", 1.6),
        (asked("N05", [1, 2], value_si=1.5, side="right"), CONTRADICT, "1.50 m left", math.inf),
        (asked("N07", [2, 1], value_si=1.09, side="lower"), AGREE, "1.09 m lower", 1.0),
        (asked("N06", [1, 2], value_si=1.0, side="behind"), CONTRADICT, "1.00 m front", math.inf),
        (asked("N14", [2, 1], value_si=1.0, side="farther"), AGREE, "1.00 m farther", 1.0),
        (asked("N11", [2, 1], value_si=0.9, side="wider"), AGREE, "90 cm wider", 1.0),
        (asked("N12", [1, 2], value_si=0.12, side="shorter"), OFF, "20 cm shorter", 0.6),
        (asked("N04", [1, 2], value_si=0.39, distance_kind="gap"), AGREE, "39 cm", 1.0),
        (asked("N08", [1], value_si=0.3), AGREE, "30 cm", 1.0),
        (asked("N15", [1], value_si=0.9), OFF, "1.20 m", 0.75),
        (asked("N18", [2, 1], value_si=4.4, side="wider"), AGREE, "4.0 times", 1.1),
        (asked("N18", [2, 1], value_si=2.0, side="taller"), OFF, "1.3 times", 1.5),
        (asked("N18", [1, 2], value_si=2.0, side="wider"), CONTRADICT, "4.0 times the other way round", math.inf),
        (asked("N19", [1, 2], value_si=1.0), AGREE, "1.00 m", 1.0),
    ],
)
def test_numbers_have_a_ratio_unless_their_sides_differ(row, verdict, text, ratio):
    # what is 1 m farther has to be so along the ray
    changes: dict[str, Any] = {}
    if row["type_id"] in ("N06", "N14"):
        lamp, table, ball = scene()["objects"]
        changes = {
            "objects": [lamp, {**table, "range_m": lamp["range_m"] + 1.0, "depth_m": lamp["range_m"] + 1.0}, ball]
        }
    answer = second(row, changes)
    assert (answer.verdict, answer.text) == (verdict, text)
    assert answer.ratio == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("row", "verdict", "why"),
    [
        (asked("N02", [1, 6], value_si=1.0), MISSING, "No object there is where most of the cat is."),
        (asked("N02", [6, 4], value_si=1.0), MISSING, "No object there is where most of the cat is."),
        (asked("Q01", [5, 1], answer_bool=True), MISSING, "parts of one and the same object"),
        (asked("N13", [4], value_si=1.0), UNDECIDED, "the rug was seen there, but not measured."),
        # the ball hangs between the heights of the table: no free height
        (asked("N04", [3, 2], value_si=0.2, distance_kind="gap"), UNDECIDED, "of another kind"),
        (asked("N04", [1, 2], value_si=0.9, distance_kind="vertical"), UNDECIDED, "of another kind"),
        (asked("N10", [2], value_si=0.8), UNDECIDED, "does not decide"),
    ],
)
def test_what_is_not_there_or_not_decided_says_why(row, verdict, why):
    answer = second(row)
    assert (answer.verdict, answer.ratio) == (verdict, None)
    assert why in answer.why


def test_closed_gates_are_named():
    answer = second(asked("N05", [1, 2], value_si=1.0, side="left"), {"scale_ok": False})
    assert answer.verdict == UNDECIDED and "the depth has no metric scale" in answer.why
    answer = second(asked("Q04", [1, 2], answer_bool=True), {"gravity_src": "none"})
    assert answer.verdict == UNDECIDED and "gravity is unknown" in answer.why


def test_heights_above_another_surface_contradict_where_both_are_named():
    answer = second(asked("N16", [1], value_si=1.8), surface="table")
    assert answer.verdict == CONTRADICT and answer.text == "above the floor"
    assert answer.why == "Heights there are above the floor."
    unnamed = second(asked("N16", [1], value_si=1.8), surface="surface")
    assert unnamed.verdict == UNDECIDED and unnamed.why == "Heights there are above the floor."
    assert second(asked("N16", [1], value_si=1.8)).verdict == AGREE


def test_more_pairs_than_an_image_is_asked_about_are_answered():
    grid = [thing(n, (2.0 + 0.3 * (n % 5), 1.5 - 0.3 * (n // 5), 0.1), (0.1, 0.1, 0.1), n / 30) for n in range(25)]
    other = SecondScene(scene(objects=grid, pairs=[]), {n: n for n in range(25)}, "floor")
    for a in range(25):
        for b in range(a + 1, 25):
            distance = math.dist(grid[a]["center_m"], grid[b]["center_m"])
            assert other.answer(asked("N02", [a, b], value_si=distance)).ratio == pytest.approx(1.0)


def test_partners_are_what_most_of_a_region_is_of():
    def region(number: int, left: int, right: int) -> dict[str, Any]:
        mask = np.zeros((20, 40), bool)
        mask[5:15, left:right] = True
        return {"region_id": number, "rle": encoded(mask)}

    here = [region(1, 0, 10), region(2, 14, 24), region(3, 30, 40)]
    there = [region(7, 0, 20), region(8, 20, 24)]
    # 2 lies with 6 of its 10 columns in 7 and with 4 in 8; 3 lies in neither
    assert partners_of(here, there, 20, 40) == {1: 7, 2: 7}


def test_counts_hold_every_answer_once():
    answers = [
        SecondAnswer(AGREE, "yes"),
        SecondAnswer(AGREE, "1 m", 1.25),
        SecondAnswer(OFF, "1 m", 0.5),
        SecondAnswer(CONTRADICT, "1 m", 2.1),
        SecondAnswer(CONTRADICT, "1 m left", math.inf),
        SecondAnswer(MISSING, "no such object there"),
    ]
    counts = VerdictCounts(answers)
    assert [(part.verdict, part.count) for part in counts.parts] == [
        ("agree", 2),
        ("off", 1),
        ("contradict", 2),
        ("missing", 1),
    ]
    assert sum(part.share for part in counts.parts) == pytest.approx(1.0)
    assert (counts.numbers, counts.within_25, counts.within_2) == (4, 1, 2)
    assert str(VerdictCounts([])) == "no answers to compare"


def test_every_answer_of_the_engine_is_that_of_its_own_scene(tmp_path):
    write_crawl(str(tmp_path), 4, 3, width=256, height=192, min_object_px=40)
    settings = load_settings({"lake": str(tmp_path)}, None, [])
    types = set()
    for _, image in images_with_truth(str(tmp_path), None, settings):
        rows, lifted = answers_of(candidates_of(image, settings.profile()), ALL_TRUE, settings)
        assert rows and lifted
        own = SecondScene(
            lifted, {item["object_id"]: item["object_id"] for item in lifted["objects"]}, lifted["has_plane"]
        )
        answers = [own.answer(row) for row in rows]
        assert {answer.verdict for answer in answers} == {AGREE}
        assert all(answer.ratio in (None, pytest.approx(1.0)) for answer in answers)
        types |= {row["type_id"] for row in rows}
        wrong = [
            own.answer({**row, "answer_bool": not row["answer_bool"]}) for row in rows if row["answer_kind"] == "bool"
        ]
        assert {answer.verdict for answer in wrong} == {CONTRADICT}
    assert len(types) > 30


@pytest.mark.parametrize(
    ("label", "captions", "verdict"),
    [
        ("lamp", ["green lamp"], AGREE),
        ("crate", ["blue crate"], Verdict.MISNAMED),
        ("", [], AGREE),
        ("lamp", [], AGREE),
    ],
)
def test_an_answer_about_what_is_called_something_else_there_is_not_right(label, captions, verdict):
    regions = [{"region_id": 11, "label": label, "captions": captions}]
    other = SecondScene(scene(), PARTNERS, "floor", regions)
    row = asked("Q01", [1, 2], answer_bool=True)
    answer = other.answer(row)
    assert answer.verdict == verdict
    assert answer.why == ("What this answer calls the lamp is called blue crate there." if label == "crate" else "")
    # what contradicts does so whatever the things are called
    assert other.answer({**row, "answer_bool": False}).verdict == CONTRADICT


def test_the_headline_counts_what_agrees_in_every_word():
    counts = VerdictCounts([SecondAnswer(one, "") for one in (AGREE, AGREE, Verdict.MISNAMED, MISSING)])
    assert counts.headline == "2 of 4 answers (50 %) agree in every word"
    assert VerdictCounts([]).headline == ""
