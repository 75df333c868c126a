"""Mutated rows of a crawl: each knows which reasons would be true of it, and which of them it must get."""

import copy
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.ingest.small_room import SmallRoom

Rng = np.random.Generator
ROOM = SmallRoom()
# JSON and Python both write these; what a missing value looks like in tables is among them.
WEIRD: tuple[Any, ...] = (
    *(True, False, 0, -1, 7, 1.5, 10**400, -(2**63), math.inf, "text", "\x00", "\ud800", [], {}, [[]], [None], [1, 2]),
    *({"a": 1}, {"fx": "1"}, [["a"] * 3] * 3, [True] * 3, [1e308] * 16, "9" * 4000, [[[[[[1]]]]]]),
)
EXTREME = (0, -0.0, -1, 5e-324, -5e-324, 1e-300, 1e-9, 1e12, 1e150, 1.7e308, -1.7e308, math.inf, -math.inf, math.nan)
WHOLE_ROW = frozenset(
    {
        *("missing_file", "truncated_image", "unreadable_image", "bad_manifest_row", "opt_out", "unsupported_format"),
        *("file_too_large", "too_many_pixels", "outside_roots"),
    }
)


@dataclass
class Case:
    """A row and its files on the way to a crawl.

    `may` are the reasons that are true of what was done to it, and it must get one of each set in `must`; `scale_told`
    says that boxes or `depth_scale` still tell the unit of the depth. A `line` replaces the row's JSON.
    """

    number: int
    row: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(ROOM.row))
    files: dict[str, bytes | None] = field(default_factory=dict)
    line: str | None = None
    may: set[str] = field(default_factory=set)
    must: list[set[str]] = field(default_factory=list)
    scale_told: bool = True
    done: list[str] = field(default_factory=list)

    def needs(self, *reasons: str) -> None:
        """Say that one of these reasons has to be given."""
        self.may |= set(reasons)
        self.must.append(set(reasons))

    def written(self, folder: Path) -> str:
        """Write the files and return the manifest's line."""
        home = folder / f"{self.number:05}"
        home.mkdir(parents=True)
        names = {"image": "image.jpg", "depth": "depth.png", "instances": "ids.png"}
        for name, data in self.files.items():
            if data is not None:
                (home / names[name]).write_bytes(data)
        uris = {name: f"{home.name}/{names[name]}" for name in self.files}
        return json.dumps({**uris, **self.row}) if self.line is None else self.line


Mutation = Callable[[Case, Rng], None]
MUTATIONS: list[Mutation] = []


def mutation(function: Mutation) -> Mutation:
    """Register a mutation."""
    MUTATIONS.append(function)
    return function


def one_of(rng: Rng, values: Any) -> Any:
    """Return one of the values, as it is."""
    return values[int(rng.integers(len(values)))]


def sound(number: int) -> Case:
    """Return the room as it is."""
    return Case(number, files=dict(ROOM.files(number)))


def case(number: int, rng: Rng) -> Case:
    """Return a room with one mutation, or with two of them that may hide each other."""
    made = _mutated(sound(number), rng)
    if rng.random() < 0.2:
        try:
            made = _mutated(copy.deepcopy(made), rng)
        except (TypeError, KeyError, IndexError, AttributeError):
            return made  # the first left nothing to mutate
        # The first may remove what the second contradicts.
        twice = len(set(made.done)) == 2 and len(made.must) == 2
        made.must, made.scale_told = [set.union(*made.must)] if twice else [], False
        made.may |= {"mask_without_object", "object_without_mask", "bad_box", "bad_depth", "bad_intrinsics"}
        made.may |= {"depth_size_mismatch", "instances_size_mismatch", "bad_gravity"}
        if "maps_swapped" in made.done:
            made.may |= {
                name.replace(*swap) for name in made.may for swap in (("depth", "instances"), ("instances", "depth"))
            }
    return made


def _mutated(made: Case, rng: Rng) -> Case:
    change = one_of(rng, MUTATIONS)
    made.done.append(change.__name__)
    change(made, rng)
    return made
