"""Examples: answers and images joined into flat rows that a training loop reads without Spark."""

import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.errors import UsageError
from jobs.engine.factories import batch_stage
from jobs.engine.joined import Part, beside
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage, StageDefinition, StageInputs
from jobs.engine.writing import AppendOncePerKey
from schemas.answers import QA_PAIRS
from schemas.images import IMAGES
from schemas.training import TRAINING_EXAMPLES
from udfs.experts.pinning import folder_digest
from udfs.stages.examples import ExamplesSettings, example_batches

_COMMIT = re.compile(r"[0-9a-f]{40}")
_ANSWER = ("qa_id", "type_id", "question", "answer", "object_ids")


def _build(inputs: StageInputs) -> Stage:
    changes = {**inputs.settings.model_dump(), "tokenizer_revision": _pinned(inputs.settings)}
    return batch_stage(
        inputs, _Read(inputs.upstream_recipe), example_batches, files_per_batch=16, arrow_rows=16, changes=changes
    )


def _pinned(settings: ExamplesSettings) -> str | None:
    """Return what pins the tokenizer: the digest of a folder, or the commit of a Hugging Face id."""
    if settings.tokenizer is None:
        return None
    if Path(settings.tokenizer).is_dir():
        return folder_digest(Path(settings.tokenizer))
    if not _COMMIT.fullmatch(settings.tokenizer_revision or ""):
        raise UsageError(
            f"Tokenizer {settings.tokenizer} is not a local folder and examples.tokenizer_revision is"
            f" {settings.tokenizer_revision!r}; set it to the 40 digits of a commit."
        )
    return settings.tokenizer_revision


@dataclass(frozen=True)
class _Read:
    """Reads images, each with all answers about it."""

    qa_recipe: str

    @property
    def _images(self) -> Part:
        return Part(IMAGES, ("image_id", "ingest_shard", "bytes"))

    @property
    def _answers(self) -> Part:
        return Part(QA_PAIRS, ("image_id", "split", "licence", *_ANSWER), self.qa_recipe)

    def __call__(self, lake: Lake, keys: DataFrame, shards: list[int]) -> DataFrame:
        ids = F.broadcast(keys.select("image_id"))
        asked = self._answers.in_spark(lake, shards).join(ids, "image_id", "left_semi").groupBy("image_id")
        asked = asked.agg(
            F.first("split").alias("split"),
            F.first("licence").alias("licence"),
            F.collect_list(F.struct(*_ANSWER)).alias("answers"),
        )
        # The texts, which are small, are broadcast, so that images are not shuffled.
        return self._images.in_spark(lake, shards).join(F.broadcast(asked), "image_id")

    def in_arrow(self, lake: Lake, keys: pa.Table) -> pa.Table:
        ids = keys["image_id"].combine_chunks()
        rows = self._answers.in_arrow(lake, "image_id", ids)
        asked: dict[str, dict] = {}
        for row in rows.to_pylist():
            kept = {name: row[name] for name in ("image_id", "split", "licence")}
            asked.setdefault(row["image_id"], {**kept, "answers": []})["answers"].append(
                {name: row[name] for name in _ANSWER}
            )
        answers = pa.list_(pa.struct([rows.schema.field(name) for name in _ANSWER]))
        fields = [rows.schema.field(name) for name in ("image_id", "split", "licence")]
        grouped = pa.Table.from_pylist(list(asked.values()), schema=pa.schema([*fields, ("answers", answers)]))
        return beside(self._images.in_arrow(lake, "image_id", ids), grouped)


STAGE = StageDefinition(
    table=TRAINING_EXAMPLES,
    reads=(QA_PAIRS, IMAGES),
    help="Write training examples: `qa_pairs`, `images` -> `training_examples`; not part of `run`.",
    build=_build,
    settings=ExamplesSettings,
    # Examples store every image several times, a cost that a lake without training should not pay.
    in_run=False,
    # The answers about one image may arrive in several micro-batches, but its rows need all of them.
    writing=AppendOncePerKey(),
)
