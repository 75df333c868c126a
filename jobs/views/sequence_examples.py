"""Questions about several images as conversations to train on, in one Parquet file."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.engine.errors import UsageError
from jobs.engine.exports import note_export
from jobs.views.reader import LakeReader, Row, quoted
from udfs.stages.examples import ExamplesSettings, resized_jpeg
from udfs.storage.atomic import written_whole
from vlm.evaluation.encoding import write_rows

# Questions whose images are in memory at a time.
_BATCH = 16
_READ = ("qa_id", "sequence_id", "type_id", "question", "answer", "image_ids", "licence")
_TEXT = pa.string()
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", _TEXT)])
_PART = pa.struct([("type", _TEXT), ("text", _TEXT)])
# Tells `datasets` to decode the column.
_DECODED = {"huggingface": json.dumps({"info": {"features": {"images": [{"_type": "Image"}]}}})}
_SCHEMA = pa.schema(
    [
        ("messages", pa.list_(pa.struct([("role", _TEXT), ("content", pa.list_(_PART))]))),
        ("images", pa.list_(_IMAGE)),
        *((name, _TEXT) for name in ("qa_id", "sequence_id", "type_id", "licence")),
    ],
    _DECODED,
)


def write_sequence_examples(lake: LakeReader, out: Path, split: str, max_side_px: int) -> int:
    """Write the `sequence_qa_pairs` of a split to `out` (.parquet), with their images; return how many.

    Of a sequence that grew, only questions about its largest fused scene are written. A row has `messages` in the form
    of chat templates, one image part for each of `images` before the question.

    Raises:
        LakeUnreadable: there are no questions about sequences yet.
        UsageError: the split has none.
    """
    columns = ", ".join(f'"{name}"' for name in (*_READ, "fusion_id"))
    rows = lake.query(
        "sequence_qa_pairs", f"SELECT {columns} FROM t WHERE split = {quoted([split])} ORDER BY sequence_id, qa_id"
    )
    largest = _largest(lake)
    asked = [row for row in rows if row["fusion_id"] in largest]
    if not asked:
        raise UsageError(f"{lake.uri} has no questions about sequences of split {split}; name another split.")
    settings = ExamplesSettings(max_side_px=max_side_px)
    with written_whole(out) as draft:
        write_rows(_rows(lake, asked, settings), _SCHEMA, draft)
        count = pq.read_metadata(draft).num_rows
    note_export(lake.uri, "sequence examples", str(out), (one for row in asked for one in row["image_ids"]))
    return count


def _largest(lake: LakeReader) -> set[str]:
    """Return the fused scene of each sequence that has the most frames."""
    scenes = lake.query("fused_scenes", "SELECT fusion_id, sequence_id FROM t ORDER BY fused_frames, fusion_id")
    return set({row["sequence_id"]: row["fusion_id"] for row in scenes}.values())


def _rows(lake: LakeReader, asked: list[Row], settings: ExamplesSettings) -> Iterator[Row]:
    for start in range(0, len(asked), _BATCH):
        some = asked[start : start + _BATCH]
        wanted = {one for row in some for one in row["image_ids"]}
        found = lake.query("images", f"SELECT image_id, bytes FROM t WHERE image_id IN ({quoted(wanted)})")
        images = {row["image_id"]: resized_jpeg(row, settings)[0] for row in found}
        yield from (_row(one, images) for one in some)


def _row(asked: Row, images: dict[str, bytes]) -> Row:
    shown = [{"type": "image", "text": None} for _ in asked["image_ids"]]
    question = [*shown, {"type": "text", "text": asked["question"]}]
    answer = [{"type": "text", "text": asked["answer"]}]
    return {
        "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}],
        "images": [{"bytes": images[one], "path": None} for one in asked["image_ids"]],
        **{name: asked[name] for name in ("qa_id", "sequence_id", "type_id", "licence")},
    }
