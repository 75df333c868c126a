"""Checks answers against exact geometry.

`check(row, scene)` reads only the columns of `qa_pairs` and uses one oracle per question type. The
oracles are independent of the rules that they check; a plugin provides those of its own types in a
module that defines `ORACLES`, a dict by type id (see `schemas.plugins`).
"""

from collections.abc import Mapping
from functools import cache

import scenes.truth.types
from scenes.truth.measure import ExactScene, angle_deg
from scenes.truth.path import ExactPath
from scenes.truth.verdict import Oracle, Row, Verdict
from schemas.plugins import modules_with

GROUP = "spatiallake.oracles"


@cache
def oracles() -> Mapping[str, Oracle]:
    """Return the oracles by type id: built-in ones by module, then those of plugins.

    Raises:
        ValueError: two modules define an oracle for one type.
    """
    known: dict[str, Oracle] = {}
    for module in modules_with("ORACLES", scenes.truth.types, GROUP):
        twice = sorted(known.keys() & module.ORACLES.keys())
        if twice:
            raise ValueError(f"{module.__name__} brings a second oracle for {', '.join(twice)}; remove one of them.")
        known |= module.ORACLES
    return known


def check(row: Row, scene: ExactScene | ExactPath) -> Verdict:
    """Return the verdict on one `qa_pairs` row, or on one of `sequence_qa_pairs` about a path.

    Raises KeyError for an object that the scene lacks, ValueError for a type without an oracle or a
    side that the type does not have.
    """
    oracle = oracles().get(row["type_id"])
    if oracle is None:
        raise ValueError(
            f"Type {row['type_id']} has no oracle; define one in ORACLES of a module in scenes/truth/types or of a "
            "plugin."
        )
    return oracle(row, scene)


def gravity_error_deg(scene_row: Row, manifest_row: Row) -> float | None:
    """Return the angle in degrees between a `scenes` row's gravity and the exact one; None when it has none."""
    if scene_row["gravity_c"] is None or scene_row["gravity_src"] == "none":
        return None
    return angle_deg(scene_row["gravity_c"], manifest_row["gravity"])
