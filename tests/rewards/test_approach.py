"""Distances of an episode's frames: gaps, smoothing, contact, progress, and what each frame says that is unknown."""

import json
import math
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from udfs.geometry.approach import Approach, approach, box_distance_m
from udfs.ranks import spearman
from udfs.stages.reward import RewardSettings, rewarded

NO = math.nan
DEFAULTS = {"contact_m": 0.015, "hold_frames": 2, "max_gap_frames": 5, "smooth": 0}


def seen(*measured: float, frame: list[int] | None = None, **changes: Any) -> Approach:
    places = np.array(frame or range(len(measured)), np.int64)
    return approach(frame=places, measured_m=np.array(measured), **{**DEFAULTS, **changes})


def test_gaps_between_measured_frames_are_filled_and_marked() -> None:
    found = seen(NO, 0.4, NO, NO, 0.1, NO)
    assert found.distance_m == pytest.approx([NO, 0.4, 0.3, 0.2, 0.1, NO], nan_ok=True)
    assert found.filled.tolist() == [False, False, True, True, False, False]
    assert found.progress == pytest.approx([NO, 0, 0.25, 0.5, 0.75, NO], nan_ok=True)


def test_a_gap_counts_missing_frames_and_may_be_too_long() -> None:
    near = seen(0.4, NO, 0.1, frame=[0, 1, 6])
    assert near.distance_m == pytest.approx([0.4, 0.35, 0.1])
    far = seen(0.4, NO, 0.1, frame=[0, 1, 7])
    assert far.distance_m == pytest.approx([0.4, NO, 0.1], nan_ok=True)
    assert not far.filled.any()


def test_contact_is_zero_and_success_needs_it_to_last() -> None:
    found = seen(0.3, 0.014, 0.1, 0.01, 0.012, 0.012)
    assert found.contact.tolist() == [False, True, False, True, True, True]
    assert found.distance_m.tolist() == [0.3, 0, 0.1, 0, 0, 0]
    assert found.success.tolist() == [False, False, False, False, True, True]
    assert found.progress == pytest.approx([0, 1, 2 / 3, 1, 1, 1])


def test_a_gripper_that_still_comes_nearer_does_not_touch_yet() -> None:
    assert seen(0.1, 0.014, 0.009, 0.009).contact.tolist() == [False, False, True, True]
    assert seen(0.1, 0.014, NO, 0.003, max_gap_frames=0).contact.tolist() == [False, False, False, True]
    assert seen(0.1, 0.007, 0.001).contact.tolist() == [False, True, True]
    assert seen(0.1, 0.014, 0.0135).contact.tolist() == [False, True, True]


def test_smoothing_is_a_mean_of_known_neighbors_and_moves_no_contact() -> None:
    found = seen(0.3, 0.6, 0.3, NO, 0.01, smooth=1, max_gap_frames=0)
    assert found.distance_m == pytest.approx([0.45, 0.4, 0.45, NO, 0], nan_ok=True)
    assert found.contact.tolist() == [False, False, False, False, True]


def test_rewards_are_progress_distance_or_difference() -> None:
    found = seen(0.4, 0.3, NO, 0.35, 0.01, max_gap_frames=0)
    assert found.reward("progress") == pytest.approx([0, 0.25, NO, 0.125, 1], nan_ok=True)
    assert found.reward("distance") == pytest.approx([-0.4, -0.3, NO, -0.35, 0], nan_ok=True)
    assert found.reward("difference") == pytest.approx([0, 0.1, NO, -0.05, 0.35], nan_ok=True)


@given(st.lists(st.one_of(st.just(NO), st.floats(0, 5)), max_size=12), st.integers(0, 5), st.integers(0, 4))
def test_whatever_is_measured(measured: list[float], smooth: int, gap: int) -> None:
    found = seen(*measured, smooth=smooth, max_gap_frames=gap)
    known = ~np.isnan(found.distance_m)
    assert known[~np.isnan(np.array(measured, float))].all()
    assert (found.filled <= known).all() and (found.contact <= known).all() and (found.success <= found.contact).all()
    assert ((found.progress[known] >= 0) & (found.progress[known] <= 1)).all()
    for kind in ("progress", "distance", "difference"):
        assert (np.isnan(found.reward(kind)) == ~known).all()


