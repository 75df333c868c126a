"""Answers of one Arrow batch: what varies per row as tuples, what a type or an image fixes only once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from schemas.table import ENGINE_VERSION
from udfs.questions.question_type import AnswerKind
from udfs.questions.registry import question_types

_FIXED = {"frame": "viewer", "witness_ok": True, "engine_version": ENGINE_VERSION}
_TYPE_COLUMNS = ("type_id", "family", "answer_kind", "unit_si", "distance_kind", "needs", "side", "answer_bool")


class Words(NamedTuple):
    """The columns of `qa_pairs` that hold a question and its answer as a person reads them."""

    question: str
    question_template: str
    answer: str
    answer_template: str
    answer_form: str
    options: list[str] | None = None
    value_text: str | None = None
    unit_text: str | None = None
    rounding_rule: str | None = None
    precise: bool | None = None


class Extra(NamedTuple):
    """The columns of `qa_pairs` that types of the 38 leave empty."""

    place_ids: list[int] | None = None
    places: list[str] | None = None
    asked_m: float | None = None
    body: str | None = None
    points: list[list[float]] | None = None
    outline: list[list[float]] | None = None
    coord_convention: str | None = None
    answer_object_ids: list[int] | None = None
    reason_code: str | None = None
    frame: str = "viewer"


class Answer(NamedTuple):
    """What differs from row to row; `variant` fixes further columns."""

    type_id: str
    variant: str
    qa_id: str
    object_ids: list[int]
    answer_object_id: int | None
    value_si: float | None
    sigma_si: float | None
    margin_actual: float
    margin_threshold: float
    reference_form: str
    references: list[str]
    seed: int
    words: Words
    extra: Extra | None = None


class ImageColumns(NamedTuple):
    """The columns of `qa_pairs` that an image fixes."""

    image_id: str
    ingest_shard: int | None
    scene_recipe: str
    licence: str | None
    split: str


_NO_EXTRA = Extra()


@dataclass(slots=True)
class QaColumns:
    """Rows of `qa_pairs` of one recipe, appended image by image; `counts[i]` rows belong to `images[i]`."""

    recipe: str
    answers: list[Answer] = field(default_factory=list)
    images: list[ImageColumns] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.answers)

    def extend(self, image: ImageColumns, answers: list[Answer]) -> None:
        """Append the answers of one image."""
        self.images.append(image)
        self.counts.append(len(answers))
        self.answers += answers

    def to_batch(self, schema: pa.Schema) -> pa.RecordBatch:
        """Return the rows with the columns of `schema`, in its order; a column that no answer has yet is null.

        `rejects`, where the schema has it, is an empty list.
        """
        count, numbers = len(self.answers), _variant_numbers()
        varying = _transposed(Answer._fields, self.answers)
        by_variant = zip(varying.get("type_id", ()), varying.get("variant", ()), strict=True)
        variants = pa.array([numbers[names] for names in by_variant], pa.int32())
        varying |= _transposed(Words._fields, varying.pop("words", ()))
        extras = varying.pop("extra", ())
        if any(extra is not None for extra in extras):
            varying |= _transposed(Extra._fields, [_NO_EXTRA if extra is None else extra for extra in extras])
        owners = pa.array(np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts))
        by_image = _transposed(ImageColumns._fields, self.images)
        arrays = []
        for column in schema:
            name, kind = column.name, column.type
            if name in _TYPE_COLUMNS:
                array = _by_variant(name, kind).take(variants)
            elif name in varying:
                array = pa.array(varying[name], kind)
            elif name in by_image:
                array = pa.array(by_image[name], kind).take(owners)
            elif name == "recipe" or name in _FIXED:
                array = pa.repeat(pa.scalar(_FIXED.get(name, self.recipe), kind), count)
            else:
                array = _empty_lists(kind, count) if name == "rejects" else pa.nulls(count, kind)
            arrays.append(array)
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows as dicts, null columns left out; for reading few of them."""
        owners = [image for image, count in zip(self.images, self.counts, strict=True) for _ in range(count)]
        fixed = {**_FIXED, "recipe": self.recipe}
        rows = []
        for image, answer in zip(owners, self.answers, strict=True):
            by_variant = _fixed_by_variant()[answer.type_id, answer.variant]
            varying = {**answer._asdict(), **answer.words._asdict()}
            if answer.extra is not None:
                varying |= answer.extra._asdict()
            rows.append({**fixed, **image._asdict(), **by_variant, **varying})
            del rows[-1]["words"], rows[-1]["variant"], rows[-1]["extra"]
        return rows


def _transposed(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Return the columns of rows by name, none without rows."""
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}


@cache
def _fixed_by_variant() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the columns that a variant of a type fixes, by type and variant."""
    return {
        (kind.type_id, variant): {
            "type_id": kind.type_id,
            "family": str(kind.family),
            "answer_kind": str(kind.answer_kind),
            "unit_si": kind.unit_si,
            "distance_kind": kind.distance_kind_of(variant),
            "needs": [str(need) for need in kind.needs_of(variant)],
            "side": kind.side_of(variant),
            "answer_bool": variant == "yes" if kind.answer_kind == AnswerKind.BOOL else None,
        }
        for kind in question_types().values()
        for variant in kind.variants
    }


@cache
def _variant_numbers() -> dict[tuple[str, str], int]:
    return {name: number for number, name in enumerate(_fixed_by_variant())}


@cache
def _by_variant(name: str, kind: pa.DataType) -> pa.Array:
    return pa.array([columns[name] for columns in _fixed_by_variant().values()], kind)


def _empty_lists(kind: pa.DataType, count: int) -> pa.Array:
    return pa.array([[]], kind).take(pa.array(np.zeros(count, np.int32)))
