"""Lists of the things in a photograph of a room, with what is said of each directly behind its name."""

from collections.abc import Callable
from itertools import pairwise

from studies.claims.questions.pairs import compared, drawn_things
from studies.claims.questions.rooms import Room, Thing
from udfs.language.draws import Draws, seed_of
from udfs.language.quantity import say_meters

# What things are listed by, and whether the largest comes first.
_ORDERS: dict[str, tuple[Callable[[Thing], float], bool]] = {
    "from left to right": (lambda one: one.place[0] if one.place else 0.0, False),
    "from right to left": (lambda one: one.place[0] if one.place else 0.0, True),
    "from top to bottom": (lambda one: one.place[1] if one.place else 0.0, False),
    "from bottom to top": (lambda one: one.place[1] if one.place else 0.0, True),
    "from near to far": (lambda one: one.box.distance_m if one.box else 0.0, False),
    "from far to near": (lambda one: one.box.distance_m if one.box else 0.0, True),
}
# Lists of a kind for a photograph, and most things in them.
_LISTS, _IN_ORDER, _LISTED = 2, 6, 4


def in_order(room: Room) -> list[tuple[str, str]]:
    """Return two orders with the first things in them, none where there are not two things in the picture."""
    seen = [one for one in room.things if one.place]
    if len(seen) < 2:
        return []
    found, draws = [], Draws(seed_of("order", room.image))
    for order, (key, largest_first) in sorted(_ORDERS.items(), key=lambda _: draws.uniform())[:_LISTS]:
        first = sorted(seen, key=key, reverse=largest_first)[:_IN_ORDER]
        found.append((order, ", ".join(one.caption or one.label for one in first)))
    return found


def in_drawn_order(kind: str, room: Room) -> list[tuple[str, str]]:
    """Return lists of two to four things of the photograph, and what is said of each, directly behind its name.

    `facts` are column, row, and distance, width and height in m; `compared` is each with the thing before it, and how
    far apart they are in m.
    """
    draws, found = Draws(seed_of(kind, room.image)), {}
    for drawn in drawn_things(room, draws, _LISTED, _LISTS):
        things = [thing for _, thing in drawn]
        said = [draws.pick(names) for names, _ in drawn]
        asked = ", ".join(f"the {name}" for name in said[:-1]) + f" and the {said[-1]}"
        told = map(_fact, things) if kind == "facts" else ["", *(compared(*both) for both in pairwise(things))]
        found[asked] = ", ".join(f"{name} {what}".strip() for name, what in zip(said, told, strict=True))
    return list(found.items())


def _fact(one: Thing) -> str:
    assert one.cell and one.box
    lengths_m = (one.box.distance_m, one.box.width_m, one.box.height_m)
    return " ".join([*map(str, one.cell), *(say_meters(length_m).value_text for length_m in lengths_m)])
