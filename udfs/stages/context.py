"""Regions, labels and captions on Arrow batches."""

from collections.abc import Iterator

import pyarrow as pa

from schemas.reasons import Outcome, Reason
from udfs.experts.expert import ExpertSpec, Prediction
from udfs.stages.perceive import perceive
from udfs.stages.rows import Row, RowRejected


def context_batches(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, spec: ExpertSpec, recipe: str
) -> Iterator[pa.RecordBatch]:
    """Find regions; input holds the expert's columns and `gate`, output the columns of `regions` and `rejects`."""
    return perceive(batches, "context", spec, _finish, schema, recipe)


def _finish(row: Row, prediction: Prediction) -> Row:
    if not prediction["regions"]:
        error = "The expert found no region; use another vocabulary or a lower detection threshold."
        raise RowRejected(Outcome.FILTERED, Reason.NO_REGIONS, error)
    return {"width": row["width"], "height": row["height"], "regions": prediction["regions"]}
