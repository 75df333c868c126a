"""General questions about rendered rooms, from what their crawl says is there: category, colour, count, existence.

They measure whether a model that learns distances forgets the rest. For every word asked about, no answer is more
frequent than another: words alone give no advantage.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from udfs.language.draws import Draws, seed_of
from udfs.language.vocabulary import vocabulary
from vlm.feed.files import filesystem_of, normal, path_of
from vlm.mixture.errors import StreamUnreadable

_MANIFEST = "manifest.jsonl"
_ASKED = {
    "category": "What is the {word} object?",
    "color": "What color is the {word}?",
    "count": "How many things of the kind {word} are in the picture?",
    "existence": "Is there a thing of the kind {word} in the picture?",
}

Thing = tuple[str, str | None]


class RoomQuestionSettings(BaseModel):
    """Which questions are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0)
    test_share: float = Field(default=0.2, ge=0, lt=1, description="photographs whose questions are for measuring")
    most: int = Field(default=2000, ge=1, description="questions of a kind in a split")


class Asked(NamedTuple):
    """One question of a photograph about a word."""

    kind: str
    image: str
    word: str
    answer: str


def write_room_questions(crawl: str, out: str, settings: RoomQuestionSettings) -> dict[str, int]:
    """Write `train.json` and `test.json`, LLaVA JSON with pictures relative to the crawl; return counts by kind.

    `crawl` is the folder of a `manifest.jsonl` whose objects have labels and captions.

    Raises:
        StreamUnreadable: no manifest there.
    """
    photographs = _photographs(normal(crawl))
    test = {name for name, _ in photographs if Draws(seed_of("split", name)).uniform() < settings.test_share}
    counts: Counter[str] = Counter()
    for split in ("train", "test"):
        inside = [(name, things) for name, things in photographs if (name in test) == (split == "test")]
        kept = [question for kind in _ASKED for question in _kept(kind, inside, settings)]
        counts.update(f"{split} {question.kind}" for question in kept)
        entries = json.dumps([_entry(question) for question in sorted(kept)], indent=1)
        _write(f"{normal(out)}/{split}.json", entries.encode())
    return dict(counts)


def _kept(kind: str, photographs: list[tuple[str, list[Thing]]], settings: RoomQuestionSettings) -> list[Asked]:
    labels = sorted({label for _, things in photographs for label, _ in things})
    asked = [one for name, things in photographs for one in _askable(kind, name, things, labels)]
    return balanced(asked, settings.seed)[: settings.most]


def balanced(asked: Iterable[Asked], seed: int) -> list[Asked]:
    """Return as many questions of every answer of a word as the second most frequent one has, in a drawn order.

    A word with a single answer is left out: whoever knows the word would know the answer.
    """
    by_word: dict[str, dict[str, list[Asked]]] = defaultdict(lambda: defaultdict(list))
    for one in sorted(asked, key=lambda one: seed_of(seed, *one)):
        by_word[one.word][one.answer].append(one)
    kept = []
    for answers in by_word.values():
        sizes = sorted((len(same) for same in answers.values()), reverse=True)
        if len(sizes) > 1:
            kept += [one for same in answers.values() for one in same[: sizes[1]]]
    return sorted(kept, key=lambda one: seed_of(seed, "order", *one))


def _askable(kind: str, name: str, things: Sequence[Thing], labels: Sequence[str]) -> list[Asked]:
    """Return every question of a kind that the photograph decides."""
    present = Counter(label for label, _ in things)
    colors = Counter(color for _, color in things)
    if kind == "category":
        # A thing of unknown color might be of this one.
        sure = None not in colors
        found = [(color, label) for label, color in things if color and colors[color] == 1 and sure]
    elif kind == "color":
        found = [(label, color) for label, color in things if color and present[label] == 1]
    elif kind == "count":
        found = [(label, str(number)) for label, number in present.items()]
    else:
        words = {word for label in present for word in label.split()}
        absent = [label for label in labels if not words & set(label.split())]
        found = [(label, "Yes") for label in present] + [(label, "No") for label in absent]
    return [Asked(kind, name, word, answer) for word, answer in found]


def _photographs(crawl: str) -> list[tuple[str, list[Thing]]]:
    try:
        with filesystem_of(crawl).open_input_stream(path_of(f"{crawl}/{_MANIFEST}")) as held:
            rows = [json.loads(line) for line in held.read().splitlines()]
    except FileNotFoundError as error:
        raise StreamUnreadable(f"There is no {_MANIFEST} in {crawl}; name the folder of a crawl.") from error
    return [(row["image"], [_thing(item) for item in row.get("objects") or () if item.get("label")]) for row in rows]


def _thing(item: dict[str, Any]) -> Thing:
    """Return an object's label, and its color where the first caption begins with one."""
    captions = item.get("captions") or ()
    caption = captions if isinstance(captions, str) else next(iter(captions), "")
    named = vocabulary().color_of(caption.split(" ")[0].lower()) if caption else frozenset()
    return item["label"], next(iter(named)) if len(named) == 1 else None


def _entry(asked: Asked) -> dict[str, Any]:
    question = _ASKED[asked.kind].format(word=asked.word)
    said = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": asked.answer}]
    return {"id": f"{asked.kind}-{asked.word}", "image": asked.image, "type": asked.kind, "conversations": said}


def _write(uri: str, data: bytes) -> None:
    files, path = filesystem_of(uri), path_of(uri)
    if not uri.startswith("s3://"):
        files.create_dir(path.rsplit("/", 1)[0], recursive=True)
    with files.open_output_stream(path) as held:
        held.write(data)
