"""Filter scores on Arrow batches."""

from collections.abc import Iterator

import pyarrow as pa

from udfs.experts.expert import ExpertSpec, Prediction
from udfs.stages.perceive import perceive
from udfs.stages.rows import Row


def filter_batches(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, spec: ExpertSpec, recipe: str
) -> Iterator[pa.RecordBatch]:
    """Score photographs; input holds the expert's columns, output has the columns of `image_scores` and `rejects`."""
    return perceive(batches, "filter", spec, _finish, schema, recipe)


def _finish(row: Row, prediction: Prediction) -> Row:
    return {"scores": {name: float(score) for name, score in prediction["scores"].items()}}
