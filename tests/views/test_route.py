"""Routes over the floor: where one can walk, the shortest ways, and which turn is missing."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import shapely

from benchmarks.views import judged, lifted_views
from scenes.paths import PathSettings, camera_path
from scenes.truth.exact import check
from scenes.truth.path import ExactPath
from scenes.truth.tally import Tally
from udfs.geometry.fusion import fuse
from udfs.geometry.walkable import CELL_M, Walkable
from udfs.questions.registry import question_types
from udfs.questions.sequence import Sequence, SequenceSettings, names_of
from udfs.questions.sequence_answers import answer_sequence, decided

ROOM_M, WALL_M, GAP_M = 4.0, 2.0, 0.4


def floor_with_a_wall() -> Walkable:
    """Return a floor of 4 x 4 m, a wall across it at x = 2 m, and a gap of 1 m at its end y > 3 m."""
    steps = (np.arange(int(ROOM_M / CELL_M)) + 0.5) * CELL_M
    x, y = np.meshgrid(steps, steps, indexing="ij")
    border = np.minimum.reduce([x, y, ROOM_M - x, ROOM_M - y])
    return Walkable(np.zeros(2), np.minimum(border, np.hypot(x - WALL_M, np.maximum(0.0, y - 3.0))))


def test_a_way_goes_around_a_wall_and_turns_only_where_it_has_to() -> None:
    floor, start = floor_with_a_wall(), np.array([1.0, 1.0])
    near, far = shapely.Point(1.0, 3.0), shapely.Point(3.0, 1.0)
    straight, around = floor.ways(start, [near, far], 0.3)
    assert straight is not None and len(straight) == 2
    assert around is not None and len(around) >= 3
    assert all(floor.is_clear(one, other) for one, other in pairwise(around))
    length_m = float(np.linalg.norm(np.diff(around, axis=0), axis=1).sum())
    # Over the end of the wall, 0.25 m away from it, and back.
    assert 2 * np.hypot(1.0, 2.25) - 0.4 < length_m < 2 * np.hypot(1.0, 2.25) + 0.2
    assert not floor.is_clear(start, np.array([3.0, 1.0]))


def test_there_is_no_way_to_where_nobody_can_stand() -> None:
    floor = floor_with_a_wall()
    closed = Walkable(floor.corner, np.where(np.abs(floor.away_m) < 10, floor.away_m - GAP_M, 0.0))
    assert closed.ways(np.array([1.0, 1.0]), [shapely.Point(3.0, 1.0)], 0.3) == [None]
    assert floor.ways(np.array([WALL_M, 1.0]), [shapely.Point(3.0, 1.0)], 0.3) == [None]
    assert not floor.is_free(np.array([[-1.0, 1.0], [9.0, 1.0]])).any()


@pytest.fixture(scope="module")
def pan() -> tuple[ExactPath, Sequence]:
    path = camera_path(12, 5, PathSettings())
    fused = fuse(lifted_views(path))
    return ExactPath(path), Sequence("path", fused, names_of(fused))


def test_routes_lead_to_their_goal_with_the_missing_turn_and_with_no_other(pan: tuple[ExactPath, Sequence]) -> None:
    truth, sequence = pan
    tally, wrong = Tally(), list[str]()
    judged(truth.path, sequence.fused, tally, wrong)
    assert tally.types["V12"].answers >= 2 and not wrong
    (row, *_) = [one for one in answer_sequence(sequence, SequenceSettings(), "recipe") if one["type_id"] == "V12"]
    assert row["question"].count("[?]") >= 1 and [leg["turn_rad"] for leg in row["asked_route"]].count(None) == 1
    assert all(name in row["question"] for name in row["references"])
    other = {"left": "right", "right": "left", "around": "left"}[row["side"]]
    seen = {thing.object_id: thing for thing in sequence.fused.objects}
    true = [int(next(iter(seen[one].seen.values()))["object_id"]) for one in row["object_ids"]]
    assert check({**row, "object_ids": true}, truth).right
    assert not check({**row, "object_ids": true, "side": other}, truth).right
    farther = [{**leg, "forward_m": leg["forward_m"] + 2.0} for leg in row["asked_route"]]
    assert not check({**row, "object_ids": true, "asked_route": farther}, truth).right


def test_the_floor_of_a_room_is_free_where_nothing_stands(pan: tuple[ExactPath, Sequence]) -> None:
    truth, sequence = pan
    floor = sequence.fused.walkable
    assert floor is not None
    cells = np.argwhere(floor.away_m >= 0.25)
    places = sequence.fused.from_fused(np.column_stack([floor.corner + (cells + 0.5) * CELL_M, np.zeros(len(cells))]))
    assert len(places) > 100
    assert np.mean([truth.is_walkable(place[None, :2], 0.15) for place in places[::7]]) == 1.0


def test_without_a_floor_there_is_no_route(pan: tuple[ExactPath, Sequence]) -> None:
    _, sequence = pan
    kind = question_types()["V12"]
    assert decided(kind, sequence, SequenceSettings())
    blind = replace(sequence.fused, has_floor=False)
    assert not decided(kind, Sequence("path", blind, sequence.names), SequenceSettings())
