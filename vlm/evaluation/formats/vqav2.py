"""VQAv2: the official question and annotation files in one folder, or rows with both.

The folder holds `*questions*.json`, `*annotations*.json` and the images under their COCO names, at any depth.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlm.evaluation.items import Item, Kind, Truth
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.row_files import rows_of, text_of
from vlm.evaluation.rows import BadRow, Row, Unreadable


def _rows(path: Path) -> Iterator[Row]:
    questions = sorted(path.rglob("*uestions*.json")) if path.is_dir() else []
    if not questions:
        yield from rows_of(path)
        return
    annotations = sorted(path.rglob("*nnotations*.json"))
    if len(questions) != 1 or len(annotations) != 1:
        raise Unreadable(
            f"{path} holds {len(questions)} question files and {len(annotations)} annotation files; "
            "keep one of each in a folder."
        )
    answers = {one["question_id"]: one for one in _document(annotations[0])["annotations"]}
    document = _document(questions[0])
    images_by_name = {file.name: file for file in path.rglob("*.jpg")}
    for number, question in enumerate(document["questions"]):
        name = f"COCO_{document.get('data_subtype', 'val2014')}_{int(question['image_id']):012d}.jpg"
        found = {"image": str(images_by_name[name].relative_to(path))} if name in images_by_name else {}
        yield Row({**question, **answers.get(question["question_id"], {}), **found}, number, path)


def _document(file: Path) -> dict[str, Any]:
    try:
        return json.loads(text_of(file))
    except ValueError as error:
        raise Unreadable(f"{file.name} is not JSON: {error}.") from error


def reader(source: str) -> ItemReader:
    """Return the reader of a benchmark in this layout, whose items name `source`."""

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
                images=row.images("image"),
            )
        ]

    return ItemReader(items, _rows)


FORMAT = Format(name="vqav2", title="VQAv2: question and annotation files, or rows", items=reader("vqav2"))
