"""Runs an expert over Arrow batches and turns its predictions into rows of `image_scores`, `regions` and `depths`."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from socket import gethostname
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark import TaskContext

from schemas.reasons import Outcome, Reason
from udfs.event_log import log_event
from udfs.experts.expert import ExpertSpec, Prediction, is_isolated, loaded_expert
from udfs.experts.isolation.guarded import guarded_expert
from udfs.experts.loading import ModelUnavailable
from udfs.stages.gates import gate_of
from udfs.stages.rows import Row, RowRejected, keys_of, rejected_by
from udfs.stages.time_limit import OverTime, within

Finish = Callable[[Row, Prediction], Row]


@dataclass(frozen=True)
class Perception:
    """An expert in a slot, and what becomes of its predictions.

    `finish(row, prediction)` makes the table's row, or raises RowRejected. A row whose `scores` do not reach the
    `thresholds` is filtered before the expert sees it. With `tells_device`, each worker logs once on which device its
    learned expert works.
    """

    slot: str
    spec: ExpertSpec
    finish: Finish
    recipe: str
    thresholds: Mapping[str, float] = field(default_factory=dict)
    tells_device: bool = True


def perceive(batches: Iterator[pa.RecordBatch], schema: pa.Schema, perception: Perception) -> Iterator[pa.RecordBatch]:
    """Predict batch by batch, and make a row of every prediction."""
    for rows in perceived((batch.to_pylist() for batch in batches), perception):
        yield pa.RecordBatch.from_pylist(rows, schema=schema)


def perceived(batches: Iterable[list[Row]], perception: Perception) -> Iterator[list[Row]]:
    """Yield the output rows of each batch of rows, as `perceive` does of Arrow batches."""
    finish, recipe = perception.finish, perception.recipe
    waiting: deque[list[tuple[Row, str | None]]] = deque()

    def kept() -> Iterator[list[Row]]:
        for batch in batches:
            gated = [(row, gate_of(row.get("scores"), perception.thresholds)) for row in batch]
            waiting.append(gated)
            yield [row for row, gate in gated if gate is None]

    for predictions in _predictions(perception, kept()):
        of_kept = iter(predictions)
        yield [
            _output(row, next(of_kept) if gate is None else _filtered(gate), finish, recipe)
            for row, gate in waiting.popleft()
        ]


def scores_row(row: Row, prediction: Prediction) -> Row:
    """Return the columns of `image_scores` for a prediction."""
    return {"scores": {name: float(score) for name, score in prediction["scores"].items()}}


def regions_row(row: Row, prediction: Prediction) -> Row:
    """Return the columns of `regions` for a prediction.

    Raises:
        RowRejected: the expert found none.
    """
    if not prediction["regions"]:
        error = "The expert found no region; use another vocabulary or a lower detection threshold."
        raise RowRejected(Outcome.FILTERED, Reason.NO_REGIONS, error)
    return {"width": row["width"], "height": row["height"], "regions": prediction["regions"]}


def depth_row(row: Row, prediction: Prediction) -> Row:
    """Return the columns of `depths` for a prediction."""
    return dict(prediction)


def stored_depth_row(row: Row, prediction: Prediction) -> Row:
    """Return `depth_row` without the map where it is the crawl's own, which the lake has already."""
    mine = row.get("depth")
    return {**prediction, "depth": None} if mine and mine == prediction["depth"] else depth_row(row, prediction)


def loading_fault(slot: str, spec: ExpertSpec) -> tuple[str, str | None]:
    """Load a learned expert where this task runs; return its device, and the reason if it does not load."""
    device = _task_device()
    try:
        guarded_expert(slot, spec, device).load()
    except ModelUnavailable as unavailable:
        return device, str(unavailable)
    return device, None


def _task_device() -> str:
    context = TaskContext.get()
    gpu = context.resources().get("gpu") if context else None
    return f"cuda:{gpu.addresses[0]}" if gpu else "cpu"


# What this worker has told of its devices: slot, model and device.
_TOLD: set[tuple[str, str | None, str]] = set()


def _tell_device(slot: str, spec: ExpertSpec, device: str) -> None:
    told = (slot, spec.model, device)
    # In a terminal, the line would break the progress bars.
    if told not in _TOLD and not sys.stderr.isatty():
        _TOLD.add(told)
        log_event("worker_device", stage=slot, model=spec.model, device=device, host=gethostname(), process=os.getpid())


def _predictions(perception: Perception, batches: Iterable[list[Row]]) -> Iterator[list[Prediction | Exception]]:
    slot, spec = perception.slot, perception.spec
    if is_isolated(slot, spec):
        device = _task_device()
        if perception.tells_device:
            _tell_device(slot, spec, device)
        return guarded_expert(slot, spec, device).predictions(batches, spec.timeout_s)
    expert = loaded_expert(slot, spec)
    return (_predicted_here(expert, batch, spec.timeout_s, slot) if batch else [] for batch in batches)


def _predicted_here(expert: Any, batch: list[Row], timeout_s: float, slot: str) -> list[Prediction | Exception]:
    """Return the outcomes of an expert that works in this process, image by image where a batch takes too long."""
    try:
        with within(timeout_s * len(batch)):
            return expert.predict(batch)
    except OverTime:
        if len(batch) > 1:
            return [_predicted_here(expert, [row], timeout_s, slot)[0] for row in batch]
        error = (
            f"The expert took over {timeout_s:g} s on this image alone; raise its timeout_s, then "
            f"`spatiallake retry --stage {slot}`."
        )
        return [RowRejected(Outcome.FAILED, Reason.MODEL_TIMED_OUT, error)]


def _filtered(gate: str) -> RowRejected:
    return RowRejected(Outcome.FILTERED, Reason.SCORE_BELOW_THRESHOLD, gate)


def _output(row: Row, outcome: Prediction | Exception, finish: Finish, recipe: str) -> Row:
    keys = keys_of(row, recipe)
    try:
        if isinstance(outcome, Exception):
            raise outcome
        if not _is_finite(outcome):
            error = "The model returned NaN or infinity for this image; try single precision or another revision."
            raise RowRejected(Outcome.FAILED, Reason.MODEL_OUTPUT_INVALID, error)
        return {"rejects": [], **finish(row, outcome), **keys}
    except Exception as error:  # a poisoned image is quarantined alone, whatever it raises
        return {**keys, "rejects": [rejected_by(error).as_row()]}


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float | np.floating) or bool(np.isfinite(value))
