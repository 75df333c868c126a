"""General questions about rendered rooms: category, colour, count, existence, where a thing is, and how large.

They teach a model to find things before it relates them, and measure whether one that learns distances forgets the
rest. For every word that category, colour, count and existence ask about, no answer is more frequent than another:
words alone give no advantage.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from studies.claims.questions.lengths import in_lengths
from studies.claims.questions.lists import in_drawn_order, in_order
from studies.claims.questions.pairs import in_pairs
from studies.claims.questions.rooms import Room, own_names, rooms_of
from udfs.language.draws import Draws, seed_of
from udfs.storage.clients import filesystem_of, path_of
from udfs.storage.locations import normalized

_OF_TWO = ("beside", "which", "whether", "letter")
_LENGTHS = ("distance", "size", "apart", "gap", "difference", "times")
_ASKED = {
    "category": ("What is the {word} object?",),
    "color": ("What color is the {word}?",),
    "count": ("How many things of the kind {word} are in the picture?",),
    "existence": ("Is there a thing of the kind {word} in the picture?",),
    "place": (
        "Where is the {word}?",
        "Where in the picture is the {word}?",
        "In which column and row is the middle of the {word}?",
        "Find the {word}.",
        "Which cell of the picture is the {word} in?",
    ),
    "thing": (
        "What is in {word}?",
        "Which thing has its middle in {word}?",
        "What do you see in {word}?",
        "Name the thing in {word}.",
        "What is there in {word} of the picture?",
    ),
    "order": (
        "List the things in the picture {word}.",
        "Name what is in the picture {word}.",
        "What is in the picture, {word}?",
        "Tell me {word} what you see.",
    ),
    "facts": (
        "Say column, row, distance, width and height of {word}.",
        "Where are {word}, how far away, how wide and how high?",
        "Give place, distance and size of {word}.",
    ),
    "compared": (
        "Compare each with the one before it: {word}.",
        "How is each next to the one before it: {word}?",
        "Go through {word} one by one.",
    ),
    # Asked in words of their own.
    **dict.fromkeys((*_OF_TWO, *_LENGTHS), ("{word}",)),
}
# Answers about places depend on the photograph alone.
GROUNDING = ("place", "thing", "order", "facts", "compared", *_OF_TWO, *_LENGTHS)
# Words alone answer these, so that there is nothing to measure.
_TO_TRAIN_ONLY = ("letter",)
# Words alone give no advantage in these.
_BALANCED = ("category", "color", "count", "existence", "which", "whether")
# Kinds of things of a photograph that are there, and as many that are not, which are asked about.
_EXISTENCE = 3


class RoomQuestionSettings(BaseModel):
    """Which questions are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0)
    test_share: float = Field(default=0.2, ge=0, le=1, description="photographs whose questions are for measuring")
    most: int = Field(default=2000, ge=1, description="questions of a kind in a split")
    turns: int = Field(default=8, ge=1, description="most questions about a photograph in one entry to train from")


class Asked(NamedTuple):
    """One question of a photograph about a word; `known` is what its words tell, `truth` what its answer follows from.

    Empty, they are the word and the answer themselves.
    """

    kind: str
    image: str
    word: str
    answer: str
    known: str = ""
    truth: str = ""


def write_room_questions(crawl: str, out: str, settings: RoomQuestionSettings) -> dict[str, int]:
    """Write `train.json` and `test.json`, LLaVA JSON with pictures relative to the crawl; return counts by kind.

    `crawl` is the folder of a `manifest.jsonl` whose objects have labels and captions. An entry of `train.json` has up
    to `turns` questions about one photograph, one of `test.json` a single one with its `type`.

    Raises:
        StreamUnreadable: no manifest there, or no picture that it names.
    """
    rooms = rooms_of(normalized(crawl))
    test = {room.image for room in rooms if Draws(seed_of("split", room.image)).uniform() < settings.test_share}
    counts: Counter[str] = Counter()
    for split in ("train", "test"):
        inside = [room for room in rooms if (room.image in test) == (split == "test")]
        kinds = [kind for kind in _ASKED if split == "train" or kind not in _TO_TRAIN_ONLY]
        kept = sorted(question for kind in kinds for question in _kept(kind, inside, settings))
        counts.update(f"{split} {question.kind}" for question in kept)
        entries = _together(kept, settings) if split == "train" else [_alone(one, settings.seed) for one in kept]
        _write(f"{normalized(out)}/{split}.json", json.dumps(entries, indent=1).encode())
    return dict(counts)


def _kept(kind: str, rooms: Sequence[Room], settings: RoomQuestionSettings) -> list[Asked]:
    labels = sorted({thing.label for room in rooms for thing in room.things})
    asked = [one for room in rooms for one in _askable(kind, room, labels)]
    if kind in _BALANCED:
        return balanced(asked, settings.seed)[: settings.most]
    return sorted(asked, key=lambda one: seed_of(settings.seed, "order", *one))[: settings.most]


