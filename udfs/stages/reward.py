"""Reward: from the scenes of an episode to the gripper's distance, contact, progress and reward per frame."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from udfs.geometry.approach import Approach, RewardKind, approach, box_distance_m
from udfs.stages.rows import Row, keys_of, rejected_by

STATE, GEOMETRY = "state", "geometry"
_ROWS_PER_BATCH = 1_000
_NO_SEQUENCE = "The image is no frame of a sequence; crawl it with a sequence_id."
_COPIED = ("sequence_id", "frame_index")

# Asks a model about the images of frames: how far the gripper is from the object, both by name. It returns for each
# frame `measured_m`, `sigma_m` and `unknown`.
Ask = Callable[[Sequence[Row], str, str], list[Row]]


class RewardSettings(BaseModel):
    """What the gripper and its goal are, and how distances become rewards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gripper: str = Field(
        default="gripper", min_length=1, description="name of the gripper among the objects, or `state`: its position"
    )
    state_position: tuple[int, int, int] = Field(
        default=(0, 1, 2), description="places in `state` of the gripper's x, y, z, m, in the world of `pose`"
    )
    object: str | None = Field(default=None, description="name of the object to reach; none: the instruction names it")
    contact_m: float = Field(default=0.02, ge=0, description="distance up to which gripper and object touch, m")
    hold_frames: int = Field(default=2, ge=1, description="frames of contact that make a success")
    max_gap_frames: int = Field(default=5, ge=0, description="longest gap that is filled, frames")
    smooth_frames: int = Field(
        default=0, ge=0, description="frames on either side over which distances are averaged; 0: none"
    )
    kind: RewardKind = Field(default="progress", description="the reward: progress, distance (negative) or difference")
    answers: str = Field(
        default=GEOMETRY,
        min_length=1,
        description="who measures: geometry, a model's folder, or an endpoint's URL",
    )
    answers_model: str | None = Field(default=None, description="name of the model at the endpoint")
    answers_key: str | None = Field(default=None, description="name of the environment variable with its API key")
    answers_error: float | None = Field(
        default=None, ge=0, description="relative standard error of a model's lengths; none: unknown"
    )

    @model_validator(mode="after")
    def _gripper_has_a_name(self) -> Self:
        if self.gripper == STATE and self.answers != GEOMETRY:
            raise ValueError("a model is asked about the gripper by its name; set reward.gripper to one, not to state")
        return self


def reward_batches(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, settings: RewardSettings, recipe: str, ask: Ask | None = None
) -> Iterator[pa.RecordBatch]:
    """Make the rows of `rewards` of all new frames; the frames of an episode follow each other, by frame.

    With `ask`, a model says the distances, for which rows have `bytes` too.

    Input has `image_id`, `ingest_shard`, `episode` (what it is grouped by), `sequence_id`, `frame_index`, `has_depth`,
    `has_camera`, `episode_json`, `pose`, `is_new`, and of `scenes`, null without one, `objects`, `pairs` and
    `world_from_camera`. Output has `schema`.
    """
    rows = (row for batch in batches for row in batch.to_pylist())
    made: list[Row] = []
    for _, frames in groupby(rows, key=lambda row: row["episode"]):
        made += _episode_rows(list(frames), settings, recipe, ask)
        if len(made) >= _ROWS_PER_BATCH:
            yield pa.RecordBatch.from_pylist(made, schema=schema)
            made = []
    if made:
        yield pa.RecordBatch.from_pylist(made, schema=schema)


def _episode_rows(frames: list[Row], settings: RewardSettings, recipe: str, ask: Ask | None) -> list[Row]:
    try:
        rows = [{"rejects": [], **row} for row in rewarded(frames, settings, ask)]
    except Exception as error:  # a poisoned episode is quarantined alone, whatever it raises
        rows = [{"rejects": [rejected_by(error).as_row()]} for _ in frames]
    return [{**row, **keys_of(frame, recipe)} for row, frame in zip(rows, frames, strict=True) if frame["is_new"]]


