"""Lists of the things in a photograph of a room, with what is said of each directly behind its name."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from udfs.language.draws import Draws, seed_of
from vlm.mixture.room_things import Room, Thing, own_names

# What things are listed by, and whether the largest comes first.
_ORDERS: dict[str, tuple[Callable[[Thing], float], bool]] = {
    "from left to right": (lambda one: one.place[0] if one.place else 0.0, False),
    "from right to left": (lambda one: one.place[0] if one.place else 0.0, True),
    "from top to bottom": (lambda one: one.place[1] if one.place else 0.0, False),
    "from bottom to top": (lambda one: one.place[1] if one.place else 0.0, True),
    "from near to far": (lambda one: one.box.distance_m if one.box else 0.0, False),
    "from far to near": (lambda one: one.box.distance_m if one.box else 0.0, True),
}
_IN_ORDER, _LISTED = 6, 4
# Lists of a kind, or pairs, for every thing that has a name of its own.
_FOR_A_THING = {"facts": 1, "compared": 1, "beside": 2, "whether": 8, "which": 4}
# How things differ, first in place and then in size.
_WAYS = (("left", "right"), ("lower", "higher"), ("nearer", "farther"), ("narrower", "wider"), ("shorter", "taller"))
_PLACES = 3
# Below which they are called the same: a share of the picture's width, m, and shares of a length.
_SAME_SHARE, _SAME_UP_M, _SAME_DISTANCE, _SAME_SIZE = 0.03, 0.05, 0.05, 0.1
_SAME = "same"
_OPPOSITE = {word: other for way in _WAYS for word, other in (way, way[::-1])}
_THAN = {"left": "farther left", "right": "farther right", "farther": "farther away"}


class Said(NamedTuple):
    """What is asked of two things and is right; `known` are their labels and the way, `truth` how the first differs."""

    word: str
    answer: str
    known: str = ""
    truth: str = ""


def in_order(room: Room) -> list[tuple[str, str]]:
    """Return two orders with the first things in them, none where there are not two things in the picture."""
    seen = [one for one in room.things if one.place]
    if len(seen) < 2:
        return []
    found, draws = [], Draws(seed_of("order", room.image))
    for order, (key, largest_first) in sorted(_ORDERS.items(), key=lambda _: draws.uniform())[:2]:
        first = sorted(seen, key=key, reverse=largest_first)[:_IN_ORDER]
        found.append((order, ", ".join(one.caption or one.label for one in first)))
    return found


def in_pairs(kind: str, room: Room) -> list[Said]:
    """Return questions about two things of the photograph, in a way in which they differ.

    `whether` it is of the first, `which` one it is of, or all that `compared` says, of the first (`beside`).
    """
    draws, found = Draws(seed_of(kind, room.image)), {}
    for pair in _drawn(kind, _named(room), draws, 2):
        (names, one), (others, other) = pair
        said, also = draws.pick(names), draws.pick(others)
        if kind == "beside":
            word = f"the {said} next to the {also}"
            found[word] = Said(word, _told(other, one))
            continue
        way, true = draws.below(_PLACES), draws.coin()
        right = _from(other, one)[way]
        if right == _SAME:
            continue
        asked = right if true else _OPPOSITE[right]
        than = _THAN.get(asked, asked)
        if kind == "whether":
            word, answer = f"the {said} {than} than the {also}", "Yes" if true else "No"
        else:
            named = f"the {said} or the {also}" if draws.coin() else f"the {also} or the {said}"
            word, answer = f"{than}, {named}", said if true else also
        known = sorted([one.label, other.label])
        first = right if [one.label, other.label] == known else _OPPOSITE[right]
        found[word] = Said(word, answer, f"{way} {' and '.join(known)}", first)
    return list(found.values())


def in_drawn_order(kind: str, room: Room) -> list[tuple[str, str]]:
    """Return two to four things of the photograph and what is said of each, directly behind its name.

    `facts` are column, row, and distance, width and height in m; `compared` is each with the thing before it, and how
    far apart they are in m.
    """
    draws, found = Draws(seed_of(kind, room.image)), {}
    for drawn in _drawn(kind, _named(room), draws, _LISTED):
        things = [thing for _, thing in drawn]
        said = [draws.pick(names) for names, _ in drawn]
        asked = ", ".join(f"the {name}" for name in said[:-1]) + f" and the {said[-1]}"
        told = map(_fact, things) if kind == "facts" else ["", *(_told(*both) for both in pairwise(things))]
        found[asked] = ", ".join(f"{name} {what}".strip() for name, what in zip(said, told, strict=True))
    return list(found.items())


def _named(room: Room) -> list[tuple[list[str], Thing]]:
    """Return the things whose place is known with the names that no other thing of the photograph has."""
    named = zip(own_names(room.things), room.things, strict=True)
    return [(names, one) for names, one in named if names and one.place and one.box]


def _drawn(
    kind: str, known: list[tuple[list[str], Thing]], draws: Draws, most: int
) -> Iterator[list[tuple[list[str], Thing]]]:
    """Yield two to `most` of the things, none where there are not two, as many times as the kind has for a thing."""
    for _ in range(_FOR_A_THING[kind] * len(known) if len(known) > 1 else 0):
        size = 2 + draws.below(min(len(known), most) - 1)
        yield sorted(known, key=lambda _: draws.uniform())[:size]


def _fact(one: Thing) -> str:
    assert one.cell and one.box
    return f"{one.cell[0]} {one.cell[1]} {one.box.distance_m:.1f} {one.box.width_m:.1f} {one.box.height_m:.1f}"


def _told(before: Thing, one: Thing) -> str:
    assert before.box and one.box
    return " ".join([*_from(before, one), f"{math.dist(before.box.center_m, one.box.center_m):.1f}"])


def _from(before: Thing, one: Thing) -> list[str]:
    """Return how a thing lies from another, across the picture, up and by distance, and what its sizes are to it."""
    assert before.place and one.place and before.box and one.box
    differences = (
        (one.place[0] - before.place[0], _SAME_SHARE),
        (one.box.up_m - before.box.up_m, _SAME_UP_M),
        (math.log(one.box.distance_m / before.box.distance_m), math.log1p(_SAME_DISTANCE)),
        (math.log(one.box.width_m / before.box.width_m), math.log1p(_SAME_SIZE)),
        (math.log(one.box.height_m / before.box.height_m), math.log1p(_SAME_SIZE)),
    )
    return [
        _SAME if abs(difference) < same else way[difference > 0]
        for way, (difference, same) in zip(_WAYS, differences, strict=True)
    ]
