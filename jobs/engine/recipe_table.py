"""Table `recipes`: which recipes a lake knows, read and written through Spark."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from jobs.engine.delta_log import opened
from jobs.engine.lake import Lake
from jobs.engine.recipes import RecipeBook, RecipeRow
from jobs.engine.registry import run_stages
from jobs.engine.stage import Stage
from schemas.operations import RECIPES
from schemas.table import ENGINE_VERSION


def recipe_book(lake: Lake) -> RecipeBook:
    """Return the lake's recipes."""
    return RecipeBook(_stored(lake))


def register(lake: Lake, stages: Mapping[str, Stage], names: Iterable[str]) -> RecipeBook:
    """Register the recipes of the named stages and of all of `run`; return all registered ones.

    Writes nothing if they are registered already.
    """
    lake.ensure(RECIPES)
    stored = _stored(lake)
    book, rows = RecipeBook(stored), list[dict[str, Any]]()
    live = book.live()
    for name in dict.fromkeys((*run_stages(), *names)):
        stage, newest = stages[name], book.newest(name, stages[name].recipe)
        known = newest is not None and newest.configuration == _plain(stage.configuration)
        last = book.newest(name)
        if not known or (name not in live and last is not None and last.recipe != stage.recipe):
            rows.append(_table_row(stage, registered_at=datetime.now(UTC)))
    _append(lake, rows)
    return RecipeBook([*stored, *rows])


def activate(lake: Lake, recipes: Iterable[Stage | RecipeRow]) -> None:
    """Make recipes the current ones of their stages, all in one commit."""
    now = datetime.now(UTC)
    _append(lake, [_table_row(one, activated_at=now) for one in recipes])


def _stored(lake: Lake) -> list[dict[str, Any]]:
    table = opened(lake.location(RECIPES))
    return [] if table is None else table.to_pyarrow_table().to_pylist()


def _plain(configuration: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(configuration))


def _table_row(
    recipe: Stage | RecipeRow, registered_at: datetime | None = None, activated_at: datetime | None = None
) -> dict[str, Any]:
    # A row of an earlier version has no configuration.
    configuration = None if recipe.configuration is None else json.dumps(recipe.configuration, sort_keys=True)
    return {
        "stage": recipe.stage if isinstance(recipe, RecipeRow) else recipe.name,
        "recipe": recipe.recipe,
        "upstream_recipe": recipe.upstream_recipe,
        "settings_json": json.dumps(recipe.settings, sort_keys=True),
        "configuration_json": configuration,
        "registered_at": registered_at,
        "activated_at": activated_at,
        "engine_version": ENGINE_VERSION,
    }


def _append(lake: Lake, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        lake.ensure(RECIPES)
        # An id of its own: commands of other stages may register theirs at the same moment.
        lake.append_records(RECIPES, rows, f"spatiallake:recipes:{uuid4()}", 0)
