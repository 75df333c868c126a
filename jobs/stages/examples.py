"""Examples: answers and images joined into flat rows that a training loop reads without Spark."""

import re
from functools import partial
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.errors import UsageError
from jobs.engine.factories import batch_stage, read_images
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage, StageDefinition, StageInputs, with_recipe
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
    read = partial(_read, qa_recipe=inputs.upstream_recipe)
    return batch_stage(inputs, read, example_batches, files_per_batch=16, arrow_rows=16, changes=changes)


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


def _read(lake: Lake, keys: DataFrame, shards: list[int], qa_recipe: str) -> DataFrame:
    answers = with_recipe(lake.read(QA_PAIRS), qa_recipe, shards).join(F.broadcast(keys.select("image_id")), "image_id")
    asked = answers.groupBy("image_id").agg(
        F.first("split").alias("split"),
        F.first("licence").alias("licence"),
        F.collect_list(F.struct(*_ANSWER)).alias("answers"),
    )
    # The texts, which are small, are broadcast, so that images are not shuffled.
    return read_images(lake, keys, shards, ("bytes",)).join(F.broadcast(asked), "image_id")


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
