"""Which recipe is current, what it remembers, and which others belong to it; without Spark."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.engine.errors import UsageError
from jobs.engine.recipes import RecipeBook, recipe_of
from jobs.engine.registry import order_of_stages

START = datetime(2026, 1, 1, tzinfo=UTC)


def row(
    minute: int, stage: str, recipe: str, upstream: str, live: bool = False, **configuration: Any
) -> dict[str, Any]:
    at = START + timedelta(minutes=minute)
    return {
        "stage": stage,
        "recipe": recipe,
        "upstream_recipe": upstream,
        "settings_json": "{}",
        "configuration_json": json.dumps(configuration) if configuration else None,
        "registered_at": None if live else at,
        "activated_at": at if live else None,
    }


def chain(minute: int, name: str, live: bool) -> list[dict[str, Any]]:
    above, rows = "d0", []
    for stage in ("lift", "disambiguate", "synthesize", "statistics"):
        recipe = f"{stage[:2]}{name}"
        rows.append(row(minute, stage, recipe, above, live))
        above = recipe
    return rows


def test_a_recipe_that_was_never_live_is_current_only_where_none_was() -> None:
    first = RecipeBook([*chain(0, "1", live=False), *chain(1, "2", live=False)])
    assert first.live() == {} and first.current()["synthesize"] == "sy2"
    book = RecipeBook([*chain(0, "1", live=False), *chain(1, "1", live=True), *chain(2, "2", live=False)])
    assert book.current() == book.live() == {stage: f"{stage[:2]}1" for stage in book.current()}


def test_the_recipe_activated_last_is_current_in_whatever_order_the_rows_are_read() -> None:
    rows = [*chain(1, "1", live=True), *chain(3, "2", live=True), *chain(5, "1", live=True), *chain(4, "3", live=False)]
    assert RecipeBook(rows).current()["lift"] == RecipeBook(rows[::-1]).current()["lift"] == "li1"


def test_rows_of_earlier_versions_are_live_and_remember_what_their_hash_was_made_of() -> None:
    old = {"upstream_recipe": "x", "activated_at": START, "engine_version": "0.1.0"}
    expert = '{"expert": {"family": "sensor", "model": "none"}}'
    rows = [
        {**old, "stage": "ingest", "recipe": "ingest", "settings_json": '{"limits": {"max_pixels": 9}}'},
        *({**old, "stage": s, "recipe": s[:2], "settings_json": expert} for s in ("filter", "context", "depth")),
        {**old, "stage": "synthesize", "recipe": "sy", "settings_json": '{"short_share": 0.7}'},
    ]
    book = RecipeBook(rows)
    assert book.live()["synthesize"] == "sy"
    remembered = book.remembered()
    assert remembered["ingest"] == {"max_pixels": 9}
    assert remembered["synthesize"] == {"short_share": 0.7}
    assert remembered["experts"]["depth"] == {"family": "sensor", "model": "none"}


def test_what_a_recipe_remembers_is_how_it_was_last_asked_for() -> None:
    strict, lax = {"thresholds": {"spatial": 0.5}}, {"thresholds": {"spatial": 0.1}}
    rows = [
        row(0, "context", "c1", "f1", settings=strict, expert={"family": "sensor"}),
        row(1, "context", "c1", "f1", live=True),
        row(2, "context", "c1", "f1", settings=lax, expert={"family": "sensor", "timeout_s": 5.0}),
        row(3, "context", "c2", "f1", settings=strict, expert={"family": "builtin"}),
    ]
    book = RecipeBook(rows)
    assert book.current() == {"context": "c1"}
    assert book.remembered()["context"] == lax
    assert book.configuration("context", "c1")[0] == {"family": "sensor", "timeout_s": 5.0}
    assert book.remembered({"context": "c2"})["context"] == strict


def test_a_chain_holds_what_leads_to_a_recipe_and_the_newest_that_is_built_on_it() -> None:
    rows = [
        *chain(0, "1", live=True),
        row(1, "synthesize", "sy2", "di1"),
        row(1, "statistics", "st2", "sy2"),
        row(2, "examples", "ex2", "sy2"),
        row(3, "examples", "ex3", "sy2"),
    ]
    book, order = RecipeBook(rows), order_of_stages()
    built = {"lift": "li1", "disambiguate": "di1", "synthesize": "sy2", "statistics": "st2", "examples": "ex3"}
    assert book.chain_of(book.named("sy2"), order) == built
    assert book.chain_of(book.named("sy1"), order) == {**book.live()}
    assert book.chain_of(book.named("st2"), order) == built
    # Beside the recipe that is named, the live one stays.
    both = RecipeBook([*rows, row(4, "examples", "ex2", "sy2", live=True)])
    assert both.chain_of(both.named("st2"), order)["examples"] == "ex2"
    with pytest.raises(UsageError, match=r"'sy' matches 2 recipes.*synthesize sy1, synthesize sy2"):
        book.named("sy")


def test_a_recipe_is_a_hash_of_stage_settings_and_upstream() -> None:
    recipes = {
        recipe_of("lift", {"a": 1, "b": 2}, "up"),
        recipe_of("lift", {"a": 1, "b": 3}, "up"),
        recipe_of("depth", {"a": 1, "b": 2}, "up"),
        recipe_of("lift", {"a": 1, "b": 2}, "above"),
    }
    assert len(recipes) == 4
    assert recipe_of("lift", {"b": 2, "a": 1}, "up") == recipe_of("lift", {"a": 1, "b": 2}, "up")