def test_distance_to_a_box_is_that_to_its_nearest_point() -> None:
    rng = np.random.default_rng(3)
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    unit = np.array([[x, y, z] for z in (0, 1) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))], float)
    corners = (unit * [0.4, 0.2, 0.1]) @ turned.T + [1, 2, 3]
    grid = np.array(list(product(np.linspace(0, 1, 41), repeat=3))) * [0.4, 0.2, 0.1]
    inside = grid @ turned.T + [1, 2, 3]
    for point in rng.normal([1, 2, 3], 0.5, (40, 3)):
        nearest = np.linalg.norm(inside - point, axis=1).min()
        assert box_distance_m(point, corners) == pytest.approx(nearest, abs=0.008)
    assert box_distance_m(corners.mean(axis=0), corners) == pytest.approx(0, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1)), min_size=2, max_size=20))
def test_spearman_is_that_of_scipy(pairs: list[tuple[int, float]]) -> None:
    one, other = zip(*pairs, strict=True)
    got = spearman(one, other)
    if min(len(set(one)), len(set(other))) < 2:
        assert got is None
    else:
        known: Any = stats.spearmanr(one, other)
        assert got == pytest.approx(known.statistic)


def thing(number: int, label: str, x: float = 0.0) -> dict[str, Any]:
    corners = [[x + dx, dy, dz] for dz in (0, 0.1) for dx, dy in ((0, 0), (0.1, 0), (0.1, 0.1), (0, 0.1))]
    return {
        "object_id": number, "label": label, "captions": [f"the {label}"], "sigma_m": 0.003,
        "corners_m": np.ravel(corners).tolist(),
    }  # fmt: skip


def frame(number: int, gaps: dict[int, float], **changes: Any) -> dict[str, Any]:
    """A frame with a gripper (9), a mug (1), a second mug (2) and a can (3)."""
    objects = [thing(1, "mug"), thing(2, "mug"), thing(3, "can"), thing(9, "gripper")]
    return {
        "sequence_id": "e", "frame_index": number, "has_depth": True, "has_camera": True,
        "episode_json": json.dumps({"instruction": "Put the mug beside the can.", "state": [0.0, 0.0, 0.5]}),
        "pose": np.eye(4).ravel().tolist(), "world_from_camera": np.eye(4)[:3].ravel().tolist(),
        "objects": objects, "pairs": [{"a": one, "b": 9, "gap_m": gap} for one, gap in gaps.items()], **changes,
    }  # fmt: skip


def test_the_instruction_names_the_object_and_the_end_tells_which() -> None:
    frames = [frame(0, {1: 0.3, 2: 0.1, 3: 0.05}), frame(1, {1: 0.01, 2: 0.2, 3: 0.05})]
    rows = rewarded(frames, RewardSettings())
    assert [row["object_id"] for row in rows] == [1, 1]
    assert [row["measured_m"] for row in rows] == [0.3, 0.01]
    assert rows[0]["object"] == "mug" and rows[0]["gripper_id"] == 9
    assert rows[0]["sigma_m"] == pytest.approx(0.003 * math.sqrt(2))
    (row, _) = rewarded(frames, RewardSettings(object="can", contact_m=0.06))
    assert row["object_id"] == 3 and row["contact"]


def test_a_detector_numbers_the_objects_of_every_frame_anew() -> None:
    """Labels are those of its vocabulary, so that they tell gripper and object, whatever the ids."""
    orders = (("mug", "robot arm", "can"), ("can", "mug", "robot arm"), ("robot arm", "can", "mug"))
    frames = []
    for number, order in enumerate(orders):
        ids = {label: place for place, label in enumerate(order, 1)}
        gaps = {ids["mug"]: 0.3 - 0.1 * number, ids["can"]: 0.05}
        pairs = [{"a": a, "b": ids["robot arm"], "gap_m": gap} for a, gap in gaps.items()]
        objects = [{**thing(place, label), "captions": []} for label, place in ids.items()]
        frames.append(frame(number, {}, objects=objects, pairs=pairs))
    rows = rewarded(frames, RewardSettings(gripper="robot arm"))
    assert [row["measured_m"] for row in rows] == pytest.approx([0.3, 0.2, 0.1])
    assert [(row["object_id"], row["gripper_id"]) for row in rows] == [(1, 2), (2, 3), (3, 1)]
    assert {row["object"] for row in rows} == {"mug"}


