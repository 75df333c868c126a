"""Lists of the things in a photograph of a room, with what is said of each directly behind its name."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from udfs.language.draws import Draws, seed_of
from vlm.mixture.room_things import Room, Thing, own_names

# What things are listed by, and whether the largest comes first.
_ORDERS: dict[str, tuple[Callable[[Thing], float], bool]] = {
    "from left to right": (lambda one: one.place[0] if one.place else 0.0, False),
    "from right to left": (lambda one: one.place[0] if one.place else 0.0, True),
    "from top to bottom": (lambda one: one.place[1] if one.place else 0.0, False),
    "from bottom to top": (lambda one: one.place[1] if one.place else 0.0, True),
    "from near to far": (lambda one: one.distance_m or 0.0, False),
    "from far to near": (lambda one: one.distance_m or 0.0, True),
}
_LISTED = 6
# How much of the picture's side, or of the lesser distance, a thing has to differ by to be called other than the same.
_SAME_SHARE, _SAME_DISTANCE = 0.03, 0.05
_SAME = "same"
_OPPOSITE = {"left": "right", "higher": "lower", "nearer": "farther"}
_OPPOSITE |= {word: other for other, word in _OPPOSITE.items()}
_THAN = {
    "left": "farther left",
    "right": "farther right",
    "higher": "higher in the picture",
    "lower": "lower in the picture",
    "nearer": "nearer",
    "farther": "farther away",
}


def in_order(things: Sequence[Thing]) -> list[tuple[str, str]]:
    """Return orders with the first things in them, none where there are not two things in the picture."""
    seen = [one for one in things if one.place]
    if len(seen) < 2:
        return []
    found = []
    for order, (key, largest_first) in _ORDERS.items():
        first = sorted(seen, key=key, reverse=largest_first)[:_LISTED]
        found.append((order, ", ".join(one.caption or one.label for one in first)))
    return found


def in_pairs(kind: str, room: Room) -> list[tuple[str, str]]:
    """Return two things of the photograph that differ in a way, and which one it is of, or whether it is of the first.

    There is a pair for every thing that has a name of its own; a thing may be in several.
    """
    known, draws, found = _named(room), Draws(seed_of(kind, room.image)), {}
    for _ in known if len(known) > 1 else ():
        (names, one), (others, other) = sorted(known, key=lambda _: draws.uniform())[:2]
        way, first = draws.below(3), draws.coin()
        said, also = draws.pick(names), draws.pick(others)
        word = _from(other, one)[way]
        if word == _SAME:
            continue
        if kind == "whether":
            asked = word if first else _OPPOSITE[word]
            found[f"the {said} {_THAN[asked]} than the {also}"] = "Yes" if first else "No"
        else:
            named = f"the {said} or the {also}" if draws.coin() else f"the {also} or the {said}"
            found[f"{_THAN[word if first else _OPPOSITE[word]]}, {named}"] = said if first else also
    return list(found.items())


def in_drawn_order(kind: str, room: Room) -> list[tuple[str, str]]:
    """Return two to six things of the photograph and what is said of each, directly behind its name.

    There are as many such lists as things that have a name of their own. `facts` are column, row and distance in m;
    `compared` is each with the thing before it.
    """
    known, draws = _named(room), Draws(seed_of(kind, room.image))
    found = {}
    for _ in known if len(known) > 1 else ():
        size = 2 + draws.below(min(len(known), _LISTED) - 1)
        drawn = sorted(known, key=lambda _: draws.uniform())[:size]
        things = [thing for _, thing in drawn]
        said = [draws.pick(names) for names, _ in drawn]
        asked = ", ".join(f"the {name}" for name in said[:-1]) + f" and the {said[-1]}"
        if kind == "facts":
            told = [_fact(one) for one in things]
        else:
            told = ["", *(" ".join(_from(*both)) for both in pairwise(things))]
        found[asked] = ", ".join(f"{name} {what}".strip() for name, what in zip(said, told, strict=True))
    return list(found.items())


def _named(room: Room) -> list[tuple[list[str], Thing]]:
    """Return the things whose place is known with the names that no other thing of the photograph has."""
    named = zip(own_names(room.things), room.things, strict=True)
    return [(names, one) for names, one in named if names and one.place and one.distance_m]


def _fact(one: Thing) -> str:
    assert one.cell and one.distance_m
    return f"{one.cell[0]} {one.cell[1]} {one.distance_m:.1f}"


def _from(before: Thing, one: Thing) -> list[str]:
    """Return how a thing lies from another in the picture, across and up, and whether it is nearer."""
    assert before.place and one.place and before.distance_m and one.distance_m
    (x, y), (from_x, from_y) = one.place, before.place
    near = math.log(one.distance_m / before.distance_m)
    return [
        _SAME if abs(difference) < same else words[difference > 0]
        for difference, same, words in (
            (x - from_x, _SAME_SHARE, ("left", "right")),
            (y - from_y, _SAME_SHARE, ("higher", "lower")),
            (near, math.log1p(_SAME_DISTANCE), ("nearer", "farther")),
        )
    ]
