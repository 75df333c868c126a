"""Metric depth, intrinsics and gravity on Arrow batches."""

from collections.abc import Iterator

import pyarrow as pa

from udfs.experts.expert import ExpertSpec, Prediction
from udfs.stages.perceive import perceive
from udfs.stages.rows import Row


def depth_batches(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, spec: ExpertSpec, recipe: str
) -> Iterator[pa.RecordBatch]:
    """Measure depth; input holds the expert's columns, output the columns of `depths` and `rejects`."""
    return perceive(batches, "depth", spec, _finish, schema, recipe)


def _finish(row: Row, prediction: Prediction) -> Row:
    return dict(prediction)
