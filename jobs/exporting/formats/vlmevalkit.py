"""VLMEvalKit's TSV: `index, image, question, A, B, answer, category`; lettered questions apart from all others.

Only the first row of an image holds it, in base64; the others name that row's index.
"""

import base64
import csv
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from jobs.exporting.chunk import Chunk
from jobs.exporting.items import items_of
from jobs.exporting.layouts import ExportFormat, ShardFiles
from vlm.evaluation.items import Item

_LETTERS = "ABCD"
_COLUMNS = {
    "mcq": ("index", "image", "question", *_LETTERS, "answer", "category", "qa_id"),
    "vqa": ("index", "image", "question", "answer", "category", "qa_id"),
}


def _write(chunks: Iterable[Chunk], files: ShardFiles) -> None:
    """Write `spatiallake-mcq-SHARD.tsv` and `spatiallake-vqa-SHARD.tsv`, each with what it has."""
    with ExitStack() as opened:
        tables: dict[str, _Table] = {}
        for item in items_of(chunks, files):
            kind = "mcq" if item.options else "vqa"
            if kind not in tables:
                path = files.path(f"spatiallake-{kind}-{files.name}.tsv")
                stream = opened.enter_context(path.open("w", encoding="utf-8", newline=""))
                tables[kind] = _Table(csv.DictWriter(stream, _COLUMNS[kind], delimiter="\t", restval=""))
            tables[kind].add(item)


class _Table:
    """The rows of one file."""

    def __init__(self, writer: "csv.DictWriter[str]") -> None:
        self._writer = writer
        self._rows = 0
        self._image: tuple[str | None, int] = (None, 0)
        writer.writeheader()

    def add(self, item: Item) -> None:
        """Write one row; items about one image follow each other."""
        if item.image_id != self._image[0]:
            self._image = (item.image_id, self._rows)
        first = self._image[1] == self._rows
        row: dict[str, Any] = {
            "index": self._rows,
            "image": base64.b64encode(item.images[0].read()).decode() if first else self._image[1],
            "question": item.question,
            **dict(zip(_LETTERS, item.options, strict=False)),
            "answer": item.answer,
            "category": item.type_id,
            "qa_id": item.item_id,
        }
        self._writer.writerow(row)
        self._rows += 1


EXPORT = ExportFormat(
    name="vlmevalkit",
    title="VLMEvalKit's TSVs, multiple choice (`mcq`) apart from the rest (`vqa`)",
    read_by="VLMEvalKit",
    write=_write,
    tables=("qa_pairs",),
    needs_scenes=True,
)
