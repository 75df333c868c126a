"""Examples: answers and images joined into flat rows that a training loop reads without Spark."""

import re
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.errors import UsageError
from jobs.engine.factories import batch_stage
from jobs.engine.joined import Part, beside
from jobs.engine.lake import Lake
from jobs.engine.outlines import HELP
from jobs.engine.stage import Stage, StageDefinition, StageInputs
from jobs.engine.writing import AppendOncePerKey
from schemas.answers import QA_PAIRS
from schemas.images import IMAGES
from schemas.scenes import REFERENCES, SCENES
from schemas.training import TRAINING_EXAMPLES
from udfs.experts.pinning import folder_digest
from udfs.stages.examples import ExamplesSettings, Thought, example_batches
from udfs.stages.rows import Row

_COMMIT = re.compile(r"[0-9a-f]{40}")
_UNREAD = ("ingest_shard", "recipe", "engine_version", "planes", "rejected")
_SCENE = tuple(name for name in SCENES.columns if name not in _UNREAD)
_ANSWER = ("qa_id", "type_id", "question", "answer", "object_ids")


def _build(inputs: StageInputs) -> Stage:
    settings = inputs.settings
    changes = {**settings.changes(), "tokenizer_revision": _pinned(settings)}
    read, batches = _Read(inputs.upstream_recipe), example_batches
    if settings.reasoning:
        scenes = Part(SCENES, _SCENE, inputs.recipe(SCENES))
        named = Part(REFERENCES, ("image_id", "references"), inputs.recipe(REFERENCES))
        read = _Read(inputs.upstream_recipe, (scenes, named))
        think = partial(_thoughts, seed=settings.reasoning_seed, count=settings.reasoning)
        batches = partial(example_batches, think=think)
    return batch_stage(inputs, read, batches, files_per_batch=16, arrow_rows=16, changes=changes)


def _thoughts(row: Row, seed: int, count: int) -> list[Thought]:
    from vlm.reason.composing import rows_of

    made = rows_of(row, row["references"], seed, count)
    return [Thought(one.kind, one.question, one.answer) for one in made]


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
    """Reads images, each with all answers about it, and with the columns of `more`, which is small."""

    qa_recipe: str
    more: tuple[Part, ...] = ()

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
        rows = self._images.in_spark(lake, shards).join(F.broadcast(asked), "image_id")
        for part in self.more:
            known = part.in_spark(lake, shards).join(ids, "image_id", "left_semi")
            rows = rows.join(F.broadcast(known), "image_id")
        return rows

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
        known = [part.in_arrow(lake, "image_id", ids) for part in self.more]
        return reduce(beside, (grouped, *known), self._images.in_arrow(lake, "image_id", ids))


STAGE = StageDefinition(
    table=TRAINING_EXAMPLES,
    reads=(QA_PAIRS, IMAGES, SCENES, REFERENCES),
    help=HELP["examples"],
    build=_build,
    settings=ExamplesSettings,
    # Examples store every image several times, a cost that a lake without training should not pay.
    in_run=False,
    # The answers about one image may arrive in several micro-batches, but its rows need all of them.
    writing=AppendOncePerKey(),
)
