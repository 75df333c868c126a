"""Examples: answers and photographs joined into flat rows that a training loop reads without Spark."""

import re
from functools import partial
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.errors import UsageError
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage, with_recipe
from jobs.stages.filter import read_images
from schemas.answers import QA_PAIRS
from schemas.training import TRAINING_EXAMPLES
from udfs.experts.pinning import folder_digest
from udfs.recipes import recipe_of
from udfs.stages.examples import ExamplesSettings, example_batches

_COMMIT = re.compile(r"[0-9a-f]{40}")
_ANSWER = ("qa_id", "type_id", "question", "answer", "object_ids")


def examples_stage(settings: ExamplesSettings, upstream: Stage) -> Stage:
    """Return the stage that writes `training_examples`.

    Raises:
        UsageError: a tokenizer that is not pinned.
    """
    changes = {**settings.model_dump(), "tokenizer_revision": _pinned(settings)}
    recipe = recipe_of("examples", changes, upstream.recipe)
    return Stage(
        name="examples",
        upstream=QA_PAIRS,
        target=TRAINING_EXAMPLES,
        recipe=recipe,
        upstream_recipe=upstream.recipe,
        read=partial(_read, qa_recipe=upstream.recipe),
        transform=partial(transform, settings=settings, recipe=recipe),
        settings=changes,
        files_per_batch=16,
        arrow_rows=16,
        many_per_key=True,
    )


def _pinned(settings: ExamplesSettings) -> str | None:
    """Return what the tokenizer's content is pinned by: a folder's digest, or the commit of a Hugging Face id."""
    if settings.tokenizer is None:
        return None
    if Path(settings.tokenizer).is_dir():
        return folder_digest(Path(settings.tokenizer))
    if not _COMMIT.fullmatch(settings.tokenizer_revision or ""):
        raise UsageError(
            f"Tokenizer {settings.tokenizer} is no local folder and examples.tokenizer_revision is"
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
    # The photographs stay where they are: texts, which are small, are sent to them.
    return read_images(lake, keys, shards, ("bytes", "exif_orientation")).join(F.broadcast(asked), "image_id")


def transform(df: DataFrame, settings: ExamplesSettings, recipe: str) -> DataFrame:
    """Return `training_examples` rows of the photographs in `df`."""
    function = partial(example_batches, settings=settings, recipe=recipe)
    return map_batches(df, function, output_type(TRAINING_EXAMPLES))
