"""Answers gathered for one Arrow batch: what varies per row as tuples, what a type or an image fixes only once."""

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from schemas.question_types import QUESTION_TYPES, Need
from schemas.table import ENGINE_VERSION

# The ratio of two heights needs gravity, the ratio of two widths does not; one vertical distance is that of a free gap.
_TALLER = replace(QUESTION_TYPES["N18"], needs=(Need.AMODAL, Need.GRAVITY))
_FREE_GAP = replace(QUESTION_TYPES["N04"], distance_kind="gap")
_TYPES = [*QUESTION_TYPES.values(), _TALLER, _FREE_GAP]
_TYPE_NUMBERS = {type_id: number for number, type_id in enumerate(QUESTION_TYPES)}
_TYPE_COLUMNS = {
    "type_id": [t.type_id for t in _TYPES],
    "family": [str(t.family) for t in _TYPES],
    "answer_kind": [str(t.answer_kind) for t in _TYPES],
    "unit_si": [t.unit_si for t in _TYPES],
    "distance_kind": [t.distance_kind for t in _TYPES],
    "needs": [[str(need) for need in t.needs] for t in _TYPES],
}
_FIXED = {"frame": "viewer", "witness_ok": True, "engine_version": ENGINE_VERSION}


class Answer(NamedTuple):
    """The columns of `qa_pairs` that differ from row to row."""

    type_id: str
    qa_id: str
    question: str
    answer: str
    object_ids: list[int]
    side: str | None
    answer_bool: bool | None
    answer_object_id: int | None
    value_si: float | None
    sigma_si: float | None
    value_text: str | None
    unit_text: str | None
    rounding_rule: str | None
    precise: bool | None
    margin_actual: float
    margin_threshold: float
    answer_form: str
    reference_form: str
    options: list[str] | None
    question_template: str
    answer_template: str
    references: list[str]
    seed: int


class Photograph(NamedTuple):
    """The columns of `qa_pairs` that an image fixes."""

    image_id: str
    ingest_shard: int | None
    scene_recipe: str
    licence: str | None
    split: str


@dataclass(slots=True)
class QaColumns:
    """Rows of `qa_pairs` of one recipe, appended image by image; `counts[i]` rows belong to `photographs[i]`."""

    recipe: str
    answers: list[Answer] = field(default_factory=list)
    photographs: list[Photograph] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.answers)

    def extend(self, photograph: Photograph, answers: list[Answer]) -> None:
        """Append the answers of one image."""
        self.photographs.append(photograph)
        self.counts.append(len(answers))
        self.answers += answers

    def to_batch(self, schema: pa.Schema) -> pa.RecordBatch:
        """Return the rows with the columns of `schema`, in its order; a column that no answer has yet is null.

        `rejects`, where the schema has it, is an empty list.
        """
        count = len(self.answers)
        varying = dict(zip(Answer._fields, zip(*self.answers, strict=True), strict=True)) if count else {}
        type_numbers = pa.array([_type_number(answer) for answer in self.answers], pa.int32())
        owners = pa.array(np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts))
        images = dict(zip(Photograph._fields, zip(*self.photographs, strict=True), strict=True)) if count else {}
        arrays = []
        for column in schema:
            name, kind = column.name, column.type
            if name in _TYPE_COLUMNS:
                array = _by_type(name, kind).take(type_numbers)
            elif name in varying:
                array = pa.array(varying[name], kind)
            elif name in images:
                array = pa.array(images[name], kind).take(owners)
            elif name == "recipe" or name in _FIXED:
                array = pa.repeat(pa.scalar(_FIXED.get(name, self.recipe), kind), count)
            else:
                array = _empty_lists(kind, count) if name == "rejects" else pa.nulls(count, kind)
            arrays.append(array)
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows as dicts, null columns left out; for reading few of them."""
        owners = [photo for photo, count in zip(self.photographs, self.counts, strict=True) for _ in range(count)]
        fixed = {**_FIXED, "recipe": self.recipe}
        return [
            {**fixed, **photo._asdict(), **_type_columns(answer), **answer._asdict()}
            for photo, answer in zip(owners, self.answers, strict=True)
        ]


def _type_number(answer: Answer) -> int:
    if answer.type_id == "N18" and answer.side == "taller":
        return len(_TYPES) - 2
    if answer.type_id == "N04" and answer.question_template.startswith("N04.gap"):
        return len(_TYPES) - 1
    return _TYPE_NUMBERS[answer.type_id]


def _type_columns(answer: Answer) -> dict[str, Any]:
    number = _type_number(answer)
    return {name: values[number] for name, values in _TYPE_COLUMNS.items()}


@cache
def _by_type(name: str, kind: pa.DataType) -> pa.Array:
    return pa.array(_TYPE_COLUMNS[name], kind)


def _empty_lists(kind: pa.DataType, count: int) -> pa.Array:
    return pa.array([[]], kind).take(pa.array(np.zeros(count, np.int32)))
