"""General questions about rendered rooms: category, color, count, existence, position, relations and lengths.

They teach a model to find objects before it relates them, and measure whether learning distances harms other skills.
Categories, colors, counts, existence and relations are balanced, so that a question's words do not predict its answer.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from studies.claims.questions.lengths import in_lengths
from studies.claims.questions.lists import in_drawn_order, in_order
from studies.claims.questions.pairs import in_pairs
from studies.claims.questions.rooms import Room, rooms_of, unique_names
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
    # These carry their own wording.
    **dict.fromkeys((*_OF_TWO, *_LENGTHS), ("{word}",)),
}
# Questions that can only be answered from the image.
GROUNDING = ("place", "thing", "order", "facts", "compared", *_OF_TWO, *_LENGTHS)
# Answered by the words of the question, so there is nothing to measure.
_TO_TRAIN_ONLY = ("letter",)
# Kinds whose answers are balanced.
_BALANCED = ("category", "color", "count", "existence", "which", "whether")
# Labels asked about per image that are present, and as many that are absent.
_EXISTENCE = 3


class RoomQuestionSettings(BaseModel):
    """How many questions are kept, and how they are split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, description="seed of every random choice")
    test_share: float = Field(default=0.2, ge=0, le=1, description="fraction of images whose questions go to test.json")
    max_per_kind: int = Field(default=2000, ge=1, description="questions of each kind in a split")
    turns: int = Field(default=8, ge=1, description="maximum questions in one training entry")


class Asked(NamedTuple):
    """A question about an image. `known` and `truth` are its balancing key and label, by default word and answer."""

    kind: str
    image: str
    word: str
    answer: str
    known: str = ""
    truth: str = ""


def write_room_questions(crawl: str, out: str, settings: RoomQuestionSettings) -> dict[str, int]:
    """Write `train.json` and `test.json` (LLaVA JSON, image paths relative to the crawl); return counts by kind.

    `crawl` holds a `manifest.jsonl` whose objects have labels and captions. An entry of `train.json` has up to `turns`
    questions about one image, an entry of `test.json` a single question with its `type`.

    Raises:
        StreamUnreadable: the manifest or an image that it names is missing.
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
    labels = sorted({one.label for room in rooms for one in room.objects})
    asked = [one for room in rooms for one in _askable(kind, room, labels)]
    if kind in _BALANCED:
        return balanced(asked, settings.seed)[: settings.max_per_kind]
    return sorted(asked, key=lambda one: seed_of(settings.seed, "order", *one))[: settings.max_per_kind]


def balanced(asked: Iterable[Asked], seed: int) -> list[Asked]:
    """Subsample so that, for each balancing key, every label is at most as frequent as the second most frequent one.

    Keys with a single label are dropped, since the words alone would give the answer. The order is seeded.
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
    """Return every question of a kind that the room answers."""
    if kind in _OF_TWO:
        return [Asked(kind, room.image, *one) for one in in_pairs(kind, room)]
    present = Counter(one.label for one in room.objects)
    colors = Counter(one.color for one in room.objects)
    if kind == "category":
        # An object of unknown color might have this one.
        sure = None not in colors
        found = [(one.color, one.label) for one in room.objects if one.color and colors[one.color] == 1 and sure]
    elif kind == "color":
        found = [(one.label, one.color) for one in room.objects if one.color and present[one.label] == 1]
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
    """Return names with their cells, or cells with the captions of the objects in them."""
    draws, objects = Draws(seed_of(kind, room.image)), room.objects
    cells = Counter(one.box.cell for one in objects if one.box)
    found = []
    for names, one in zip(unique_names(objects), objects, strict=True):
        if one.box is None:
            continue
        cell = f"column {one.box.cell[0]}, row {one.box.cell[1]}"
        if kind == "thing":
            if one.caption and cells[one.box.cell] == 1:
                found.append((cell, one.caption))
        elif names:
            found.append((draws.pick(names), cell))
    return found


def _together(kept: Sequence[Asked], settings: RoomQuestionSettings) -> list[dict[str, Any]]:
    """Return training entries: the questions of each image, shuffled and cut into parts."""
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
