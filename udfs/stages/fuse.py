"""Fuse: the lifted frames of every posed sequence become one scene, and questions about several views."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.reasons import Outcome, Reason
from schemas.table import ENGINE_VERSION
from udfs.geometry.fusion import FusedObject, FusedScene, ViewsContradict, fuse
from udfs.geometry.limits import LiftSettings
from udfs.geometry.posed_view import PosedView
from udfs.questions.answering import split_of
from udfs.questions.sequence import Sequence as PosedSequence
from udfs.questions.sequence import SequenceSettings, names_of
from udfs.questions.sequence_answers import answer_sequence
from udfs.questions.settings import SynthesizeSettings
from udfs.stages.lift import CRAWL_DEPTH, scene_input
from udfs.stages.rows import Row, RowRejected, keys_of, rejected_by

SCENE, ANSWERS = "scene_row", "answer_rows"
_LIFT, _SPLITS = LiftSettings(), SynthesizeSettings()

__all__ = ["ANSWERS", "SCENE", "SequenceSettings", "fuse_batches", "fused_rows"]


def fuse_batches(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, settings: SequenceSettings, recipe: str
) -> Iterator[pa.RecordBatch]:
    """Make the rows of all new frames; the frames of a sequence follow each other, by frame.

    Input has `image_id`, `ingest_shard`, `episode` (what it is grouped by), `sequence_id`, `frame_index`, `pose`,
    `licence`, `group_id`, `is_new`, `scene` (a row of `scenes`), and what that was lifted from: `depth` and `region`
    (rows of `depths` and `regions`). Output has `schema`: the columns of `fused_frames`, `rejects`, and with the first
    new frame of a sequence `scene_row` and `answer_rows`, rows of the other two tables.
    """
    rows = (row for batch in batches for row in batch.to_pylist())
    for _, frames in groupby(rows, key=lambda row: row["episode"]):
        yield pa.RecordBatch.from_pylist(fused_rows(list(frames), settings, recipe), schema=schema)


def fused_rows(frames: Sequence[Row], settings: SequenceSettings, recipe: str) -> list[Row]:
    """Return the rows of the new frames among the lifted ones of a sequence, in ascending order."""
    try:
        made = _made(frames, settings, recipe)
    except Exception as error:  # a poisoned sequence is quarantined alone, whatever it raises
        made = [{"rejects": [rejected_by(error).as_row()]} for _ in frames]
    found = [{"rejects": [], **row, **keys_of(frame, recipe)} for row, frame in zip(made, frames, strict=True)]
    new = [row for row, frame in zip(found, frames, strict=True) if frame["is_new"]]
    carried = next((row for row in made if SCENE in row), None)
    if new and carried:
        for row in found:
            row.pop(SCENE, None)
            row.pop(ANSWERS, None)
        new[0] |= {name: carried[name] for name in (SCENE, ANSWERS)}
    return new


def _made(frames: Sequence[Row], settings: SequenceSettings, recipe: str) -> list[Row]:
    """Return one row per frame, the first with the fused scene."""
    rows: list[Row] = [{"sequence_id": one["sequence_id"], "frame_index": one["frame_index"]} for one in frames]
    for row, frame in zip(rows, frames, strict=True):
        row["left_out"] = _unposed(frame)
    posed = [number for number, row in enumerate(rows) if row["left_out"] is None]
    chosen = (
        [posed[int(k)] for k in np.unique(np.linspace(0, len(posed) - 1, settings.max_frames).round())] if posed else []
    )
    for number in set(posed) - set(chosen):
        rows[number]["left_out"] = f"Only {settings.max_frames} frames of a sequence are fused; set fuse.max_frames."
    if len(chosen) < 2:
        for number in chosen:
            rows[number]["left_out"] = "No other frame of the sequence has a scene and a pose."
        return rows
    views = [_view(frames[number], place) for place, number in enumerate(chosen)]
    try:
        fused = fuse(views)
    except ViewsContradict as contradiction:
        return [_contradicting(row, str(contradiction)) if row["left_out"] is None else row for row in rows]
    names = names_of(fused)
    used = [frames[chosen[view.frame]] for view in fused.views]
    fusion_id = _fusion_id(used, recipe)
    for place, why in fused.left_out.items():
        error = f"The frame contradicts the others of its sequence: {why}; correct its pose, or crawl without it."
        rows[chosen[place]] = _contradicting(rows[chosen[place]], error)
    for view in fused.views:
        rows[chosen[view.frame]]["fusion_id"] = fusion_id
    sequence = PosedSequence(str(used[0]["sequence_id"]), fused, names)
    index = {place: _index(frames[number], number) for place, number in enumerate(chosen)}
    shared = {
        "fusion_id": fusion_id,
        "recipe": recipe,
        "ingest_shard": used[0]["ingest_shard"],
        "engine_version": ENGINE_VERSION,
    }
    licences = {frame.get("licence") for frame in used}
    about = {
        "licence": licences.pop() if len(licences) == 1 else None,
        "split": split_of(used[0].get("group_id") or sequence.sequence_id, _SPLITS),
    }
    rows[chosen[0]][SCENE] = {**_scene_row(sequence, names, index), **shared}
    rows[chosen[0]][ANSWERS] = [
        {**_with_frames(row, index), **about, **shared} for row in answer_sequence(sequence, settings, fusion_id)
    ]
    return rows


def _unposed(frame: Row) -> str | None:
    if frame["sequence_id"] is None:
        return "The image is no frame of a sequence; crawl it with a sequence_id."
    if frame["pose"] is None or len(frame["pose"]) != 16 or not np.isfinite(frame["pose"]).all():
        return "The frame has no pose, which leads from its camera to the world of the sequence; crawl it."
    return None


def _contradicting(row: Row, error: str) -> Row:
    return {**row, "rejects": [RowRejected(Outcome.FILTERED, Reason.VIEWS_CONTRADICT, error).as_row()]}


def _view(frame: Row, place: int) -> PosedView:
    pose = np.asarray(frame["pose"], np.float64).reshape(4, 4)
    lifted = {**frame["depth"], **frame["region"], "image_id": frame["image_id"], CRAWL_DEPTH: frame.get(CRAWL_DEPTH)}
    return PosedView.of(place, frame["image_id"], pose, frame["scene"], scene_input(lifted, _LIFT))


def _index(frame: Row, number: int) -> int:
    return number if frame["frame_index"] is None else int(frame["frame_index"])


def _fusion_id(used: Sequence[Row], recipe: str) -> str:
    text = "\x1f".join([recipe, str(used[0]["sequence_id"]), *sorted(frame["image_id"] for frame in used)])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _with_frames(row: Row, index: dict[int, int]) -> Row:
    """Return an answer with frame indices in place of places among the fused frames."""
    named = {name: None if row[name] is None else index[row[name]] for name in ("answer_frame", "asked_frame")}
    return {**row, **named, "frames": [index[place] for place in row["frames"]]}


def _scene_row(sequence: PosedSequence, names: dict[int, str], index: dict[int, int]) -> Row:
    fused = sequence.fused
    return {
        "sequence_id": sequence.sequence_id,
        "image_ids": [view.image_id for view in fused.views],
        "frames": [index[view.frame] for view in fused.views],
        "fused_frames": len(fused.views),
        "left_out_frames": sorted(index[place] for place in fused.left_out),
        "fused_from_world": _floats(np.hstack([fused.rotation, fused.offset_m[:, None]])),
        "objects": [_object_row(thing, fused, names, index) for thing in fused.objects],
        "moved": [dict(vars(move)) for move in fused.moved],
        "seen_through": fused.seen_through,
        "has_gravity": fused.has_gravity,
        "has_floor": fused.has_floor,
        "scale_ok": fused.scale_ok,
    }


def _object_row(thing: FusedObject, fused: FusedScene, names: dict[int, str], index: dict[int, int]) -> Row:
    return {
        "object_id": thing.object_id,
        "label": thing.label,
        "captions": list(thing.captions),
        "name": names.get(thing.object_id),
        "frames": [index[fused.views[k].frame] for k in thing.seen],
        "region_ids": [int(one["object_id"]) for one in thing.seen.values()],
        "center_m": _floats(thing.shape.center),
        "center_sigma_m": thing.shape.center_sigma_m,
        "size_m": list(thing.shape.size_m),
        "size_sigma_m": thing.shape.size_sigma_m,
        "corners_m": _floats(thing.shape.corners),
        "is_whole": thing.is_whole,
        "confidence": thing.confidence,
        "is_moved": thing.is_moved,
    }


def _floats(values: Any) -> list[float]:
    return [float(value) for value in np.ravel(values)]
