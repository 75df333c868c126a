"""Two recipes' outputs of one lake beside each other: how many, how far apart, how often they agree."""

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
    """Two recipes of a stage with all that follows from each; `same_objects` says that object ids mean the same."""

    stage: str
    a: str
    b: str
    differences: tuple[Measure, ...]
    measures: tuple[Measure, ...]
    types: tuple[TypeAgreement, ...]
    same_objects: bool


def compared(lake: LakeReader, first: str, second: str) -> Comparison:
    """Compare two recipes, each named by the beginning of its hash, in every stage from theirs on.

    Raises:
        LakeUnreadable: there is no lake.
        UsageError: no such recipe, several that begin so, or recipes of different stages.
    """
    lake.tables()
    known = lake.optional("recipes", "SELECT * FROM t ORDER BY activated_at")
    a, b = _named(known, first), _named(known, second)
    if a["stage"] != b["stage"]:
        raise UsageError(
            f"Recipe {first!r} is of stage {a['stage']} and {second!r} of {b['stage']}; compare two of one stage."
        )
    of_a, of_b = _line(known, a), _line(known, b)
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


def _named(known: Sequence[Row], name: str) -> Row:
    found = {(row["stage"], row["recipe"]): row for row in known if row["recipe"].startswith(name)}
    if len(found) != 1:
        problem = "begins no recipe" if not found else f"begins {len(found)} recipes"
        there = ", ".join(sorted({f"{row['stage']} {row['recipe'][:8]}" for row in known})) or "none"
        raise UsageError(f"{name!r} {problem} of this lake; the recipes are {there}.")
    return next(iter(found.values()))


def _line(known: Sequence[Row], start: Row) -> dict[str, str]:
    """Return the recipes by stage that lead to `start`, and the latest ones that follow from it."""
    stages = tuple(stage_definitions())
    line, place = {start["stage"]: start["recipe"]}, stages.index(start["stage"])
    upstream = start["upstream_recipe"]
    for stage in reversed(stages[:place]):
        row = next((row for row in known if (row["stage"], row["recipe"]) == (stage, upstream)), None)
        if row is None:
            break
        line[stage], upstream = row["recipe"], row["upstream_recipe"]
    recipe = start["recipe"]
    for stage in stages[place + 1 :]:
        following = [row for row in known if (row["stage"], row["upstream_recipe"]) == (stage, recipe)]
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
