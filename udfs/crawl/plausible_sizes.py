"""Holds the sizes that depth and intrinsics give to named objects against those that things of the name have."""

import math
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from udfs.crawl.box_fit import Seen

_TOO_LARGE, _MIN_LARGE = 2.0, 2
# Of things that others hide, parts are seen, and toys are smaller than what they are named after.
_TOO_SMALL, _MIN_SMALL = 1 / 3, 3
# One mask of several things apart, as of a whole class, fills little of its bounds.
_MIN_FILL = 0.3
_EXAMPLES = 2


@cache
def _known_m() -> dict[str, tuple[float, float]]:
    rows = yaml.safe_load((Path(__file__).parent / "sizes.yaml").read_text())
    return {name: (float(low), float(high)) for name, (low, high) in rows.items()}


def named(objects: Iterable[Mapping[str, Any]]) -> dict[int, tuple[str, float, float]]:
    """Return the label and the smallest and largest size in m of objects by id, where the name tells them.

    A label whose last word alone is known, such as "toy car", has no smallest size.
    """
    found = {}
    for item in objects:
        label = " ".join((item["label"] or "").lower().replace("_", " ").split())
        size = _known_m().get(label)
        head = _known_m().get(label.rpartition(" ")[2])
        if size or head:
            found[item["id"]] = (label, *size) if size else (label, 0.0, head[1] if head else math.inf)
    return found


def wrong_sizes(
    names: Mapping[int, tuple[str, float, float]], seen: Mapping[int, Seen], camera: Mapping[str, float]
) -> str | None:
    """Return a clause on the sizes that named objects have in the image when no camera saw them; None if it may have.

    What is visible of a thing is at most as large as the thing, so two that are too large are enough, by the median; of
    things that are too small, all must be, and three.
    """
    sizes_m = {one: of.size_m(camera) for one, of in seen.items() if one in names and of.fill >= _MIN_FILL}
    known = {one: size for one, size in sizes_m.items() if not math.isnan(size) and size > 0}
    if not known:
        return None
    over = {one: size / names[one][2] for one, size in known.items()}
    under = {one: size / names[one][1] for one, size in known.items() if names[one][1] > 0}
    if len(over) >= _MIN_LARGE and median(over.values()) > _TOO_LARGE:
        return _clause(names, known, sorted(over, key=lambda one: -over[one]), "large")
    if len(under) >= _MIN_SMALL and len(under) == len(known) and max(under.values()) < _TOO_SMALL:
        return _clause(names, known, sorted(under, key=lambda one: under[one]), "small")
    return None


def _clause(
    names: Mapping[int, tuple[str, float, float]], sizes_m: Mapping[int, float], order: list[int], how: str
) -> str:
    examples = " and ".join(f"a {names[one][0]} {sizes_m[one]:.3g} m" for one in order[:_EXAMPLES])
    return f"makes {examples} long, too {how} for what {len(order)} objects are named"
