"""Questions about two objects of a rendered room: how they compare, whether a relation holds, and of which it does."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from studies.claims.questions.rooms import Box, Room, RoomObject, unique_names
from udfs.language.draws import Draws, seed_of
from udfs.language.quantity import say_meters

# Questions of each kind per object.
_PER_OBJECT = {"beside": 2, "whether": 8, "which": 8, "letter": 1}
# Image x, height above the floor, distance, width, height and volume.
_DIMENSIONS = (
    ("left", "right"),
    ("lower", "higher"),
    ("nearer", "farther"),
    ("narrower", "wider"),
    ("shorter", "taller"),
    ("smaller", "bigger"),
)
# Balancing removes more questions of the dimensions that nouns predict, so those are drawn more often.
_DRAWN_DIMENSIONS = (0, 0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5)
# Smaller differences count as none: fraction of the image width, m, and fractions of a length and of a volume.
_SAME_SHARE, _SAME_UP_M, _SAME_DISTANCE, _SAME_SIZE, _SAME_VOLUME = 0.03, 0.05, 0.05, 0.1, 0.3
_SAME = "same"
_OPPOSITE = {word: other for way in _DIMENSIONS for word, other in (way, way[::-1])}
# Phrases between the names of two objects, and about one object alone.
OF_BOTH = {
    "left": ("farther left than", "to the left of", "left of", "on the left of", "more to the left than"),
    "right": ("farther right than", "to the right of", "right of", "on the right of", "more to the right than"),
    "lower": ("lower than", "below", "lower down than", "at a lower level than"),
    "higher": ("higher than", "above", "higher up than", "at a higher level than"),
    "nearer": ("nearer than", "closer than", "in front of", "closer to the camera than", "nearer to the viewer than"),
    "farther": ("farther away than", "behind", "farther from the camera than", "farther from the viewer than"),
    "narrower": ("narrower than", "less wide than", "narrower from left to right than"),
    "wider": ("wider than", "wider from left to right than", "larger in width than"),
    "shorter": ("shorter than", "less tall than", "smaller in height than"),
    "taller": ("taller than", "larger in height than", "greater in height than"),
    "smaller": ("smaller than", "smaller in volume than"),
    "bigger": ("bigger than", "bigger in volume than", "larger than"),
}
_OF_ONE = {
    "left": ("farther left", "farther to the left", "more to the left", "on the left"),
    "right": ("farther right", "farther to the right", "more to the right", "on the right"),
    "lower": ("lower", "lower down", "at a lower level"),
    "higher": ("higher", "higher up", "at a higher level"),
    "nearer": ("nearer", "closer", "closer to the camera", "nearer to the viewer", "in front"),
    "farther": ("farther away", "farther from the camera", "farther from the viewer", "behind"),
    "narrower": ("narrower", "less wide", "narrower from left to right"),
    "wider": ("wider", "wider from left to right", "larger in width"),
    "shorter": ("shorter", "less tall", "smaller in height"),
    "taller": ("taller", "larger in height", "greater in height"),
    "smaller": ("smaller", "smaller in volume"),
    "bigger": ("bigger", "bigger in volume", "larger"),
}
_BESIDE = (
    "How is the {one} next to the {other}?",
    "Say how the {one} next to the {other} is.",
    "Tell how the {one} next to the {other} is.",
)
_WHETHER = (
    "Is the {one} {so} the {other}?",
    "Would you say that the {one} is {so} the {other}?",
    "Is it true that the {one} is {so} the {other}?",
    "Can you confirm that the {one} is {so} the {other}?",
    "As the viewer sees it, is the {one} {so} the {other}?",
    "Seen from the camera, is the {one} {so} the {other}?",
)
_WHICH = (
    "Which is {so}, the {one} or the {other}?",
    "Which one is {so}, the {one} or the {other}?",
    "Tell which is {so}, the {one} or the {other}.",
    "Is the {one} or the {other} {so}?",
    "Of the {one} and the {other}, which is {so}?",
    "Between the {one} and the {other}, which is {so}?",
    "As the viewer sees it, which is {so}, the {one} or the {other}?",
)
# Suffixes of a question that is answered with a letter.
_LETTERED = (
    " A: the {a}. B: the {b}. Which letter is right?",
    " (A) the {a} (B) the {b}. Give the letter.",
    " A. the {a} B. the {b}. Reply with A or B only.",
    " Choose A. the {a} or B. the {b}. Answer with one letter.",
)
_LETTER = ("Which letter is the {one}?", "What is the letter of the {one}?", "Tell the letter of the {one}.")
_LETTER_SHARE = 0.25


class PairQuestion(NamedTuple):
    """A question about two objects with its answer, balancing key (`known`) and balancing label (`truth`)."""

    question: str
    answer: str
    known: str = ""
    truth: str = ""


def in_pairs(kind: str, room: Room) -> list[PairQuestion]:
    """Return questions of one kind about two objects of a room.

    `whether` asks if a relation holds, `which` for the object of which it holds, `beside` for everything that
    `compared` says, and `letter` only for the letter of a named option.
    """
    draws, found = Draws(seed_of(kind, room.image)), {}
    for (names, one, box), (others, other, beside) in drawn_objects(
        room, draws, 2, _PER_OBJECT[kind] * len(room.objects)
    ):
        said, also = draws.pick(names), draws.pick(others)
        if kind == "beside":
            question = draws.pick(_BESIDE).format(one=said, other=also)
            found[question] = PairQuestion(question, compared(beside, box))
            continue
        if kind == "letter":
            options, letter = _lettered(said, also, draws)
            question = draws.pick(_LETTER).format(one=said) + options
            found[question] = PairQuestion(question, letter)
            continue
        way, true = draws.pick(_DRAWN_DIMENSIONS), draws.coin()
        right = differs(beside, box)[way]
        if right == _SAME:
            continue
        asked = right if true else _OPPOSITE[right]
        if kind == "whether":
            question = draws.pick(_WHETHER).format(one=said, other=also, so=draws.pick(OF_BOTH[asked]))
            answer = "Yes" if true else "No"
        else:
            question, answer = _which(*((said, also) if true else (also, said)), draws.pick(_OF_ONE[asked]), draws)
        known = sorted([one.label, other.label])
        first = right if [one.label, other.label] == known else _OPPOSITE[right]
        found[question] = PairQuestion(question, answer, f"{way} {' and '.join(known)}", first)
    return list(found.values())


def _which(right: str, wrong: str, so: str, draws: Draws) -> tuple[str, str]:
    one, other = (right, wrong) if draws.coin() else (wrong, right)
    question = draws.pick(_WHICH).format(one=one, other=other, so=so)
    if draws.uniform() >= _LETTER_SHARE:
        return question, f"The {right}."
    options, letter = _lettered(right, wrong, draws)
    return question + options, letter


def _lettered(right: str, wrong: str, draws: Draws) -> tuple[str, str]:
    """Return two lettered options in a drawn order, and the letter of the right one."""
    letter = "A" if draws.coin() else "B"
    a, b = (right, wrong) if letter == "A" else (wrong, right)
    return draws.pick(_LETTERED).format(a=a, b=b), letter


def drawn_objects(
    room: Room, draws: Draws, maximum: int, times: int
) -> Iterator[list[tuple[list[str], RoomObject, Box]]]:
    """Draw two to `maximum` objects, `times` times, each with its unique names and its box.

    Objects without a unique name or a box are left out; a room with fewer than two others yields nothing.
    """
    named = zip(unique_names(room.objects), room.objects, strict=True)
    known = [(names, one, one.box) for names, one in named if names and one.box]
    for _ in range(times if len(known) > 1 else 0):
        size = 2 + draws.below(min(len(known), maximum) - 1)
        yield sorted(known, key=lambda _: draws.uniform())[:size]


def compared(before: Box, one: Box) -> str:
    """Return how an object differs from the one before it in every dimension, and their distance in m."""
    return " ".join([*differs(before, one), say_meters(before.apart_m(one)).value_text])


def differs(before: Box, one: Box) -> list[str]:
    """Return how an object differs from the one before it in each dimension; `same` below the thresholds."""
    differences = (
        (one.across - before.across, _SAME_SHARE),
        (one.up_m - before.up_m, _SAME_UP_M),
        (math.log(one.distance_m / before.distance_m), math.log1p(_SAME_DISTANCE)),
        (math.log(one.width_m / before.width_m), math.log1p(_SAME_SIZE)),
        (math.log(one.height_m / before.height_m), math.log1p(_SAME_SIZE)),
        (math.log(one.volume_m3 / before.volume_m3), math.log1p(_SAME_VOLUME)),
    )
    return [
        _SAME if abs(difference) < same else way[difference > 0]
        for way, (difference, same) in zip(_DIMENSIONS, differences, strict=True)
    ]
