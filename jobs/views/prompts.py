"""Questions of a lake with their images and columns of truth, in one Parquet file that trainers by reward read."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.engine.errors import UsageError
from jobs.engine.exports import note_export
from jobs.views.reader import LakeReader, Row, quoted
from udfs.storage.atomic import written_whole
from vlm.evaluation.encoding import write_rows
from vlm.evaluation.rewards import has_truth

# Images in memory at a time.
_BATCH = 32
_TRUTH = (
    *("qa_id", "image_id", "type_id", "question", "answer", "answer_kind", "answer_form", "answer_bool"),
    *("answer_object_id", "object_ids", "references", "options", "side", "value_si", "unit_si", "rounding_rule"),
)
_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())
# Tells `datasets` to decode the column.
_DECODED = {"huggingface": json.dumps({"info": {"features": {"image": {"_type": "Image"}}}})}
_SCHEMA = pa.schema(
    [
        ("prompt", pa.list_(pa.struct([("role", _TEXT), ("content", _TEXT)]))),
        ("image", pa.struct([("bytes", pa.binary()), ("path", _TEXT)])),
        ("width", pa.int32()),
        ("height", pa.int32()),
        *((name, _TEXT) for name in ("qa_id", "image_id", "type_id", "question", "answer")),
        ("answer_kind", _TEXT),
        ("answer_form", _TEXT),
        ("answer_bool", pa.bool_()),
        ("answer_object_id", pa.int32()),
        ("object_ids", pa.list_(pa.int32())),
        ("references", _TEXTS),
        ("options", _TEXTS),
        ("side", _TEXT),
        ("value_si", pa.float64()),
        ("unit_si", _TEXT),
        ("rounding_rule", _TEXT),
    ],
    _DECODED,
)


def write_prompts(lake: LakeReader, out: Path, split: str, recipe: str | None) -> int:
    """Write the questions of the split's `training_examples` that have a reward to `out` (.parquet); return how many.

    Raises:
        UsageError: the split has no examples.
        LakeUnreadable: a table does not exist yet.
    """
    wanted = f"split = {quoted([split])}" + (f" AND recipe = {quoted([recipe])}" if recipe else "")
    examples = lake.query(
        "training_examples",
        f"SELECT example_id, image_id, qa_ids, recipe FROM t WHERE {wanted} ORDER BY example_id",
        all_recipes=recipe is not None,
    )
    if not examples:
        raise UsageError(
            f"{lake.uri} has no training examples of split {split}; write them with `spatiallake examples --lake"
            f" {lake.uri}`, or name another split."
        )
    with written_whole(out) as draft:
        write_rows(_rows(lake, examples), _SCHEMA, draft)
        count = pq.read_metadata(draft).num_rows
    note_export(lake.uri, "prompts", str(out), (one["image_id"] for one in examples))
    return count


def _rows(lake: LakeReader, examples: list[Row]) -> Iterator[Row]:
    columns = ", ".join(f'"{name}"' for name in _TRUTH)
    for start in range(0, len(examples), _BATCH):
        some = examples[start : start + _BATCH]
        asked = {one["example_id"]: json.loads(one["qa_ids"]) for one in some}
        ids = quoted(qa_id for ids in asked.values() for qa_id in ids)
        truths = lake.query("qa_pairs", f"SELECT {columns} FROM t WHERE qa_id IN ({ids})", all_recipes=True)
        by_id = {row["qa_id"]: row for row in truths if has_truth(row)}
        images = lake.query(
            "training_examples",
            f"SELECT example_id, jpeg, width, height FROM t WHERE example_id IN ({quoted(asked)})",
            all_recipes=True,
        )
        for image in images:
            for qa_id in asked[image["example_id"]]:
                if qa_id in by_id:
                    yield _row(by_id[qa_id], image)


def _row(truth: Row, image: Row) -> Row:
    return {
        "prompt": [{"role": "user", "content": truth["question"]}],
        "image": {"bytes": image["jpeg"], "path": None},
        "width": image["width"],
        "height": image["height"],
        **truth,
    }