def balanced(asked: Iterable[Asked], seed: int) -> list[Asked]:
    """Return as many questions of every truth of what is known as the second most frequent one has, in a drawn order.

    What has a single truth is left out: whoever knows the words would know the answer.
    """
    known: dict[str, dict[str, list[Asked]]] = defaultdict(lambda: defaultdict(list))
    for one in sorted(asked, key=lambda one: seed_of(seed, *one)):
        known[one.known or one.word][one.truth or one.answer].append(one)
    kept = []
    for truths in known.values():
        sizes = sorted((len(same) for same in truths.values()), reverse=True)
        if len(sizes) > 1:
            kept += [one for same in truths.values() for one in same[: sizes[1]]]
    return sorted(kept, key=lambda one: seed_of(seed, "order", *one))


def _askable(kind: str, room: Room, labels: Sequence[str]) -> list[Asked]:
    """Return every question of a kind that the photograph decides."""
    if kind in _OF_TWO:
        return [Asked(kind, room.image, *said) for said in in_pairs(kind, room)]
    present = Counter(thing.label for thing in room.things)
    colors = Counter(thing.color for thing in room.things)
    if kind == "category":
        # A thing of unknown color might be of this one.
        sure = None not in colors
        found = [(one.color, one.label) for one in room.things if one.color and colors[one.color] == 1 and sure]
    elif kind == "color":
        found = [(one.label, one.color) for one in room.things if one.color and present[one.label] == 1]
    elif kind == "count":
        found = [(label, str(number)) for label, number in present.items()]
    elif kind == "existence":
        words = {word for label in present for word in label.split()}
        absent = [label for label in labels if not words & set(label.split())]
        draws = Draws(seed_of(kind, room.image))
        found = [(label, "Yes") for label in _some(present, draws)] + [(label, "No") for label in _some(absent, draws)]
    elif kind == "order":
        found = in_order(room)
    elif kind in ("facts", "compared"):
        found = in_drawn_order(kind, room)
    elif kind in _LENGTHS:
        found = in_lengths(kind, room)
    else:
        found = _grounded(kind, room)
    return [Asked(kind, room.image, word, answer) for word, answer in found]


def _some(labels: Iterable[str], draws: Draws) -> list[str]:
    return sorted(labels, key=lambda _: draws.uniform())[:_EXISTENCE]


def _grounded(kind: str, room: Room) -> list[tuple[str, str]]:
    """Return names with the cells that they are in, or cells with what is in them."""
    draws, things = Draws(seed_of(kind, room.image)), room.things
    cells = Counter(one.cell for one in things)
    found = []
    for names, one in zip(own_names(things), things, strict=True):
        if one.cell is None:
            continue
        cell = f"column {one.cell[0]}, row {one.cell[1]}"
        if kind == "thing":
            if one.caption and cells[one.cell] == 1:
                found.append((cell, one.caption))
        elif names:
            found.append((draws.pick(names), cell))
    return found


def _together(kept: Sequence[Asked], settings: RoomQuestionSettings) -> list[dict[str, Any]]:
    """Return entries of the questions of each photograph, drawn into an order."""
    by_image: dict[str, list[Asked]] = defaultdict(list)
    for one in sorted(kept, key=lambda one: seed_of(settings.seed, "turn", *one)):
        by_image[one.image].append(one)
    return [
        {
            "id": f"{image}#{part}",
            "image": image,
            "types": [one.kind for one in own[part : part + settings.turns]],
            "conversations": _conversation(own[part : part + settings.turns], settings.seed),
        }
        for image, own in sorted(by_image.items())
        for part in range(0, len(own), settings.turns)
    ]


def _alone(one: Asked, seed: int) -> dict[str, Any]:
    named = {"id": f"{one.kind}-{one.word}-{one.image}", "image": one.image, "type": one.kind, "word": one.word}
    return {**named, "conversations": _conversation([one], seed)}


def _conversation(asked: Sequence[Asked], seed: int) -> list[dict[str, str]]:
    said = []
    for number, one in enumerate(asked):
        wording = Draws(seed_of(seed, "wording", *one)).pick(_ASKED[one.kind]).format(word=one.word)
        said.append({"from": "human", "value": wording if number else f"<image>\n{wording}"})
        said.append({"from": "gpt", "value": one.answer})
    return said


def _write(uri: str, data: bytes) -> None:
    files, path = filesystem_of(uri), path_of(uri)
    if not uri.startswith("s3://"):
        files.create_dir(path.rsplit("/", 1)[0], recursive=True)
    with files.open_output_stream(path) as held:
        held.write(data)