def rewarded(frames: Sequence[Row], settings: RewardSettings, ask: Ask | None = None) -> list[Row]:
    """Return the columns of `rewards`, without keys and lineage, of an episode's frames in ascending order.

    Distances are measured in the frames' scenes, or said by the model behind `ask`.
    """
    told = [json.loads(frame.get("episode_json") or "{}") for frame in frames]
    instruction = next((one["instruction"] for one in told if one.get("instruction")), None)
    goal = _goal_of(frames, instruction, settings)
    if ask is None:
        seen = [_measured(frame, one.get("state"), goal, settings) for frame, one in zip(frames, told, strict=True)]
    else:
        seen = _said(frames, goal, settings, ask)
    index = np.array([_index(frame, place) for place, frame in enumerate(frames)], np.int64)
    found = approach(
        frame=index,
        measured_m=np.array([np.nan if one["measured_m"] is None else one["measured_m"] for one in seen]),
        contact_m=settings.contact_m,
        hold_frames=settings.hold_frames,
        max_gap_frames=settings.max_gap_frames,
        smooth=settings.smooth_frames,
    )
    shared = {
        "instruction": instruction,
        "gripper": settings.gripper,
        "object": goal[1] if goal else settings.object,
        "answers": settings.answers_model or settings.answers,
    }
    copied = [{name: frame.get(name) for name in _COPIED} for frame in frames]
    following = _columns(found, settings.kind)
    return [{**shared, **own, **one, **more} for own, one, more in zip(copied, seen, following, strict=True)]


def _index(frame: Row, place: int) -> int:
    return place if frame.get("frame_index") is None else int(frame["frame_index"])


def _columns(found: Approach, kind: RewardKind) -> list[Row]:
    reward = found.reward(kind)
    rows = []
    for place, distance in enumerate(found.distance_m):
        known = not np.isnan(distance)
        rows.append(
            {
                "distance_m": float(distance) if known else None,
                "source": ("filled" if found.filled[place] else "measured") if known else None,
                "contact": bool(found.contact[place]) if known else None,
                "progress": float(found.progress[place]) if known else None,
                "success": bool(found.success[place]) if known else None,
                "reward": float(reward[place]) if known else None,
            }
        )
    return rows


def _goal_of(frames: Sequence[Row], instruction: str | None, settings: RewardSettings) -> tuple[int | None, str] | None:
    """Return the object to reach: its id, None where it may differ between frames, and its label.

    Of several objects of that name in one frame, the one counts that the gripper ends nearest to. Where no frame has
    two, the name alone counts, since a detector numbers the objects of every frame anew.
    """
    things = [thing for frame in frames for thing in frame.get("objects") or [] if not _is(thing, settings.gripper)]
    if settings.object:
        named = [thing for thing in things if _is(thing, settings.object)]
    else:
        named = _named_in(things, instruction or "")
    if not named:
        return None
    label = Counter(thing["label"] or settings.object or "" for thing in named).most_common(1)[0][0]
    wanted = (None, label)
    in_frames = [sum(_is_goal(one, wanted) for one in frame.get("objects") or []) for frame in frames]
    if max(in_frames, default=0) == 1:
        return wanted
    ids = {thing["object_id"] for thing in named if (thing["label"] or label) == label}
    if len(ids) == 1:
        return ids.pop(), label
    for frame in reversed(frames):
        near = [(gap, one) for one in ids if (gap := _gap(frame, one, settings)) is not None]
        if near:
            return min(near)[1], label
    return None, label


def _named_in(things: list[Row], instruction: str) -> list[Row]:
    """Return the objects whose label the instruction names first; of names in one place the longest counts."""
    places = {}
    for label in {thing["label"] for thing in things if thing["label"]}:
        found = re.search(rf"\b{re.escape(label)}(?:e?s)?\b", instruction, re.IGNORECASE)
        if found:
            places[label] = (found.start(), -len(label))
    first = min(places, key=places.__getitem__) if places else None
    return [thing for thing in things if thing["label"] == first] if first else []


def _is(thing: Row, name: str) -> bool:
    """Return whether an object's label or a caption has this name as words."""
    said = [thing.get("label") or "", *(thing.get("captions") or [])]
    return any(re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE) for text in said)


def _gap(frame: Row, object_id: int, settings: RewardSettings) -> float | None:
    gaps = [pair["gap_m"] for pair in _pairs_of(frame, object_id, settings.gripper)]
    return min(gaps) if gaps else None


def _pairs_of(frame: Row, object_id: int, gripper: str) -> list[Row]:
    """Return the pairs of an object and whatever is called the gripper."""
    hands = {thing["object_id"] for thing in frame.get("objects") or [] if _is(thing, gripper)} - {object_id}
    return [
        pair
        for pair in frame.get("pairs") or []
        if (pair["a"] == object_id and pair["b"] in hands) or (pair["b"] == object_id and pair["a"] in hands)
    ]


