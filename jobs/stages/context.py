"""Context: masks, labels and captions of the photographs whose filter scores reach the thresholds."""

from collections.abc import Mapping
from functools import partial, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.lake import Lake
from jobs.engine.resources import StageResources, resources_of, task_profile
from jobs.engine.stage import Stage, with_recipe
from jobs.stages.filter import read_images
from schemas.perception import IMAGE_SCORES, REGIONS
from udfs.experts.expert import ExpertSpec, expert_class
from udfs.recipes import recipe_of
from udfs.stages.context import context_batches


def context_stage(
    spec: ExpertSpec, thresholds: Mapping[str, float], upstream: Stage, gpus_per_task: float | None = None
) -> Stage:
    """Return the stage that writes `regions`.

    `thresholds` maps score names to the least score that passes. They are no part of the recipe: moving one changes
    which photographs have rows, not what a row says; `spatiallake backfill` adds those that newly pass.
    """
    settings = {"expert": spec.for_recipe()}
    recipe = recipe_of("context", settings, upstream.recipe)
    columns = expert_class("context", spec).columns
    asked = resources_of("context", spec, gpus_per_task)
    return Stage(
        name="context",
        upstream=IMAGE_SCORES,
        target=REGIONS,
        recipe=recipe,
        upstream_recipe=upstream.recipe,
        read=partial(_read, columns=columns, scores_recipe=upstream.recipe),
        transform=partial(transform, spec=spec, thresholds=thresholds, recipe=recipe, asked=asked),
        settings=settings,
        files_per_batch=asked.files_per_batch,
        arrow_rows=asked.arrow_rows,
        expert=spec,
        gpus_per_task=asked.gpus_per_task,
    )


def _read(lake: Lake, keys: DataFrame, shards: list[int], columns: tuple[str, ...], scores_recipe: str) -> DataFrame:
    scores = with_recipe(lake.read(IMAGE_SCORES), scores_recipe, shards).select("image_id", "scores")
    wanted = tuple(dict.fromkeys(("width", "height", *columns)))
    return read_images(lake, keys, shards, wanted).join(F.broadcast(scores), "image_id")


def transform(
    df: DataFrame, spec: ExpertSpec, thresholds: Mapping[str, float], recipe: str, asked: StageResources
) -> DataFrame:
    """Return `regions` rows of the photographs in `df`, whose `scores` the thresholds gate."""
    gated = df.select("*", gate_of(thresholds).alias("gate")).drop("scores")
    profile = task_profile(df.sparkSession, asked.gpus_per_task)
    return map_batches(gated, partial(context_batches, spec=spec, recipe=recipe), output_type(REGIONS), profile)


def gate_of(thresholds: Mapping[str, float]) -> Column:
    """Return a column that is null where every score passes, else the sentence that says which does not."""
    sentences = [_sentence(name, least) for name, least in thresholds.items()]
    return reduce(F.coalesce, sentences, F.lit(None).cast("string"))


def _sentence(name: str, least: float) -> Column:
    score = F.coalesce(F.col("scores")[name], F.lit(0.0))
    carried = F.concat_ws(
        ", ", F.map_values(F.transform_values("scores", lambda k, v: F.concat(k, F.lit("="), F.format_number(v, 2))))
    )
    text = F.concat(
        F.lit(f"Filter score {name} is "),
        F.format_number(score, 2),
        F.lit(f", under the threshold {least} ("),
        carried,
        F.lit("); lower `context.thresholds` and run `spatiallake backfill` to keep it."),
    )
    return F.when(score < least, text)