def test_a_gripper_and_an_object_may_be_named_by_captions() -> None:
    objects = [
        {**thing(1, "mug"), "captions": ["the red mug"]}, {**thing(2, "mug"), "captions": ["the blue mug"]},
        {**thing(9, "robot"), "captions": ["the metal claw"]},
    ]  # fmt: skip
    frames = [frame(n, {1: 0.3 - 0.1 * n, 2: 0.1 + 0.1 * n}, objects=objects) for n in range(2)]
    rows = rewarded(frames, RewardSettings(gripper="claw", object="blue mug"))
    assert [row["measured_m"] for row in rows] == pytest.approx([0.1, 0.2])
    assert {row["object_id"] for row in rows} == {2}


def test_the_robots_state_is_a_point_in_the_world_of_the_pose() -> None:
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn, [1, 2, 3]
    lifted = np.hstack([turn.T, [[0.1], [0.2], [0.3]]])
    in_scene = np.array([0.25, 0.05, 0.05])
    in_camera = turn @ (in_scene - [0.1, 0.2, 0.3])
    place = turn @ in_camera + [1, 2, 3]
    told = json.dumps({"instruction": "grasp the can", "state": [7.0, *place.tolist()]})
    one = frame(0, {}, episode_json=told, pose=pose.ravel().tolist(), world_from_camera=lifted.ravel().tolist())
    (row,) = rewarded([one], RewardSettings(gripper="state", state_position=(1, 2, 3)))
    assert row["measured_m"] == pytest.approx(0.15) and row["object_id"] == 3 and row["gripper_id"] is None


@pytest.mark.parametrize(
    ("changes", "settings", "why"),
    [
        ({"sequence_id": None}, {}, "no frame of a sequence"),
        ({"objects": None, "has_depth": False}, {}, "has no depth, and no scene"),
        ({"objects": None, "has_depth": False, "has_camera": False}, {}, "no depth and no intrinsics"),
        ({"objects": None}, {}, "run the stages up to lift"),
        ({"episode_json": None}, {}, "set reward.object"),
        ({}, {"object": "spoon"}, "called 'spoon'"),
        ({"pairs": []}, {}, "called 'gripper'"),
        ({"pose": None}, {"gripper": "state"}, "no pose"),
        ({"episode_json": '{"instruction": "the can", "state": [1]}'}, {"gripper": "state"}, "state has no numbers"),
        (
            {"episode_json": '{"instruction": "the can", "state": {"x": 1}}'},
            {"gripper": "state"},
            "state has no numbers",
        ),
    ],
)
def test_what_cannot_be_known_is_said(changes: dict[str, Any], settings: dict[str, Any], why: str) -> None:
    (row,) = rewarded([frame(0, {1: 0.2, 2: 0.3}, **changes)], RewardSettings(**settings))
    assert why in row["unknown"]
    empty = ("measured_m", "distance_m", "source", "contact", "progress", "success", "reward")
    assert all(row[name] is None for name in empty)


def test_a_hidden_object_leaves_a_gap_that_is_filled() -> None:
    frames = [frame(0, {3: 0.4}), frame(1, {}), frame(2, {3: 0.2})]
    frames[1]["objects"] = [one for one in frames[1]["objects"] if one["label"] != "can"]
    rows = rewarded(frames, RewardSettings(object="can"))
    assert [row["source"] for row in rows] == ["measured", "filled", "measured"]
    assert rows[1]["distance_m"] == pytest.approx(0.3) and "not found in this frame" in rows[1]["unknown"]


def test_a_poisoned_episode_is_rejected_alone() -> None:
    from pyspark.sql.pandas.types import to_arrow_schema

    from jobs.engine.arrow import output_type
    from schemas.rewards import REWARDS
    from udfs.stages.reward import reward_batches

    bad = {**frame(0, {1: 0.2}), "episode_json": "{", "sequence_id": "bad"}
    rows = [
        {**one, "image_id": str(place), "ingest_shard": 0, "is_new": place != 2, "episode": one["sequence_id"]}
        for place, one in enumerate([frame(0, {1: 0.2}), frame(1, {1: 0.1}), frame(2, {1: 0.01}), bad])
    ]
    batches = pa.Table.from_pylist(rows).to_batches(max_chunksize=1)
    schema = to_arrow_schema(output_type(REWARDS))
    made = [row for batch in reward_batches(iter(batches), schema, RewardSettings(), "r") for row in batch.to_pylist()]
    assert [(row["image_id"], row["measured_m"], len(row["rejects"])) for row in made] == [
        ("0", 0.2, 0),
        ("1", 0.1, 0),
        ("3", None, 1),
    ]
