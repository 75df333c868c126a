"""Run an expert over Arrow batches: the part that filter, context and depth share."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from schemas.reasons import Outcome, Reason
from schemas.table import ENGINE_VERSION
from udfs.experts.expert import ExpertSpec, Prediction, loaded_expert
from udfs.rows import Row, RowRejected, rejected_by

Finish = Callable[[Row, Prediction], Row]


def perceive(
    batches: Iterator[pa.RecordBatch], slot: str, spec: ExpertSpec, finish: Finish, schema: pa.Schema, recipe: str
) -> Iterator[pa.RecordBatch]:
    """Predict batch by batch; `finish(row, prediction)` makes the table's row, or raises RowRejected.

    A row whose `gate` column holds a sentence is filtered before the expert sees it.
    """
    expert = loaded_expert(slot, spec)
    for batch in batches:
        rows = batch.to_pylist()
        kept = [row for row in rows if not row.get("gate")]
        outcomes: dict[int, Prediction | Exception] = dict(
            zip(map(id, kept), expert.predict(kept), strict=True) if kept else ()
        )
        out = [_output(row, outcomes.get(id(row)), finish, recipe) for row in rows]
        yield pa.RecordBatch.from_pylist(out, schema=schema)


def _output(row: Row, outcome: Prediction | Exception | None, finish: Finish, recipe: str) -> Row:
    keys: dict[str, Any] = {
        "image_id": row["image_id"],
        "ingest_shard": row["ingest_shard"],
        "recipe": recipe,
        "engine_version": ENGINE_VERSION,
    }
    try:
        if outcome is None:
            raise RowRejected(Outcome.FILTERED, Reason.SCORE_BELOW_THRESHOLD, row["gate"])
        if isinstance(outcome, Exception):
            raise outcome
        return {"rejects": [], **finish(row, outcome), **keys}
    except Exception as error:  # a poisoned photograph is quarantined alone, whatever it raises
        return {**keys, "rejects": [rejected_by(error).as_row()]}
