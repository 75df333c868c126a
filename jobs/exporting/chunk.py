"""What a format is given: rows of whole images, with their images, and the conversations that they make."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

import pyarrow as pa

from udfs.stages.examples import shared_out

Row = dict[str, Any]
_PARTS = 8


class ImageFile(NamedTuple):
    """An image of the export, upright, an RGB JPEG of `width` x `height` px.

    `data` is None where images are addresses; `place` is its path in the export, or its URL, None where it is inside.
    """

    image_id: str
    data: bytes | None
    width: int
    height: int
    place: str | None = None


class Example(NamedTuple):
    """A conversation about one image: questions with answers, and which rows and types they are of."""

    example_id: str
    image_id: str
    turns: tuple[tuple[str, str], ...]
    qa_ids: tuple[str, ...]
    type_ids: tuple[str, ...]
    licence: str | None
    image: ImageFile | None


@dataclass(frozen=True)
class Chunk:
    """All rows about a few images, ordered by image and id.

    `table` has the columns of the exported table, without the JPEGs of `training_examples`, which are among `images`
    (by image id; empty if the export has none). `scenes` holds, for formats that need them, the scene of each image
    with its `references`. `turns` is the maximum of questions per conversation.
    """

    table: pa.Table
    images: Mapping[str, ImageFile] = field(default_factory=dict)
    scenes: Mapping[str, Row] = field(default_factory=dict)
    turns: int = 1

    @cached_property
    def rows(self) -> list[Row]:
        """Return the rows as dicts."""
        return self.table.to_pylist()

    def examples(self) -> Iterator[Example]:
        """Yield the rows as conversations."""
        if "conversations" in self.table.column_names:
            yield from map(self._stored, self.rows)
        elif self.turns == 1:
            for row in self.rows:
                yield self._of([row], row["qa_id"])
        else:
            for image_id, own in groupby(self.rows, key=lambda row: row["image_id"]):
                for part, some in enumerate(shared_out(list(own), self.turns, _PARTS)):
                    yield self._of(some, f"{image_id}-{part}")

    def _of(self, rows: list[Row], example_id: str) -> Example:
        first = rows[0]
        return Example(
            example_id,
            first["image_id"],
            tuple((row["question"], row["answer"]) for row in rows),
            tuple(row["qa_id"] for row in rows),
            tuple(row["type_id"] for row in rows),
            first["licence"],
            self.images.get(first["image_id"]),
        )

    def _stored(self, row: Row) -> Example:
        said = [one["value"] for one in json.loads(row["conversations"])]
        return Example(
            row["example_id"],
            row["image_id"],
            tuple(zip(said[::2], said[1::2], strict=True)),
            tuple(json.loads(row["qa_ids"])),
            tuple(json.loads(row["type_ids"])),
            row["licence"],
            self.images.get(row["image_id"]),
        )