def _measured(frame: Row, state: Any, goal: tuple[int | None, str] | None, settings: RewardSettings) -> Row:
    """Return what one frame tells: ids, distance and its error, or why it does not."""
    nothing = {"gripper_id": None, "object_id": None, "measured_m": None, "sigma_m": None, "unknown": None}
    if frame.get("sequence_id") is None:
        return {**nothing, "unknown": _NO_SEQUENCE}
    if frame.get("objects") is None:
        return {**nothing, "unknown": _without_scene(frame)}
    if goal is None:
        return {**nothing, "unknown": _without_goal(settings)}
    things = [one for one in frame["objects"] if _is_goal(one, goal)]
    if not things:
        return {**nothing, "unknown": f"The {goal[1]} was not found in this frame: hidden, too small, or out of view."}
    if settings.gripper == STATE:
        return {**nothing, **_by_state(frame, state, things, settings)}
    pairs = [
        (pair["gap_m"], thing, pair)
        for thing in things
        for pair in _pairs_of(frame, thing["object_id"], settings.gripper)
    ]
    if not pairs:
        return {**nothing, "object_id": things[0]["object_id"], "unknown": _without_gripper(settings)}
    gap, thing, pair = min(pairs, key=lambda one: one[0])
    hand = pair["b"] if pair["a"] == thing["object_id"] else pair["a"]
    errors = [one["sigma_m"] or 0.0 for one in frame["objects"] if one["object_id"] in (hand, thing["object_id"])]
    return {
        "gripper_id": hand,
        "object_id": thing["object_id"],
        "measured_m": float(gap),
        "sigma_m": math.hypot(*errors),
        "unknown": None,
    }


def _said(frames: Sequence[Row], goal: tuple[int | None, str] | None, settings: RewardSettings, ask: Ask) -> list[Row]:
    """Return what a model says of each frame; it needs no scene, but the name of the object."""
    name = goal[1] if goal else settings.object
    asked = [frame for frame in frames if name and frame.get("sequence_id") is not None]
    said = iter(ask(asked, settings.gripper, name) if name else ())
    nothing = {"gripper_id": None, "object_id": None, "measured_m": None, "sigma_m": None}
    rows = []
    for frame in frames:
        if frame.get("sequence_id") is None:
            rows.append({**nothing, "unknown": _NO_SEQUENCE})
        else:
            rows.append({**nothing, **(next(said) if name else {"unknown": _without_goal(settings)})})
    return rows


def _is_goal(thing: Row, goal: tuple[int | None, str]) -> bool:
    if goal[0] is None:
        return thing["label"] == goal[1]
    return thing["object_id"] == goal[0] and thing["label"] in (None, "", goal[1])


def _by_state(frame: Row, state: Any, things: list[Row], settings: RewardSettings) -> Row:
    """Return the distance of the robot's own position to the nearest box of the things."""
    place = _position(state, settings)
    if place is None:
        return {"unknown": f"The row's state has no numbers at the places {list(settings.state_position)}."}
    if frame.get("pose") is None:
        return {"unknown": "The frame has no pose, which leads from the camera to the robot's base; crawl it."}
    pose = np.array(frame["pose"], float).reshape(4, 4)
    lifted = np.array(frame["world_from_camera"], float).reshape(3, 4)
    in_camera = pose[:3, :3].T @ (place - pose[:3, 3])
    point = lifted[:, :3] @ in_camera + lifted[:, 3]
    apart = [(box_distance_m(point, np.array(one["corners_m"], float).reshape(8, 3)), one) for one in things]
    distance, thing = min(apart, key=lambda one: one[0])
    return {"object_id": thing["object_id"], "measured_m": distance, "sigma_m": float(thing["sigma_m"] or 0.0)}


def _position(state: Any, settings: RewardSettings) -> np.ndarray | None:
    try:
        place = np.array([float(state[one]) for one in settings.state_position])
    except (TypeError, ValueError, IndexError, KeyError):
        return None
    return place if np.isfinite(place).all() else None


def _without_scene(frame: Row) -> str:
    lacking = [name for name, there in (("depth", "has_depth"), ("intrinsics", "has_camera")) if not frame.get(there)]
    if lacking:
        return f"The frame has no {' and no '.join(lacking)}, and no scene: no distance in m can be measured in it."
    return "The frame has no scene; run the stages up to lift, and see `quarantine` for why it was left out."


def _without_goal(settings: RewardSettings) -> str:
    if settings.object:
        return f"No object of the episode is called {settings.object!r}; set reward.object to the label of one."
    return "The instruction names no object of the episode; set reward.object to the label of one."


def _without_gripper(settings: RewardSettings) -> str:
    return f"Nothing in this frame is called {settings.gripper!r}; set reward.gripper to a label, or to `state`."
