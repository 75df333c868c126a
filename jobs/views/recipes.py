"""`spatiallake recipes`: every recipe of a lake with its state, its progress and what sets it apart."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table as Grid

from jobs.engine.going_live import progress_of
from jobs.engine.recipes import RecipeBook, RecipeRow
from jobs.engine.registry import definition_of, sections, stage_definitions
from jobs.views.reader import LakeReader

_NO_EXPERT = {"model": "none", "revision": "none", "timeout_s": 60.0}


@dataclass(frozen=True)
class ListedRecipe:
    """A recipe of a stage: its hash, `live`, `old` or how far it is, when it was first asked for, and its settings."""

    stage: str
    recipe: str
    state: str
    since: str
    settings: str


def listed(lake: LakeReader, full: bool = False) -> list[ListedRecipe]:
    """Return the lake's recipes, by stage in order, the newest first.

    Settings are those that differ from the live recipe, of the live one those that differ from the defaults; with
    `full` all of them, as JSON.

    Raises:
        LakeUnreadable: there is no lake.
    """
    lake.tables()
    book, found = lake.recipe_book(), []
    for stage in stage_definitions():
        own = [row for row in reversed(book.rows) if row.stage == stage]
        for recipe in dict.fromkeys(row.recipe for row in own):
            first = [row for row in own if row.recipe == recipe][-1]
            newest = next(row for row in own if row.recipe == recipe)
            text = json.dumps(_values(book, newest), sort_keys=True) if full else _difference(book, newest)
            since = first.at.strftime("%Y-%m-%d %H:%M")
            found.append(ListedRecipe(stage, recipe, _state(lake, book, newest), since, text))
    return found


def print_recipes(lake: LakeReader, out: TextIO, full: bool = False) -> None:
    """Print the lake's recipes as a table."""
    grid = Grid(show_edge=False, header_style="bold")
    for name in ("stage", "recipe", "state", "since (UTC)", "settings"):
        grid.add_column(name, overflow="fold")
    for one in listed(lake, full):
        grid.add_row(
            one.stage, one.recipe[:8] if len(one.recipe) == 16 else one.recipe, one.state, one.since, one.settings
        )
    console = Console(file=out, markup=False, highlight=False)
    # Without a terminal no cell is wrapped, so that each recipe is one line.
    (console if console.is_terminal else Console(file=out, markup=False, width=100_000)).print(grid)


def _state(lake: LakeReader, book: RecipeBook, row: RecipeRow) -> str:
    if book.live().get(row.stage) == row.recipe:
        return "live"
    if any(one.activated_at for one in book.rows if (one.stage, one.recipe) == (row.stage, row.recipe)):
        return "old"
    progress = progress_of(lake, definition_of(row.stage), row.recipe, row.upstream_recipe)
    return f"pending, {progress.dealt:,} of {progress.total:,}"


def _difference(book: RecipeBook, row: RecipeRow) -> str:
    live = book.live().get(row.stage)
    other = book.newest(row.stage, live) if live and live != row.recipe else None
    before = dict(leaves(_values(book, other) if other else _defaults(row.stage)))
    changed = [f"{name}={_text(value)}" for name, value in leaves(_values(book, row)) if before.get(name) != value]
    if not changed and other is not None and row.upstream_recipe != other.upstream_recipe:
        return f"reads {row.upstream_recipe[:8]}"
    return ", ".join(changed) or "defaults"


def _defaults(stage: str) -> dict[str, Any]:
    section = sections().get(stage)
    return {"expert": _NO_EXPERT, **(section().model_dump(mode="json") if section else {})}


def _values(book: RecipeBook, row: RecipeRow) -> dict[str, Any]:
    expert, settings = book.configuration(row.stage, row.recipe)
    rules = {"rules": {rule["name"]: rule["action"] for rule in book.rules(row.stage, row.recipe)}}
    return {**({"expert": expert} if expert else {}), **settings, **rules}


def leaves(value: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    """Return the dotted names and values of nested settings."""
    found: list[tuple[str, Any]] = []
    for name, inner in value.items():
        dotted = f"{above}.{name}" if above else name
        found += leaves(inner, dotted) if isinstance(inner, Mapping) else [(dotted, inner)]
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
