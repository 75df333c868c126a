"""Compares the outputs of two recipes of one lake: counts, differences and agreement."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs.engine.errors import UsageError
from jobs.engine.registry import stage_definitions
from jobs.views.pages.agreement import Measure, TypeAgreement, measures_of, types_of
from jobs.views.reader import LakeReader, Row, stage_of_table


@dataclass(frozen=True)
class Comparison:
    """Two recipes of a stage with the outputs that depend on each; `same_objects`: both use the same object ids."""

    stage: str
    a: str
    b: str
    differences: tuple[Measure, ...]
    measures: tuple[Measure, ...]
    types: tuple[TypeAgreement, ...]
    same_objects: bool


def compared(lake: LakeReader, first: str, second: str) -> Comparison:
    """Compare two recipes, each given as a prefix of its hash, in their stage and all later ones.

    Raises:
        LakeUnreadable: there is no lake.
        UsageError: a prefix matches no recipe or several, or the recipes belong to different stages.
    """
    lake.tables()
    recipes = lake.optional("recipes", "SELECT * FROM t ORDER BY activated_at")
    a, b = _matching(recipes, first), _matching(recipes, second)
    if a["stage"] != b["stage"]:
        raise UsageError(
            f"Recipe {first!r} belongs to stage {a['stage']} and {second!r} to {b['stage']};"
            " compare two recipes of one stage."
        )
    of_a, of_b = _lineage(recipes, a), _lineage(recipes, b)
    pairs = {
        table: (of_a[stage], of_b[stage])
        for table, stage in stage_of_table().items()
        if stage in of_a and stage in of_b and of_a[stage] != of_b[stage] and lake.has(table)
    }
    same_objects = of_a.get("context") == of_b.get("context")
    return Comparison(
        stage=a["stage"],
        a=a["recipe"],
        b=b["recipe"],
        differences=_differences(a["settings_json"], b["settings_json"]),
        measures=tuple(measure for table, pair in pairs.items() for measure in measures_of(lake, table, *pair)),
        types=types_of(lake, *pairs["qa_pairs"], same_objects) if "qa_pairs" in pairs else (),
        same_objects=same_objects,
    )


def _matching(recipes: Sequence[Row], prefix: str) -> Row:
    matches = {(row["stage"], row["recipe"]): row for row in recipes if row["recipe"].startswith(prefix)}
    if len(matches) != 1:
        problem = "matches no recipe" if not matches else f"matches {len(matches)} recipes"
        names = ", ".join(sorted({f"{row['stage']} {row['recipe'][:8]}" for row in recipes})) or "none"
        raise UsageError(f"{prefix!r} {problem} of this lake; its recipes are {names}.")
    return next(iter(matches.values()))


def _lineage(recipes: Sequence[Row], start: Row) -> dict[str, str]:
    """Return by stage the recipes upstream of `start` and the latest ones downstream of it."""
    stages = tuple(stage_definitions())
    line, place = {start["stage"]: start["recipe"]}, stages.index(start["stage"])
    upstream = start["upstream_recipe"]
    for stage in reversed(stages[:place]):
        row = next((row for row in recipes if (row["stage"], row["recipe"]) == (stage, upstream)), None)
        if row is None:
            break
        line[stage], upstream = row["recipe"], row["upstream_recipe"]
    recipe = start["recipe"]
    for stage in stages[place + 1 :]:
        following = [row for row in recipes if (row["stage"], row["upstream_recipe"]) == (stage, recipe)]
        if not following:
            break
        line[stage] = recipe = following[-1]["recipe"]
    return line


def _differences(a: str, b: str) -> tuple[Measure, ...]:
    flat_a, flat_b = _flat(json.loads(a)), _flat(json.loads(b))
    names = [name for name in sorted({*flat_a, *flat_b}) if flat_a.get(name) != flat_b.get(name)]
    return tuple(Measure(name, str(flat_a.get(name, "–")), str(flat_b.get(name, "–"))) for name in names)


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {name: value}
    return {k: v for key, item in value.items() for k, v in _flat(item, f"{name}.{key}" if name else key).items()}
