"""Which recipe is current: one row in `recipes` whenever a stage's models or settings change."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from pyspark.sql import Row

from jobs.engine.lake import Lake
from jobs.engine.stage import Stage
from schemas.operations import RECIPES
from schemas.table import ENGINE_VERSION


def current_recipes(lake: Lake) -> dict[str, str]:
    """Return the current recipe of every stage that has run."""
    if not lake.exists(RECIPES):
        return {}
    rows = sorted(lake.read(RECIPES).select("activated_at", "stage", "recipe").collect())
    return {row["stage"]: row["recipe"] for row in rows}


def activate(lake: Lake, stages: Sequence[Stage]) -> None:
    """Make the stages' recipes the current ones; nothing is written when they are already."""
    lake.ensure(RECIPES)
    current = current_recipes(lake)
    changed = [stage for stage in stages if current.get(stage.name) != stage.recipe]
    if not changed:
        return
    now = datetime.now(UTC)
    rows = [
        Row(
            stage=stage.name,
            recipe=stage.recipe,
            upstream_recipe=stage.upstream_recipe,
            settings_json=json.dumps(stage.settings, sort_keys=True),
            activated_at=now,
            engine_version=ENGINE_VERSION,
        )
        for stage in changed
    ]
    frame = lake.session.createDataFrame(rows, RECIPES.schema)
    lake.append(RECIPES, frame, "spatiallake:recipes", lake.version(RECIPES) + 1)
