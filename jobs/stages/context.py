"""Context: masks, labels and captions of the images whose filter scores reach the thresholds."""

from collections.abc import Mapping
from functools import partial, reduce

from pydantic import Field
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.engine.factories import expert_stage, read_images
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage, StageDefinition, StageInputs, with_recipe
from schemas.images import IMAGES
from schemas.perception import IMAGE_SCORES, REGIONS
from schemas.settings import Settings
from udfs.stages.perceive import regions_row


class ContextSettings(Settings):
    """Minimum filter scores that an image needs.

    They are not part of the recipe: changing one changes which images have rows, not what a row says; `spatiallake
    backfill` adds those that newly pass.
    """

    thresholds: dict[str, float] = Field(
        default_factory=lambda: {"spatial": 0.5}, description="minimum score by name, such as {spatial: 0.5}"
    )


def _build(inputs: StageInputs) -> Stage:
    return expert_stage(
        inputs,
        regions_row,
        columns=("width", "height"),
        read=partial(_read, scores_recipe=inputs.upstream_recipe),
        prepare=partial(_gated, thresholds=inputs.settings.thresholds),
    )


def _read(lake: Lake, keys: DataFrame, shards: list[int], columns: tuple[str, ...], scores_recipe: str) -> DataFrame:
    scores = with_recipe(lake.read(IMAGE_SCORES), scores_recipe, shards).select("image_id", "scores")
    return read_images(lake, keys, shards, columns).join(F.broadcast(scores), "image_id")


def _gated(df: DataFrame, thresholds: Mapping[str, float]) -> DataFrame:
    return df.select("*", gate_of(thresholds).alias("gate")).drop("scores")


def gate_of(thresholds: Mapping[str, float], scores: Column | None = None) -> Column:
    """Return a column that is null where every score passes, else a sentence with the first that does not.

    `scores` is a column of scores by name, by default `scores`.
    """
    given = F.col("scores") if scores is None else scores
    sentences = [_sentence(name, minimum, given) for name, minimum in thresholds.items()]
    return reduce(F.coalesce, sentences, F.lit(None).cast("string"))


def _sentence(name: str, minimum: float, scores: Column) -> Column:
    score = F.coalesce(scores[name], F.lit(0.0))
    carried = F.concat_ws(
        ", ", F.map_values(F.transform_values(scores, lambda k, v: F.concat(k, F.lit("="), F.format_number(v, 2))))
    )
    text = F.concat(
        F.lit(f"Filter score {name} is "),
        F.format_number(score, 2),
        F.lit(f", under the threshold {minimum} ("),
        carried,
        F.lit("); lower `context.thresholds` and run `spatiallake backfill` to keep it."),
    )
    return F.when(score < minimum, text)


STAGE = StageDefinition(
    table=REGIONS,
    reads=(IMAGE_SCORES, IMAGES),
    help="Find masks, labels and captions: `image_scores` -> `regions`.",
    build=_build,
    settings=ContextSettings,
    slot="context",
)
