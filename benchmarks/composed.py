"""Composed questions about rendered rooms, worded as people ask, with the truth from exact geometry.

The wordings belong to this module alone and the truth comes from `scenes.truth.measure`: nothing is shared with what
answers. A question is asked only where exact geometry decides it by the margins of the question types (15 % for fits
and reach, 15 % and 0.10 m for the nearest, 20 % between sides of a triangle, ..).
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from scenes.truth.measure import ExactObject, ExactScene

MIN_POINTS = 150
Row = Mapping[str, Any]
Truth = bool | float | int | str | tuple[int, ...]


@dataclass(frozen=True)
class Composed:
    """A question with its true answer: yes or no, a number in m, an object id, a word, or ids in order."""

    family: str
    question: str
    truth: Truth


@dataclass
class Room:
    """One room as the questions need it: exact geometry, names that are unique in it, and box centers in C, m."""

    scene: ExactScene
    names: dict[int, str]
    box_centers: dict[int, Any]
    rng: random.Random

    @property
    def ids(self) -> list[int]:
        """Return the objects that can be asked about."""
        return sorted(self.names)

    def drawn(self, count: int) -> list[int]:
        """Return some objects in random order; fewer where the room has no more."""
        return self.rng.sample(self.ids, min(count, len(self.ids)))

    def center_distance(self, a: int, b: int) -> float | None:
        """Return the distance of two centers, None where those of the visible parts and of the boxes differ."""
        one, two = self.scene.objects[a], self.scene.objects[b]
        seen = float(np.linalg.norm(one.center - two.center))
        boxed = float(np.linalg.norm(self.box_centers[a] - self.box_centers[b]))
        return seen if seen >= 0.2 and abs(seen - boxed) <= 0.08 * seen else None


def room_of(row: Row, scene: ExactScene, rng: random.Random) -> Room:
    """Return a room whose objects are called by captions that no other object has."""
    texts = [text for item in row["objects"] for text in {item["label"], *item["captions"]}]
    names = {}
    for item in row["objects"]:
        known = scene.objects.get(item["id"])
        if known is None or len(known.points_c) < MIN_POINTS:
            continue
        labels = [other["label"] for other in row["objects"]]
        free = [item["label"]] if labels.count(item["label"]) == 1 else []
        free += [text for text in item["captions"] if texts.count(text) == 1]
        free = [text for text in free if not _is_inside(text, item["id"], row)]
        if free:
            names[item["id"]] = f"the {rng.choice(free)}"
    centers = {item["id"]: np.asarray(item["box_3d"]["center"]) for item in row["objects"]}
    return Room(scene, names, centers, rng)


def _is_inside(text: str, object_id: int, row: Row) -> bool:
    """Return whether another object could be called so too: "shelf" is also said of a wall shelf."""
    head = text.rsplit(maxsplit=1)[-1]
    same = [o for o in row["objects"] if o["id"] != object_id and o["label"].split()[-1].endswith(head)]
    return bool(same) and len(text.split()) == 1


def questions_of(room: Room) -> Iterator[Composed]:
    """Yield questions of all families, one after the other, as long as the room has any."""
    makers = list(FAMILIES.items())
    for _ in range(6):
        for family, maker in makers:
            made = maker(room)
            if made is not None:
                yield Composed(family, made[0], made[1])


Made = tuple[str, Truth] | None


def _pick(room: Room, wordings: Sequence[str], **slots: str) -> str:
    text = room.rng.choice(wordings).format(**slots)
    return text[0].upper() + text[1:]


def _length(room: Room, value_m: float) -> tuple[str, float]:
    """Return a length as people write it, with the value that it then has."""
    form = room.rng.choice(("m", "m", "cm", "meters", "word"))
    rounded = round(value_m, 2)
    if form == "cm":
        return f"{round(rounded * 100)} cm", rounded
    if form == "meters":
        return f"{rounded:g} meters", rounded
    if form == "word" and abs(rounded - 0.5) < 0.03:
        return "half a meter", 0.5
    return f"{rounded:g} m", rounded


TRIANGLE = (
    "What kind of triangle do {A}, {B} and {C} form?",
    "If you connect the centers of {A}, {B} and {C}, what type of triangle do you get?",
    "Do {A}, {B}, and {C} form an equilateral, isosceles or scalene triangle?",
    "Looking at where {A}, {B} and {C} are, which sort of triangle do they make?",
    "Imagine lines between {A}, {B} and {C}. Is the triangle isosceles, equilateral or scalene?",
    "Classify the triangle with corners at {A}, {B} and {C} by its sides.",
    "{A}, {B} and {C} are the corners of a triangle: is it scalene, isosceles or equilateral?",
)
TRIANGLE_IS = (
    "Do {A}, {B} and {C} form {n} {kind} triangle?",
    "Is the triangle between {A}, {B} and {C} {kind}?",
    "Would you say that {A}, {B} and {C} make roughly {n} {kind} triangle?",
    "Are {A}, {B} and {C} arranged as {n} {kind} triangle?",
)


def _triangle(room: Room) -> Made:
    for _ in range(30):
        ids = room.drawn(3)
        if len(ids) < 3:
            return None
        known = [room.center_distance(a, b) for a, b in combinations(ids, 2)]
        kind = _kind([one for one in known if one is not None])
        if kind is None or (kind == "scalene" and room.rng.random() < 0.5):
            continue
        slots = dict(zip("ABC", (room.names[one] for one in ids), strict=True))
        if room.rng.random() < 0.6:
            return _pick(room, TRIANGLE, **slots), kind
        asked = room.rng.choice(("equilateral", "isosceles", "scalene", kind, kind))
        article = "a" if asked == "scalene" else "an"
        return _pick(room, TRIANGLE_IS, kind=asked, n=article, **slots), asked == kind
    return None


def _kind(sides: list[float]) -> str | None:
    if len(sides) < 3:
        return None
    a, b, c = sorted(sides)
    if c <= 1.08 * a:
        return "equilateral"
    near = [b <= 1.08 * a, c <= 1.08 * b]
    far = [b >= 1.2 * a, c >= 1.2 * b]
    if (near[0] and far[1]) or (near[1] and far[0]):
        return "isosceles"
    return "scalene" if all(far) else None


FITS = (
    "Can a robot that is {w} wide pass between {A} and {B}?",
    "Is the gap between {A} and {B} wide enough for a robot {w} wide?",
    "Would a {w} wide cart fit between {A} and {B}?",
    "A wheelchair needs {w} of width. Can it get through between {A} and {B}?",
    "My robot vacuum is {w} across; will it make it between {A} and {B}?",
    "Could I push a trolley {w} wide through the space between {A} and {B}?",
    "Is there enough room between {A} and {B} for something {w} wide?",
    "If a robot has a width of {w}, does it fit through the gap between {A} and {B}?",
    "Will a {w} wide robot squeeze through between {A} and {B}?",
    "Would a person who needs {w} be able to walk between {A} and {B}?",
    "Suppose a machine measures {w} from side to side. Could it drive through the opening between {A} and {B}?",
)
FITS_NOT = (
    "Is a robot {w} wide too wide to pass between {A} and {B}?",
    "Is the gap between {A} and {B} too narrow for a cart that is {w} wide?",
    "Would a {w} wide robot get stuck between {A} and {B}?",
)
FITS_THING = (
    "Would {C} fit between {A} and {B}?",
    "Could you put {C} into the gap between {A} and {B}, going by its width?",
    "Is the space between {A} and {B} wide enough for {C}?",
    "If I moved {C} over, would it fit in between {A} and {B}?",
)


def _fits(room: Room) -> Made:
    for _ in range(20):
        ids = room.drawn(3)
        if len(ids) < 2:
            return None
        a, b = ids[:2]
        gap = room.scene.clearance(a, b)
        if gap < 0.25:
            continue
        slots = {"A": room.names[a], "B": room.names[b]}
        draw = room.rng.random()
        if draw < 0.2 and len(ids) == 3:
            width = float(room.scene.objects[ids[2]].size[1])
            if 0.85 * gap < width < 1.15 * gap:
                continue
            return _pick(room, FITS_THING, C=room.names[ids[2]], **slots), width < gap
        share = room.rng.choice((room.rng.uniform(0.45, 0.85), room.rng.uniform(1.15, 1.8)))
        text, width = _length(room, share * gap)
        if 0.86 * gap < width < 1.14 * gap:
            continue
        if draw < 0.4:
            return _pick(room, FITS_NOT, w=text, **slots), width > gap
        return _pick(room, FITS, w=text, **slots), width < gap
    return None


REACH_CAMERA = (
    "Can an arm of {r} reach {A} from the camera?",
    "Standing where the camera is, could a robot with a reach of {r} touch {A}?",
    "From here, is {A} within reach of a {r} gripper arm?",
    "If my arm is {r} long and I stand where the photo was taken, can I reach {A}?",
    "The robot sits at the camera and reaches {r}. Can it grab {A}?",
)
REACH_THING = (
    "Could a robot arm mounted on {B} with a reach of {r} get to {A}?",
    "Standing at {B}, can I reach {A} with an arm {r} long?",
    "Is {A} within {r} of {B}?",
    "A gripper based at {B} reaches {r}: is {A} within its reach?",
    "With a reach of {r}, can someone next to {B} touch {A}?",
    "Can {A} be reached from {B} by an arm that extends {r}?",
)


def _reach(room: Room) -> Made:
    for _ in range(20):
        ids = room.drawn(2)
        if len(ids) < 2:
            return None
        a, b = ids
        camera = room.rng.random() < 0.4
        distance = room.scene.objects[a].range if camera else room.scene.gap(a, b)
        if distance < 0.2:
            continue
        share = room.rng.choice((room.rng.uniform(0.4, 0.83), room.rng.uniform(1.17, 1.9)))
        text, reach = _length(room, share * distance)
        if 0.85 * distance < reach < 1.15 * distance:
            continue
        wordings = REACH_CAMERA if camera else REACH_THING
        return _pick(room, wordings, r=text, A=room.names[a], B=room.names[b]), reach > distance
    return None


NEAREST = (
    "Which of {S} is closest to {A}?",
    "Which is nearest to {A}: {S}?",
    "Out of {S}, which one is closest to {A}?",
    "What is the nearest thing to {A}, {O}?",
    "Among {S}, which lies nearest to {A}?",
    "{A}: is it closest to {O}?",
    "Of {S}, which has the shortest distance to {A}?",
)
FARTHEST = (
    "Which of {S} is farthest from {A}?",
    "Out of {S}, which one is furthest away from {A}?",
    "Which is the farthest from {A}: {O}?",
    "Among {S}, which stands the farthest from {A}?",
)
NEAREST_ALL = (
    "Which object is nearest to {A}?",
    "What is the closest object to {A}?",
    "Name the thing that is closest to {A}.",
    "What stands nearest to {A}?",
)


def _listing(names: Sequence[str], joint: str) -> str:
    return f"{', '.join(names[:-1])} {joint} {names[-1]}"


def _nearest(room: Room) -> Made:
    for _ in range(20):
        if room.rng.random() < 0.35:
            anchor = room.rng.choice(room.ids)
            best = _best({one: room.scene.gap(anchor, one) for one in room.scene.objects if one != anchor}, True)
            if best is not None:
                return _pick(room, NEAREST_ALL, A=room.names[anchor]), best
            continue
        ids = room.drawn(room.rng.choice((3, 4)))
        if len(ids) < 3:
            return None
        anchor, *rest = ids
        near = room.rng.random() < 0.6
        best = _best({one: room.scene.gap(anchor, one) for one in rest}, near)
        if best is None:
            continue
        names = [room.names[one] for one in rest]
        lists = {"S": _listing(names, "and"), "O": _listing(names, "or")}
        return _pick(room, NEAREST if near else FARTHEST, A=room.names[anchor], **lists), best
    return None


def _best(values: dict[int, float], smallest: bool) -> int | None:
    order = sorted(values, key=lambda one: values[one], reverse=not smallest)
    if len(order) < 2:
        return None
    first, second = values[order[0]], values[order[1]]
    larger = max(first, second)
    return order[0] if abs(first - second) >= max(0.10, 0.15 * larger) else None


ORDER_LEFT = (
    "Put {S} in order from left to right.",
    "List {S} from left to right as you see them.",
    "What is the left-to-right order of {S}?",
    "Arrange {S} by position, from left to right.",
    "In which order, from left to right, do {S} appear?",
)
ORDER_NEAR = (
    "Order {S} from nearest to farthest from the camera.",
    "Sort {S} by distance from the camera, closest first.",
    "Rank {S} from the closest to the farthest away.",
    "List {S} from near to far.",
    "In what order would you meet {S} going from nearest to farthest?",
)
ORDER_TALL = (
    "Order {S} from shortest to tallest.",
    "Rank {S} by height, from the tallest to the shortest.",
    "Sort {S} by how tall they are, tallest first.",
    "Arrange {S} from tallest to shortest.",
)


def _order(room: Room) -> Made:
    for _ in range(30):
        ids = room.drawn(room.rng.choice((3, 3, 4)))
        if len(ids) < 3:
            return None
        things = {one: room.scene.objects[one] for one in ids}
        how = room.rng.choice(("left", "near", "tall"))
        order = _ordered(things, how)
        if order is None:
            continue
        listing = _listing([room.names[one] for one in ids], "and")
        wordings = {"left": ORDER_LEFT, "near": ORDER_NEAR, "tall": ORDER_TALL}[how]
        text = _pick(room, wordings, S=listing)
        falling = how == "tall" and "shortest to tallest" not in text
        return text, tuple(reversed(order)) if falling else tuple(order)
    return None


def _ordered(things: dict[int, ExactObject], how: str) -> list[int] | None:
    value: dict[str, Callable[[ExactObject], float]] = {
        "left": lambda o: -float(o.center[1]),
        "near": lambda o: o.range,
        "tall": lambda o: float(o.size[2]),
    }
    order = sorted(things, key=lambda one: value[how](things[one]))
    for one, two in pairwise(order):
        a, b = things[one], things[two]
        mean = (a.range + b.range) / 2
        step = value[how](b) - value[how](a)
        least = {"left": max(0.06, 0.04 * mean), "near": max(0.12, 0.06 * mean), "tall": max(0.04, 0.2 * b.size[2])}
        apart = how != "left" or min(a.hi[1], b.hi[1]) - max(a.lo[1], b.lo[1]) <= 0.0
        agrees = how != "near" or b.depth - a.depth > 0.02
        if step < least[how] or not apart or not agrees:
            return None
    return order


SUM_PATH = (
    "How far is it from {A} to {B} and then to {C}, measured between closest points?",
    "What is the total distance from {A} to {B} and on to {C}?",
    "Adding the distance between {A} and {B} and the distance between {B} and {C}, what do you get?",
    "How long is the way from {A} via {B} to {C} in total?",
)
SUM_CENTER = (
    "Going from the center of {A} to the center of {B} and then to the center of {C}, how far is that altogether?",
    "What is the perimeter of the triangle between {A}, {B} and {C}, measured center to center?",
)
SUM_HEIGHT = (
    "If {A} were stacked on top of {B}, how tall would they be together?",
    "What is the combined height of {A} and {B}?",
    "How high would {A} reach in total if it stood on top of {B}?",
    "Add up the heights of {A} and {B}.",
)
SUM_WIDTH = (
    "How wide are {A} and {B} side by side?",
    "What is the total width of {A} and {B} together?",
    "Placed next to each other, how wide would {A} and {B} be in total?",
)
DIFFERENCE = (
    "How much farther is {A} from {B} than from {C}?",
    "By how much is the distance between {A} and {B} larger than the distance between {A} and {C}?",
    "What is the difference between the distance from {A} to {B} and the distance from {A} to {C}?",
)
RATIO = (
    "How many times as tall as {B} is {A}?",
    "How many times taller is {A} than {B}?",
    "What is the ratio of the height of {A} to the height of {B}?",
)
COMPARE = (
    "Is {A} closer to {B} than to {C}?",
    "Is the distance between {A} and {B} smaller than the distance between {A} and {C}?",
    "Is {B} nearer to {A} than {C} is?",
    "Does {A} stand closer to {B} than to {C}?",
)
TWICE = (
    "Is the distance between {A} and {C} more than twice the distance between {A} and {B}?",
    "Is {C} more than twice as far from {A} as {B} is?",
)


def _sums(room: Room) -> Made:
    for _ in range(30):
        ids = room.drawn(3)
        if len(ids) < 3:
            return None
        a, b, c = ids
        slots = dict(zip("ABC", (room.names[one] for one in ids), strict=True))
        made = _sum_of(room, (a, b, c), slots)
        if made is not None:
            return made
    return None


def _sum_of(room: Room, ids: tuple[int, int, int], slots: dict[str, str]) -> Made:
    a, b, c = ids
    scene, how = room.scene, room.rng.randrange(8)
    ab, bc, ac = scene.gap(a, b), scene.gap(b, c), scene.gap(a, c)
    one, two = scene.objects[a], scene.objects[b]
    if how == 0:
        return (_pick(room, SUM_PATH, **slots), ab + bc) if min(ab, bc) >= 0.15 else None
    if how == 1:
        centers = [room.center_distance(*pair) for pair in ((a, b), (b, c), (a, c))]
        sides = [one for one in centers if one is not None]
        if len(sides) < 3:
            return None
        text = _pick(room, SUM_CENTER, **slots)
        return text, sum(sides) if "perimeter" in text else sum(sides[:2])
    if how in (2, 3):
        axis, wordings = (2, SUM_HEIGHT) if how == 2 else (1, SUM_WIDTH)
        return _pick(room, wordings, **slots), float(one.size[axis] + two.size[axis])
    if how == 4:
        return (_pick(room, DIFFERENCE, **slots), ab - ac) if ab - ac >= max(0.3, 0.4 * ab) and ac >= 0.1 else None
    if how == 5:
        ratio = float(one.size[2] / two.size[2])
        return (_pick(room, RATIO, **slots), ratio) if ratio >= 1.3 else None
    if how == 6:
        apart = abs(ab - ac) >= max(0.12, 0.2 * max(ab, ac))
        return (_pick(room, COMPARE, **slots), ab < ac) if apart and min(ab, ac) >= 0.05 else None
    times = ac / ab if ab >= 0.15 else 2.0
    return (_pick(room, TWICE, **slots), times > 2) if not 1.6 < times < 2.5 else None


CHAIN_NEAR = (
    "Which object is nearest to the object {rel} {A}?",
    "What is the closest object to the thing {rel} {A}?",
    "Find the object that is closest to the one that is {rel} {A}.",
    "Take the object {rel} {A}. What is nearest to it?",
)
CHAIN_DISTANCE = (
    "How far is {B} from the object nearest to {A}?",
    "What is the distance between {B} and the object closest to {A}?",
    "How far apart are {B} and the thing that is nearest to {A}?",
)
CHAIN_TALL = (
    "Is the object nearest to {A} taller than {B}?",
    "Is the thing closest to {A} taller than {B}?",
)
CHAIN_FITS = (
    "Could a robot {w} wide pass between {B} and the object that is nearest to {A}?",
    "Is the gap between {B} and the object nearest to {A} wide enough for a {w} wide robot?",
)
_SIDES = {"left": ("to the left of", "left of"), "right": ("to the right of", "right of")}


def _chain(room: Room) -> Made:
    for _ in range(40):
        ids = room.drawn(2)
        if len(ids) < 2:
            return None
        made = _chain_of(room, ids[0], ids[1])
        if made is not None:
            return made
    return None


def _chain_of(room: Room, a: int, b: int) -> Made:
    scene, rng = room.scene, room.rng
    how = rng.randrange(4)
    if how == 0:
        side = rng.choice(("left", "right"))
        hop = _beside(scene, a, side)
        best = _best({one: scene.gap(hop, one) for one in scene.objects if one != hop}, True) if hop else None
        words = rng.choice(_SIDES[side])
        return (_pick(room, CHAIN_NEAR, A=room.names[a], rel=words), best) if best is not None else None
    near = _best({one: scene.gap(a, one) for one in scene.objects if one != a}, True)
    if near is None or near == b:
        return None
    slots = {"A": room.names[a], "B": room.names[b]}
    if how == 1:
        gap = scene.gap(near, b)
        return (_pick(room, CHAIN_DISTANCE, **slots), gap) if gap >= 0.2 else None
    if how == 2:
        one, two = float(scene.objects[near].size[2]), float(scene.objects[b].size[2])
        return (
            (_pick(room, CHAIN_TALL, **slots), one > two) if abs(one - two) >= max(0.04, 0.2 * max(one, two)) else None
        )
    gap = scene.clearance(near, b)
    text, width = _length(room, rng.choice((rng.uniform(0.4, 0.8), rng.uniform(1.2, 1.8))) * gap)
    sure = gap >= 0.25 and not 0.85 * gap < width < 1.15 * gap
    return (_pick(room, CHAIN_FITS, w=text, **slots), width < gap) if sure else None


def _beside(scene: ExactScene, anchor: int, side: str) -> int | None:
    """Return the only object on one side of another, None where there are more or where it is close."""
    own = scene.objects[anchor]
    found = []
    for one, thing in scene.objects.items():
        if one == anchor:
            continue
        step = float(thing.center[1] - own.center[1]) * (1.0 if side == "left" else -1.0)
        least = max(0.06, 0.04 * (own.range + thing.range) / 2)
        overlap = min(own.hi[1], thing.hi[1]) - max(own.lo[1], thing.lo[1])
        if step >= least and overlap <= 0:
            found.append(one)
        elif step > -least:
            return None
    return found[0] if len(found) == 1 else None


FAMILIES: dict[str, Callable[[Room], Made]] = {
    "triangles": _triangle,
    "fits": _fits,
    "reach": _reach,
    "nearest": _nearest,
    "order": _order,
    "sums": _sums,
    "chains": _chain,
}
