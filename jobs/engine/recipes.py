"""Recipes: the hash of everything that made a row, what each hash stands for, and which recipes a lake shows."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.engine.errors import UsageError

SLOTS = ("filter", "context", "depth")


def recipe_of(stage: str, settings: Mapping[str, Any], upstream: str) -> str:
    """Return 16 hex digits of the hash of a stage, its result-changing settings and its upstream recipe."""
    text = json.dumps([stage, settings, upstream], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RecipeRow:
    """One row of table `recipes`: a recipe that a command registered, or (`activated_at`) that became current."""

    stage: str
    recipe: str
    upstream_recipe: str
    settings: Mapping[str, Any]
    configuration: Mapping[str, Any] | None
    registered_at: datetime | None
    activated_at: datetime | None

    @property
    def at(self) -> datetime:
        """Return when the row was written."""
        found = self.activated_at or self.registered_at
        assert found is not None, f"a row of `recipes` for {self.recipe} has no time"
        return found


class RecipeBook:
    """The rows of table `recipes`, oldest first.

    A recipe is registered when a command asks for it, and activated once it has caught up. The current recipe of a
    stage is the one activated last, or, if none was, the one registered last.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.rows = sorted(map(_row, rows), key=lambda row: (row.at, row.activated_at is None))

    def live(self) -> dict[str, str]:
        """Return the recipe of each stage that was activated last."""
        return {row.stage: row.recipe for row in self.rows if row.activated_at is not None}

    def current(self) -> dict[str, str]:
        """Return the recipe of each stage that readers are shown."""
        return {row.stage: row.recipe for row in self.rows} | self.live()

    def newest(self, stage: str, recipe: str | None = None) -> RecipeRow | None:
        """Return the last row of a stage, or of one of its recipes."""
        own = (row for row in reversed(self.rows) if row.stage == stage and recipe in (None, row.recipe))
        return next(own, None)

    def named(self, name: str) -> RecipeRow:
        """Return the newest row of the recipe that begins with `name`.

        Raises:
            UsageError: no recipe begins so, or several do.
        """
        found = {(row.stage, row.recipe): row for row in self.rows if row.recipe.startswith(name)}
        if len(found) != 1:
            problem = "matches no recipe" if not found else f"matches {len(found)} recipes"
            there = ", ".join(sorted({f"{row.stage} {row.recipe[:8]}" for row in self.rows})) or "none"
            raise UsageError(f"{name!r} {problem} of this lake; its recipes are {there}.")
        return next(iter(found.values()))

    def chain_of(self, row: RecipeRow, order: Mapping[str, str]) -> dict[str, str]:
        """Return by stage the recipes upstream of `row`, the newest ones built on it, and live ones of other branches.

        `order` maps every stage to the one it follows and lists it after that one.
        """
        live = self.live()
        chain, stage, recipe = {row.stage: row.recipe}, row.stage, row.upstream_recipe
        while order[stage] != stage and (above := self.newest(order[stage], recipe)):
            stage = above.stage
            chain[stage], recipe = above.recipe, above.upstream_recipe
        for stage, upstream in order.items():
            if stage in chain or upstream not in chain:
                continue
            built = [one.recipe for one in self.rows if (one.stage, one.upstream_recipe) == (stage, chain[upstream])]
            beside = live.get(stage) in built and not _follows(stage, row.stage, order)
            if built:
                chain[stage] = live[stage] if beside else built[-1]
        return chain

    def remembered(self, chain: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the settings that the current recipes, or those of `chain`, were made with.

        They are a mapping of settings sections, of `experts` to a whole profile, and of `rules` to a list.
        """
        recipes = self.current() | dict(chain or {})
        found: dict[str, Any] = {}
        experts: dict[str, Any] = {}
        for stage, recipe in recipes.items():
            expert, settings = self.configuration(stage, recipe)
            if settings:
                found[stage] = settings
            if expert and stage in SLOTS:
                experts[stage] = expert
        if len(experts) == len(SLOTS):
            found["experts"] = {"name": "remembered", **experts}
        rules = [rule for stage, recipe in recipes.items() for rule in self.rules(stage, recipe)]
        return {**found, "rules": rules} if rules else found

    def configuration(self, stage: str, recipe: str) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """Return a recipe's expert and settings section; rows of earlier versions hold only the hashed settings."""
        whole = self._whole(stage, recipe)
        if whole is not None:
            return whole.get("expert"), dict(whole.get("settings") or {})
        settings = dict(self.newest(stage, recipe).settings)  # pyright: ignore[reportOptionalMemberAccess]
        return settings.pop("expert", None), dict(settings.get("limits", settings))

    def rules(self, stage: str, recipe: str) -> list[dict[str, Any]]:
        """Return the quality rules of a recipe's table."""
        return list((self._whole(stage, recipe) or {}).get("rules") or ())

    def _whole(self, stage: str, recipe: str) -> Mapping[str, Any] | None:
        own = [row for row in self.rows if (row.stage, row.recipe) == (stage, recipe)]
        return next((row.configuration for row in reversed(own) if row.configuration is not None), None)


def _follows(stage: str, first: str, order: Mapping[str, str]) -> bool:
    while order[stage] not in (stage, first):
        stage = order[stage]
    return order[stage] == first


def _row(row: Mapping[str, Any]) -> RecipeRow:
    configuration = row.get("configuration_json")
    return RecipeRow(
        stage=row["stage"],
        recipe=row["recipe"],
        upstream_recipe=row.get("upstream_recipe") or "",
        settings=_mapping(row.get("settings_json")),
        configuration=_mapping(configuration) if configuration else None,
        registered_at=row.get("registered_at"),
        activated_at=row.get("activated_at"),
    )


def _mapping(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
