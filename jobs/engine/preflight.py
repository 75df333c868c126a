"""Checks before any data is read that every learned expert loads where it will run."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.engine.errors import ModelFailed
from jobs.engine.lake import Lake
from jobs.engine.resources import task_profile
from jobs.engine.stage import Stage
from udfs.experts.expert import ExpertSpec, is_isolated
from udfs.stages.perceive import loading_fault

_REPLY = "device string, fault string"
# Stages that were checked in this process, by application and expert: `--follow` runs them repeatedly.
_CHECKED: dict[tuple[str, str, str], str] = {}


def require_experts(lake: Lake, stages: Sequence[Stage]) -> dict[str, str]:
    """Load the stages' learned experts where they will run; return the device of each stage.

    In Spark that is an executor, in a job of one task each.

    Raises:
        ModelFailed: one does not load; the message says which and why.
    """
    devices = {}
    for stage in stages:
        slot = stage.definition.slot or stage.name
        if stage.expert is None or not is_isolated(slot, stage.expert):
            continue
        application = lake.session.sparkContext.applicationId if lake.uses_spark else ""
        key = (application, slot, stage.expert.model_dump_json())
        if key not in _CHECKED:
            _CHECKED[key] = _load(lake, slot, stage.expert, stage.gpus_per_task)
        devices[stage.name] = _CHECKED[key]
    return devices


@contextmanager
def model_failures() -> Iterator[None]:
    """Reduce a model's failure in the middle of a stage to one sentence.

    Raises:
        ModelFailed: a worker's model no longer loads, or dies on every input.
    """
    try:
        yield
    except Exception as error:
        told = re.search(r"ModelUnavailable: (.+)", str(error))
        if told is None:
            raise
        raise ModelFailed(told.group(1)) from None


def _load(lake: Lake, slot: str, spec: ExpertSpec, gpus_per_task: float | None) -> str:
    device, fault = _loaded(lake.session, slot, spec, gpus_per_task) if lake.uses_spark else loading_fault(slot, spec)
    if fault:
        raise ModelFailed(f"Stage {slot}: {fault}")
    return device


def _loaded(session: SparkSession, slot: str, spec: ExpertSpec, gpus_per_task: float | None) -> tuple[str, str | None]:
    one_row = session.range(0, 1, 1, numPartitions=1)
    profile = task_profile(session, gpus_per_task)
    reply = one_row.mapInArrow(partial(_reply, slot=slot, spec=spec), _REPLY, profile=profile).collect()[0]
    return reply["device"], reply["fault"]


def _reply(batches: Iterable[pa.RecordBatch], slot: str, spec: ExpertSpec) -> Iterable[pa.RecordBatch]:
    for _ in batches:
        device, fault = loading_fault(slot, spec)
        yield pa.RecordBatch.from_pylist([{"device": device, "fault": fault}], schema=_reply_schema())


def _reply_schema() -> pa.Schema:
    return pa.schema([("device", pa.string()), ("fault", pa.string())])
