"""The table of predictions: what was asked and said, what which parser in which version read, and the success."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from vlm.evaluation.items import Prediction
from vlm.evaluation.scores.success import success
from vlm.evaluation.writers.parquet import write_rows

SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("item_id", pa.string()),
        ("source", pa.string()),
        ("kind", pa.string()),
        ("type_id", pa.string()),
        ("question", pa.string()),
        ("truth", pa.string()),
        ("raw", pa.string()),
        ("parsed", pa.bool_()),
        ("value", pa.string()),
        ("side", pa.string()),
        ("flags", pa.list_(pa.string())),
        ("span", pa.list_(pa.int32())),
        ("parser", pa.string()),
        ("parser_version", pa.string()),
        ("success", pa.float64()),
    ]
)


def write(predictions: Sequence[Prediction], path: Path) -> None:
    """Write `path` (.parquet), a row per prediction; `value` is JSON, in the unit of the truth."""
    write_rows(
        (
            {
                "model": one.model,
                "item_id": one.item.item_id,
                "source": one.item.source,
                "kind": str(one.item.kind),
                "type_id": one.item.type_id,
                "question": one.item.question,
                "truth": one.item.answer,
                "raw": one.raw,
                "parsed": one.parsed,
                "value": json.dumps(one.reading.value),
                "side": one.reading.side,
                "flags": list(one.reading.flags),
                "span": list(one.reading.span) if one.reading.span else None,
                "parser": one.reading.parser,
                "parser_version": one.reading.parser_version,
                "success": success(one),
            }
            for one in predictions
        ),
        SCHEMA,
        path,
    )
