"""Questions about lengths in a photograph of a room, in everyday words and in meters."""

from udfs.language.draws import Draws, seed_of
from udfs.language.quantity import say_meters
from vlm.mixture.room_pairs import OF_BOTH, differs, drawn_things
from vlm.mixture.room_things import Room, Thing

# Questions of a kind for every thing.
_FOR_A_THING = {"distance": 3, "size": 4, "apart": 4, "difference": 4}
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
_DIFFERENCE = (
    "By how much is the {one} {so} the {other}?",
    "How many meters is the {one} {so} the {other}?",
    "By what length is the {one} {so} the {other}?",
    "Say by how much the {one} is {so} the {other}.",
)


def in_lengths(kind: str, room: Room) -> list[tuple[str, str]]:
    """Return questions of a kind about things of the photograph, and lengths.

    `distance` is that from the camera to the middle of a thing, `size` its width or height, `apart` the distance of the
    middles of two, and `difference` by how much the first is farther left, higher, farther away, wider or taller.
    """
    draws, found = Draws(seed_of(kind, room.image)), {}
    for (names, one), (others, other) in drawn_things(room, draws, 2, _FOR_A_THING[kind] * len(room.things)):
        assert one.box and other.box
        said, so = {"one": draws.pick(names), "other": draws.pick(others)}, ""
        if kind == "distance":
            asked, length_m = _DISTANCE, one.box.distance_m
        elif kind == "size":
            asked, length_m = (_WIDTH, one.box.width_m) if draws.coin() else (_HEIGHT, one.box.height_m)
        elif kind == "apart":
            asked, length_m = _APART, one.box.apart_m(other.box)
        else:
            decided = _differences(other, one)
            if not decided:
                continue
            word, length_m = draws.pick(decided)
            asked, so = _DIFFERENCE, draws.pick(OF_BOTH[word])
        found[draws.pick(asked).format(**said, so=so)] = say_meters(length_m).text
    return list(found.items())


def _differences(before: Thing, one: Thing) -> list[tuple[str, float]]:
    """Return how a thing differs from another, and by how much in m, where that is not too little to be said."""
    assert before.box and one.box
    words = differs(before, one)
    right_m = one.box.center_m[0] - before.box.center_m[0]
    # What is farther left in the picture may be farther right in the room, where it is farther away.
    across = words[0] == ("right" if right_m > 0 else "left")
    lengths_m = (
        right_m if across else 0.0,
        one.box.up_m - before.box.up_m,
        one.box.distance_m - before.box.distance_m,
        one.box.width_m - before.box.width_m,
        one.box.height_m - before.box.height_m,
    )
    found = zip(words, lengths_m, strict=True)
    return [(word, abs(length_m)) for word, length_m in found if word in OF_BOTH and length_m]
