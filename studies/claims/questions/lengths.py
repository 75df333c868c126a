"""Questions about lengths in a rendered room, in everyday words, answered in meters."""

from collections.abc import Callable

from studies.claims.questions.pairs import OF_BOTH, differs, drawn_objects
from studies.claims.questions.rooms import Box, Room
from udfs.language.draws import Draws, seed_of
from udfs.language.quantity import say_meters, say_ratio

# Questions of each kind per object.
_PER_OBJECT = {"distance": 3, "size": 4, "apart": 4, "difference": 4, "gap": 4, "times": 6}
_DISTANCE = (
    "How far away is the {one}?",
    "How far is the {one} from the camera?",
    "How far is the {one} from the viewer?",
    "What is the distance from the camera to the {one}?",
    "How many meters is it to the {one}?",
    "Say how far away the {one} is.",
)
_WIDTH = (
    "How wide is the {one}?",
    "What is the width of the {one}?",
    "How wide is the {one} from left to right?",
    "How much does the {one} measure from left to right?",
    "Say how wide the {one} is.",
)
_HEIGHT = (
    "How tall is the {one}?",
    "How high is the {one} from bottom to top?",
    "What is the height of the {one}?",
    "How much does the {one} measure from bottom to top?",
    "Say how tall the {one} is.",
)
_APART = (
    "How far apart are the {one} and the {other}?",
    "How far is the {one} from the {other}?",
    "What is the distance between the {one} and the {other}?",
    "How far is it from the middle of the {one} to the middle of the {other}?",
    "How many meters lie between the middles of the {one} and the {other}?",
    "Say how far the {one} and the {other} are from each other.",
)
_LEVEL = (
    "How far apart are the {one} and the {other} horizontally?",
    "How far is the {one} from the {other} along the floor, from middle to middle?",
    "What is the horizontal distance between the middles of the {one} and the {other}?",
    "Leaving out height, how far is it from the middle of the {one} to the middle of the {other}?",
)
_GAP = (
    "How much room is there between the {one} and the {other}?",
    "How far is it from the nearest side of the {one} to the nearest side of the {other}?",
    "What is the least distance between the {one} and the {other}?",
    "How wide is the space between the {one} and the {other} where they are nearest?",
)
_CLEAR = (
    "Seen from above, how much room is there between the {one} and the {other}?",
    "How much free floor is there between the {one} and the {other}?",
    "Leaving out height, what is the least distance between the {one} and the {other}?",
)
_DIFFERENCE = (
    "By how much is the {one} {so} the {other}?",
    "How many meters is the {one} {so} the {other}?",
    "By what length is the {one} {so} the {other}?",
    "Say by how much the {one} is {so} the {other}.",
)
_TIMES = (
    "How many times as {much} as the {other} is the {one}?",
    "By what factor is the {one} {so} the {other}?",
    "Say how many times as {much} as the {other} the {one} is.",
)
_MUCH = {"farther": "far away", "wider": "wide", "taller": "tall"}
_LENGTH: dict[str, Callable[[Box], float]] = {
    "farther": lambda box: box.distance_m,
    "wider": lambda box: box.width_m,
    "taller": lambda box: box.height_m,
}
# Wordings, and the length that answers them.
_MEASURES: dict[str, tuple[tuple[tuple[str, ...], Callable[[Box, Box], float]], ...]] = {
    "distance": ((_DISTANCE, lambda one, _: one.distance_m),),
    "size": ((_WIDTH, lambda one, _: one.width_m), (_HEIGHT, lambda one, _: one.height_m)),
    "apart": ((_APART, Box.apart_m), (_LEVEL, Box.level_m)),
    "gap": ((_GAP, Box.gap_m), (_CLEAR, Box.clear_m)),
}
# Smaller lengths and ratios are not asked about.
_MIN_M, _MIN_RATIO = 0.01, 1.25


def in_lengths(kind: str, room: Room) -> list[tuple[str, str]]:
    """Return questions of one kind about the objects of a room, with their answers.

    `distance` is that of an object's center from the camera, `size` its width or height, `apart` the distance between
    two centers, `gap` the smallest distance between two boxes (both also horizontally), `difference` how much farther
    left, higher, farther away, wider or taller the first is, and `times` the ratio of two distances or sizes.
    """
    draws, questions = Draws(seed_of(kind, room.image)), {}
    for (names, _, one), (others, _, other) in drawn_objects(room, draws, 2, _PER_OBJECT[kind] * len(room.objects)):
        asked = _asked(kind, one, other, draws)
        if asked:
            wording, answer = asked
            questions[wording.format(one=draws.pick(names), other=draws.pick(others))] = answer
    return list(questions.items())


def _asked(kind: str, one: Box, other: Box, draws: Draws) -> tuple[str, str] | None:
    """Return a wording with placeholders for both names, and its answer; None where the length is too small."""
    if kind == "times":
        return _times(one, other, draws)
    if kind == "difference":
        decided = _differences(other, one)
        if not decided:
            return None
        word, length_m = draws.pick(decided)
        wording = draws.pick(_DIFFERENCE).replace("{so}", draws.pick(OF_BOTH[word]))
    else:
        wordings, length = draws.pick(_MEASURES[kind])
        wording, length_m = draws.pick(wordings), length(one, other)
    return (wording, say_meters(length_m).text) if length_m >= _MIN_M else None


def _times(one: Box, other: Box, draws: Draws) -> tuple[str, str] | None:
    word = draws.pick(tuple(_MUCH))
    ratio = _LENGTH[word](one) / _LENGTH[word](other)
    wording = draws.pick(_TIMES).replace("{so}", draws.pick(OF_BOTH[word])).replace("{much}", _MUCH[word])
    return (wording, f"{say_ratio(ratio).text} times") if ratio >= _MIN_RATIO else None


def _differences(before: Box, one: Box) -> list[tuple[str, float]]:
    """Return the relations in which two objects differ, each with the difference in m."""
    words = differs(before, one)
    right_m = one.center_m[0] - before.center_m[0]
    # Farther left in the image may be farther right in the room, for an object farther away.
    across = words[0] == ("right" if right_m > 0 else "left")
    lengths_m = (
        right_m if across else 0.0,
        one.up_m - before.up_m,
        one.distance_m - before.distance_m,
        one.width_m - before.width_m,
        one.height_m - before.height_m,
    )
    # The last relation compares volumes, which no length describes.
    pairs = zip(words, lengths_m, strict=False)
    return [(word, abs(length_m)) for word, length_m in pairs if word in OF_BOTH]
