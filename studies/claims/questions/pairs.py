"""Questions about two things in a photograph of a room: how one is next to the other, whether it is, and which is."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from studies.claims.questions.rooms import Room, Thing, own_names
from udfs.language.draws import Draws, seed_of
from udfs.language.quantity import say_meters

# Questions of a kind for every thing.
_FOR_A_THING = {"beside": 2, "whether": 8, "which": 8, "letter": 1}
# How things differ: across the picture, up, by distance, in what they measure from left to right and in height, and by
# the volume of their boxes.
_WAYS = (
    ("left", "right"),
    ("lower", "higher"),
    ("nearer", "farther"),
    ("narrower", "wider"),
    ("shorter", "taller"),
    ("smaller", "bigger"),
)
# Nouns give away more of some ways than of others, and balancing leaves these questions out.
_ASKED_WAYS = (0, 0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5)
# Below which they are called the same: a share of the picture's width, m, and shares of a length and of a volume.
_SAME_SHARE, _SAME_UP_M, _SAME_DISTANCE, _SAME_SIZE, _SAME_VOLUME = 0.03, 0.05, 0.05, 0.1, 0.3
_SAME = "same"
_OPPOSITE = {word: other for way in _WAYS for word, other in (way, way[::-1])}
# What is said between the names of two things, and what of one of them.
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
# What stands behind a question that a letter answers; which option is A is drawn.
_LETTERED = (
    " A: the {a}. B: the {b}. Which letter is right?",
    " (A) the {a} (B) the {b}. Give the letter.",
    " A. the {a} B. the {b}. Reply with A or B only.",
    " Choose A. the {a} or B. the {b}. Answer with one letter.",
)
_LETTER = ("Which letter is the {one}?", "What is the letter of the {one}?", "Tell the letter of the {one}.")
_LETTER_SHARE = 0.25


class Said(NamedTuple):
    """What is asked of two things and is right; `known` are their labels and the way, `truth` how the first differs."""

    question: str
    answer: str
    known: str = ""
    truth: str = ""


def in_pairs(kind: str, room: Room) -> list[Said]:
    """Return questions about two things of the photograph, in a way in which they differ.

    `whether` it is of the first, `which` one it is of, or all that `compared` says of the first (`beside`); `letter`
    asks for no more than the letter of one.
    """
    draws, found = Draws(seed_of(kind, room.image)), {}
    for (names, one), (others, other) in drawn_things(room, draws, 2, _FOR_A_THING[kind] * len(room.things)):
        said, also = draws.pick(names), draws.pick(others)
        if kind == "beside":
            question = draws.pick(_BESIDE).format(one=said, other=also)
            found[question] = Said(question, compared(other, one))
            continue
        if kind == "letter":
            options, letter = _lettered(said, also, draws)
            question = draws.pick(_LETTER).format(one=said) + options
            found[question] = Said(question, letter)
            continue
        way, true = draws.pick(_ASKED_WAYS), draws.coin()
        right = differs(other, one)[way]
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
        found[question] = Said(question, answer, f"{way} {' and '.join(known)}", first)
    return list(found.values())


def _which(right: str, wrong: str, so: str, draws: Draws) -> tuple[str, str]:
    one, other = (right, wrong) if draws.coin() else (wrong, right)
    question = draws.pick(_WHICH).format(one=one, other=other, so=so)
    if draws.uniform() >= _LETTER_SHARE:
        return question, f"The {right}."
    options, letter = _lettered(right, wrong, draws)
    return question + options, letter


def _lettered(right: str, wrong: str, draws: Draws) -> tuple[str, str]:
    """Return two options in a drawn order with their letters, and the letter of the right one."""
    letter = "A" if draws.coin() else "B"
    a, b = (right, wrong) if letter == "A" else (wrong, right)
    return draws.pick(_LETTERED).format(a=a, b=b), letter


def drawn_things(room: Room, draws: Draws, most: int, times: int) -> Iterator[list[tuple[list[str], Thing]]]:
    """Yield two to `most` things with names of their own, so many times, never where there are not two.

    Only things whose place is known, with the names that no other thing of the photograph has.
    """
    named = zip(own_names(room.things), room.things, strict=True)
    known = [(names, one) for names, one in named if names and one.place and one.box]
    for _ in range(times if len(known) > 1 else 0):
        size = 2 + draws.below(min(len(known), most) - 1)
        yield sorted(known, key=lambda _: draws.uniform())[:size]


def compared(before: Thing, one: Thing) -> str:
    """Return how a thing lies from another, what its sizes are to it, and how far apart they are in m."""
    assert before.box and one.box
    return " ".join([*differs(before, one), say_meters(before.box.apart_m(one.box)).value_text])


def differs(before: Thing, one: Thing) -> list[str]:
    """Return how a thing differs from another in each way, `same` where that is too little."""
    assert before.place and one.place and before.box and one.box
    differences = (
        (one.place[0] - before.place[0], _SAME_SHARE),
        (one.box.up_m - before.box.up_m, _SAME_UP_M),
        (math.log(one.box.distance_m / before.box.distance_m), math.log1p(_SAME_DISTANCE)),
        (math.log(one.box.width_m / before.box.width_m), math.log1p(_SAME_SIZE)),
        (math.log(one.box.height_m / before.box.height_m), math.log1p(_SAME_SIZE)),
        (math.log(one.box.volume_m3 / before.box.volume_m3), math.log1p(_SAME_VOLUME)),
    )
    return [
        _SAME if abs(difference) < same else way[difference > 0]
        for way, (difference, same) in zip(_WAYS, differences, strict=True)
    ]
