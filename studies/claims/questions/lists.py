"""Lists of the objects of a rendered room, each followed directly by its facts."""

from collections.abc import Callable
from itertools import pairwise

from studies.claims.questions.pairs import compared, drawn_objects
from studies.claims.questions.rooms import Box, Room
from udfs.language.draws import Draws, seed_of
from udfs.language.quantity import say_meters

# Sort keys, and whether the order is descending.
_ORDERS: dict[str, tuple[Callable[[Box], float], bool]] = {
    "from left to right": (lambda box: box.across, False),
    "from right to left": (lambda box: box.across, True),
    "from top to bottom": (lambda box: box.down, False),
    "from bottom to top": (lambda box: box.down, True),
    "from near to far": (lambda box: box.distance_m, False),
    "from far to near": (lambda box: box.distance_m, True),
}
# Lists of each kind per image, and the maximum length of either kind.
_LISTS, _MAX_ORDERED, _MAX_LISTED = 2, 6, 4


def in_order(room: Room) -> list[tuple[str, str]]:
    """Return two orders with the first objects of each; nothing for fewer than two visible objects."""
    seen = [(one.box, one.caption or one.label) for one in room.objects if one.box]
    if len(seen) < 2:
        return []
    lists, draws = [], Draws(seed_of("order", room.image))
    for order, (key, descending) in sorted(_ORDERS.items(), key=lambda _: draws.uniform())[:_LISTS]:
        first = sorted(seen, key=lambda one: key(one[0]), reverse=descending)[:_MAX_ORDERED]
        lists.append((order, ", ".join(name for _, name in first)))
    return lists


def in_drawn_order(kind: str, room: Room) -> list[tuple[str, str]]:
    """Return lists of two to four objects, as (names asked about, names with their facts).

    `facts` are column, row, distance, width and height (m); `compared` compares each object with the one before it.
    """
    draws, lists = Draws(seed_of(kind, room.image)), {}
    for drawn in drawn_objects(room, draws, _MAX_LISTED, _LISTS):
        boxes = [box for _, _, box in drawn]
        names = [draws.pick(own) for own, _, _ in drawn]
        asked = ", ".join(f"the {name}" for name in names[:-1]) + f" and the {names[-1]}"
        facts = map(_facts, boxes) if kind == "facts" else ["", *(compared(*both) for both in pairwise(boxes))]
        lists[asked] = ", ".join(f"{name} {fact}".strip() for name, fact in zip(names, facts, strict=True))
    return list(lists.items())


def _facts(box: Box) -> str:
    lengths_m = (box.distance_m, box.width_m, box.height_m)
    return " ".join([*map(str, box.cell), *(say_meters(length_m).value_text for length_m in lengths_m)])
