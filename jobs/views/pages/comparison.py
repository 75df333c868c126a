"""Compares the outputs of two recipes of one lake: counts, differences and agreement."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.engine.errors import UsageError
from jobs.engine.registry import order_of_stages
from jobs.views.pages.agreement import Measure, TypeAgreement, measures_of, types_of
from jobs.views.reader import LakeReader, stage_of_table
from jobs.views.recipes import leaves


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
    book, order = lake.recipe_book(), order_of_stages()
    a, b = book.named(first), book.named(second)
    if a.stage != b.stage:
        raise UsageError(
            f"Recipe {first!r} belongs to stage {a.stage} and {second!r} to {b.stage}; "
            "compare two recipes of one stage."
        )
    of_a, of_b = book.chain_of(a, order), book.chain_of(b, order)
    pairs = {
        table: (of_a[stage], of_b[stage])
        for table, stage in stage_of_table().items()
        if stage in of_a and stage in of_b and of_a[stage] != of_b[stage] and lake.has(table)
    }
    same_objects = of_a.get("context") == of_b.get("context")
    return Comparison(
        stage=a.stage,
        a=a.recipe,
        b=b.recipe,
        differences=_differences(a.settings, b.settings),
        measures=tuple(measure for table, pair in pairs.items() for measure in measures_of(lake, table, *pair)),
        types=types_of(lake, *pairs["qa_pairs"], same_objects) if "qa_pairs" in pairs else (),
        same_objects=same_objects,
    )


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Measure, ...]:
    flat_a, flat_b = dict(leaves(a)), dict(leaves(b))
    names = [name for name in sorted({*flat_a, *flat_b}) if flat_a.get(name) != flat_b.get(name)]
    return tuple(Measure(name, str(flat_a.get(name, "–")), str(flat_b.get(name, "–"))) for name in names)
