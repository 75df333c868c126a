"""Predictions in plain files: rows with an id and a text, whatever their columns are called."""

import re
from pathlib import Path

from vlm.evaluation.columns import KNOWN, said
from vlm.evaluation.items import Answer
from vlm.evaluation.layouts import Format, PredictionReader
from vlm.evaluation.rows import BadRow, Row

_IDS = ("item_id", "question_id", "id", "qid", "idx", "index")


def _answer(row: Row) -> Answer:
    text = said(row.get(KNOWN[0]))
    if text is None:
        raise BadRow("has no prediction")
    return Answer(text, re.sub(r"(?<=\d)\.0$", "", row.text(*_IDS)))


def _model(row: Row, path: Path) -> str:
    return str(row.get("model") or row.get("model_id") or path.stem)


FORMAT = Format(
    name="jsonl",
    title="rows with an id and a `prediction`, `response`, `text` ..",
    predictions=PredictionReader(_answer, model=_model, columns=KNOWN),
)
