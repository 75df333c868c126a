"""Predictions of lmms-eval: `*_samples_*.jsonl` with `doc_id, resps, filtered_resps`, one folder per model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlm.evaluation.formats.layout import PredictionFormat
from vlm.evaluation.formats.rows import BadRow, Row, Unreadable, rows_of
from vlm.evaluation.items import Answer


def _rows(path: Path) -> Iterator[Row]:
    files = sorted(path.rglob("*samples_*.jsonl")) if path.is_dir() else [path]
    if len(files) != 1:
        raise Unreadable(f"{path} holds {len(files)} files of samples; name one of them.")
    yield from rows_of(files[0])


def _answer(row: Row) -> Answer:
    number = row.get("doc_id")
    if number is None:
        raise BadRow("has no doc_id")
    # What the model said, before the harness cut something out of it.
    said = _first(row.get("resps"))
    text = said if said is not None else _first(row.get("filtered_resps"))
    if text is None:
        raise BadRow("has neither resps nor filtered_resps")
    return Answer(text, number=int(number))


def _first(value: Any) -> str | None:
    while isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else None


def _model(row: Row, path: Path) -> str:
    return row.folder.resolve().name


PREDICTIONS = PredictionFormat(_answer, _rows, _model)
