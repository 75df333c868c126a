"""What a lake remembers: its recipes and the settings that made them, read without Spark."""

from collections.abc import Mapping
from typing import Any

from jobs.engine.delta_log import opened, require_whole_log
from jobs.engine.recipes import RecipeBook
from schemas.operations import RECIPES
from udfs.storage.locations import UnservedLocation, normalized


def stored_book(uri: str) -> RecipeBook:
    """Return the recipes of the lake at a folder or `s3://` prefix; none where there is no lake.

    Raises:
        LakeUnreadable: the last log entry of table `recipes` is torn.
    """
    try:
        location = f"{normalized(uri)}/{RECIPES.name}"
    except UnservedLocation:
        return RecipeBook([])
    require_whole_log(location, to_write=True)
    table = opened(location)
    return RecipeBook([] if table is None else table.to_pyarrow_table().to_pylist())


def with_shown_examples(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return training settings with the lake's current recipe of `training_examples`, unless they name one."""
    lake, feed = settings.get("lake"), settings.get("feed") or {}
    named = feed.get("recipe") or feed.get("version") is not None or feed.get("table")
    recipe = None if not lake or named else stored_book(lake).current().get("examples")
    return {**settings, "feed": {**feed, "recipe": recipe}} if recipe else dict(settings)


def remembered_settings(uri: str, recipe: str | None = None) -> dict[str, Any]:
    """Return the settings that a lake's current recipes were made with, for `load_settings(remembered=...)`.

    With `recipe`, a prefix of a hash, they are those of its chain. Settings that this version
    no longer has are left out.

    Raises:
        UsageError: no recipe has this prefix, or several have.
    """
    from jobs.engine.registry import (
        order_of_stages,
        sections,
        stage_tables,
    )  # imports Spark, which training does not need

    book = stored_book(uri)
    chain = book.chain_of(book.named(recipe), order_of_stages()) if recipe else None
    known, found = sections(), book.remembered(chain)
    remembered = {"experts": found["experts"]} if "experts" in found else {}
    rules = [rule for rule in found.pop("rules", ()) if rule["table"] in stage_tables()]
    remembered |= {"rules": rules} if rules else {}
    for name, values in found.items():
        if name in known:
            remembered[name] = {key: value for key, value in values.items() if key in known[name].model_fields}
    return remembered
