"""VQAv2 and OK-VQA: the official pair of question and annotation files in a folder, or rows with both in one.

The folder holds `*questions*.json` and `*annotations*.json`, and the photographs as COCO names them, in a folder of
their own or not.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlm.evaluation.formats.layout import ItemFormat
from vlm.evaluation.formats.rows import BadRow, Row, Unreadable, rows_of
from vlm.evaluation.items import Item, Kind, Truth


def _rows(path: Path) -> Iterator[Row]:
    questions = sorted(path.rglob("*uestions*.json")) if path.is_dir() else []
    if not questions:
        yield from rows_of(path)
        return
    annotations = sorted(path.rglob("*nnotations*.json"))
    if len(questions) != 1 or len(annotations) != 1:
        raise Unreadable(
            f"{path} holds {len(questions)} question files and {len(annotations)} annotation files; "
            "keep one of each in a folder of its own."
        )
    answers = {one["question_id"]: one for one in _document(annotations[0])["annotations"]}
    document = _document(questions[0])
    photographs = {file.name: file for file in path.rglob("*.jpg")}
    for number, question in enumerate(document["questions"]):
        name = f"COCO_{document.get('data_subtype', 'val2014')}_{int(question['image_id']):012d}.jpg"
        image = {"image": str(photographs[name].relative_to(path))} if name in photographs else {}
        yield Row({**question, **answers.get(question["question_id"], {}), **image}, number, path)


def _document(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Unreadable(f"{file.name} is no JSON: {error}.") from error


def _format(source: str) -> ItemFormat:
    def items(row: Row) -> list[Item]:
        humans = tuple(str(one["answer"] if isinstance(one, dict) else one) for one in row.list("answers"))
        if not humans:
            raise BadRow("has no answers of humans")
        common = str(row.get("multiple_choice_answer") or max(humans, key=humans.count))
        return [
            Item(
                item_id=row.text("question_id"),
                number=row.number,
                source=source,
                kind=Kind.TEXT,
                type_id=str(row.get("answer_type") or row.get("question_type") or "all"),
                question=row.text("question"),
                answer=common,
                truth=Truth(texts=humans),
                pictures=row.pictures("image"),
            )
        ]

    return ItemFormat(items, _rows)


VQAV2 = _format("vqav2")
OK_VQA = _format("ok_vqa")
