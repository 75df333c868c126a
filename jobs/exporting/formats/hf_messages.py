"""Conversations as Hugging Face messages in Parquet, columns `messages` and `images`, as TRL uses them."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from jobs.exporting.chunk import Chunk, Example
from jobs.exporting.layouts import ExportFormat, ShardFiles
from jobs.exporting.parquet import IMAGE, image_of, row_groups, with_features, write_parquet

_TEXT = pa.string()
_TEXTS = pa.list_(_TEXT)
_PART = pa.struct([("type", _TEXT), ("text", _TEXT)])
_SCHEMA = with_features(
    pa.schema(
        [
            ("messages", pa.list_(pa.struct([("role", _TEXT), ("content", pa.list_(_PART))]))),
            ("images", pa.list_(IMAGE)),
            ("id", _TEXT),
            ("image_id", _TEXT),
            ("qa_ids", _TEXTS),
            ("type_ids", _TEXTS),
            ("licence", _TEXT),
        ]
    ),
    {"images": {"_type": "List", "feature": {"_type": "Image"}}},
)


def _write(chunks: Iterable[Chunk], files: ShardFiles) -> None:
    write_parquet(files.path(f"data/{files.name}.parquet"), _SCHEMA, _tables(chunks))


def _tables(chunks: Iterable[Chunk]) -> Iterator[pa.Table]:
    for chunk in chunks:
        examples = list(chunk.examples())
        for rows in row_groups([len((one.image and one.image.data) or b"") for one in examples]):
            yield pa.Table.from_pylist([_row(one) for one in examples[rows]], schema=_SCHEMA)


def _row(example: Example) -> dict[str, object]:
    messages = []
    for place, (question, answer) in enumerate(example.turns):
        shown = [{"type": "image", "text": None}] if place == 0 and example.image else []
        messages.append({"role": "user", "content": [*shown, {"type": "text", "text": question}]})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return {
        "messages": messages,
        "images": [image_of(example.image.data, example.image_id)] if example.image else [],
        "id": example.example_id,
        "image_id": example.image_id,
        "qa_ids": example.qa_ids,
        "type_ids": example.type_ids,
        "licence": example.licence,
    }


EXPORT = ExportFormat(
    name="hf_messages",
    title="conversations in Parquet, columns `messages` and `images`, and a card",
    read_by="TRL, `datasets`, [`train`](training.md) as a general stream",
    write=_write,
    conversations=True,
    images=("inside", "none"),
    hub=lambda split: f"data/{split}-*.parquet",
)
