"""Which objects of an image a name means, as people name them: by caption, label, color, place or number."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from udfs.language.caption import loose_words, read_label, read_phrase
from udfs.language.phrase import Phrase
from udfs.language.placement import DEPTH, LATERAL, VERTICAL, Axis, SceneObject
from udfs.language.similarity import NamedObject, can_name, named_object, possibly_true
from udfs.language.vocabulary import vocabulary
from udfs.language.words import words_of

NOBODY: frozenset[int] = frozenset()
OBJECT, TOP = "object", "top"
_NUMBERED = ("object", "number", "item", "region", "no", "nr", "id")

# Words that say where a thing is: the axis along which its likes are compared, and whether it is the first of them.
_PLACES: dict[str, tuple[Axis, bool]] = {
    **dict.fromkeys(("left", "leftmost", "left-most", "left-hand"), (LATERAL, True)),
    **dict.fromkeys(("right", "rightmost", "right-most", "right-hand"), (LATERAL, False)),
    **dict.fromkeys(("near", "nearer", "nearest", "closer", "closest", "front"), (DEPTH, True)),
    **dict.fromkeys(("far", "farther", "farthest", "back"), (DEPTH, False)),
    **dict.fromkeys(("upper", "higher", "highest", "top", "topmost"), (VERTICAL, True)),
    **dict.fromkeys(("lower", "lowest", "bottom", "bottommost"), (VERTICAL, False)),
}
_AFTER: tuple[tuple[tuple[str, ...], str], ...] = tuple(
    (tuple(text.split()), side)
    for side, texts in {
        "left": (
            "on the left",
            "to the left",
            "at the left",
            "on the far left",
            "on the left side",
            "farther to the left",
            "farthest to the left",
            "on the left hand side",
        ),
        "right": (
            "on the right",
            "to the right",
            "at the right",
            "on the far right",
            "on the right side",
            "farther to the right",
            "farthest to the right",
            "on the right hand side",
        ),
        "front": (
            "in front",
            "in the front",
            "in the foreground",
            "closest to the camera",
            "nearest to the camera",
            "closest to me",
            "nearest to me",
        ),
        "back": (
            "in the back",
            "at the back",
            "in the background",
            "farthest away",
            "farthest from the camera",
            "farthest from me",
        ),
    }.items()
    for text in texts
)


@dataclass(frozen=True)
class Named:
    """One thing in the image: what it is called, and its row of `scenes.objects` where it was measured."""

    thing: NamedObject
    expression: str
    texts: tuple[str, ...]
    lifted: SceneObject | None

    @property
    def object_id(self) -> int:
        """Return the id."""
        return self.thing.object_id

    @cached_property
    def words(self) -> frozenset[str]:
        """All content words that its label and captions state."""
        return self.thing.core.union(*self.thing.parts)


@dataclass(frozen=True)
class Place:
    """A surface or an opening: its negative id, its kind (wall, doorway, top), its name and what else it is called."""

    place_id: int
    kind: str
    name: str
    others: tuple[str, ...] = ()


class SceneNames:
    """The names of everything in one image.

    `objects` are rows of `scenes.objects`, `expressions` the unique ones of `references` by object id, and `regions`
    what the experts found: things that were not measured have names too. `places` are surfaces and openings; their ids
    are negative, so that they are no object's.
    """

    def __init__(
        self,
        objects: Iterable[SceneObject],
        expressions: Mapping[int, str],
        regions: Iterable[Mapping[str, Any]] = (),
        has_gravity: bool = True,
        places: Iterable[Place] = (),
    ) -> None:
        lifted = {row["object_id"]: row for row in objects}
        sources: dict[int, Mapping[str, Any]] = {row["region_id"]: row for row in regions}
        sources.update(lifted)
        self._has_gravity = has_gravity
        self.things = {
            number: Named(
                thing=_thing(number, source),
                expression=expressions.get(number, ""),
                texts=tuple(text for text in (source["label"], *(source["captions"] or ())) if text),
                lifted=lifted.get(number),
            )
            for number, source in sorted(sources.items())
        }
        self._kinds: dict[int, str] = {}
        expressions = dict(expressions)
        for place in places:
            source = {"label": place.kind, "captions": list(place.others)}
            expressions[place.place_id] = place.name
            self._kinds[place.place_id] = place.kind
            self.things[place.place_id] = Named(
                thing=_thing(place.place_id, source),
                expression=place.name,
                texts=(place.kind, *place.others),
                lifted=None,
            )
        self._by_expression = {
            _bare(words_of(text)): frozenset((number,)) for number, text in expressions.items() if text
        }
        self._nouns_known: dict[str, bool] = {}
        self._known: dict[tuple[tuple[str, ...], bool], frozenset[int]] = {}

    def kind_of(self, number: int) -> str:
        """Return what a thing is: an object, or the kind of a place."""
        return self._kinds.get(number, OBJECT)

    def called(self, object_id: int) -> str:
        """Return how an object is called in an answer: by its unique expression, else by its noun and its id."""
        named = self.things[object_id]
        if named.expression:
            return named.expression
        phrases = [phrase for phrase in (named.thing.label, *named.thing.captions) if phrase is not None]
        return f"{phrases[0].text} (object {object_id})" if phrases else f"object {object_id}"

    @cached_property
    def nouns(self) -> frozenset[str]:
        """Words of which any name of a thing holds one: its nouns, and wider ones such as "cup" for a mug."""
        heads = frozenset().union(*(named.thing.heads for named in self.things.values()))
        wider = {noun for noun, kinds in vocabulary().wider_names.items() if not kinds.isdisjoint(heads)}
        loose = (word for named in self.things.values() for word in named.words if not named.thing.heads)
        return heads | wider | frozenset(loose)

    @cached_property
    def _verbatim(self) -> dict[tuple[str, ...], frozenset[int]]:
        """The things by the words of their labels and captions, positions included."""
        by_text: dict[tuple[str, ...], frozenset[int]] = {}
        for number, named in self.things.items():
            for text in named.texts:
                words = _bare(words_of(text))
                by_text[words] = by_text.get(words, NOBODY) | {number}
        return by_text

    def may_name(self, word: str) -> bool:
        """Return whether a word is one that a name of a thing has to hold: a noun, or what stands before its id."""
        if word not in self._nouns_known:
            self._nouns_known[word] = self._is_noun(word)
        return self._nouns_known[word]

    def _is_noun(self, word: str) -> bool:
        noun = vocabulary().singular(word)
        if noun in self.nouns or word in self.nouns or word.startswith("#") or word in _NUMBERED:
            return True
        return len(noun) >= 3 and any(head.endswith(noun) for head in self.nouns)

    def meant(self, words: Sequence[str], strictly: bool = True) -> frozenset[int]:
        """Return the ids of what a name may mean: one, several where it is ambiguous, none where nothing fits.

        `strictly`, every word before the noun must be an adjective or a word of the thing's own captions; otherwise
        "the coffee mug" also means a mug of which nothing says what it is for.
        """
        key = (tuple(words), strictly)
        if key not in self._known:
            self._known[key] = self._meant(_bare(key[0]), strictly)
        return self._known[key]

    def _meant(self, words: tuple[str, ...], strictly: bool) -> frozenset[int]:
        if not words:
            return NOBODY
        if words in self._by_expression:
            return self._by_expression[words]
        if (number := numbered(words)) is not None:
            return frozenset((number,)) if number in self.things else NOBODY
        fitting = self._described(words, strictly) | self._verbatim.get(words, NOBODY)
        if fitting:
            return fitting
        for base, side in _without_place(words):
            fitting = self._described(base, strictly)
            if fitting:
                return self._placed(fitting, *_PLACES[side])
        return NOBODY

    def _described(self, words: tuple[str, ...], strictly: bool) -> frozenset[int]:
        """Return the things that a noun phrase states, or else those that it does not contradict."""
        phrase = read_phrase(" ".join(words), lower_first=True)
        if phrase is None or _size(phrase) != len(words):
            return frozenset(
                one for one, named in self.things.items() if not named.thing.heads and _is_all(named, words)
            )
        stated = frozenset(one for one, named in self.things.items() if _states(named, phrase))
        if stated:
            return stated
        return frozenset(one for one, named in self.things.items() if _allows(named, phrase, strictly))

    def _placed(self, fitting: frozenset[int], axis: Axis, first: bool) -> frozenset[int]:
        """Return that one of several things that is the first, or last, along an axis; all where none is decided."""
        rows = [self.things[one].lifted for one in fitting]
        if len(fitting) == 1 or any(row is None for row in rows) or (axis is VERTICAL and not self._has_gravity):
            return fitting
        placed = [row for row in rows if row is not None]
        for row in placed:
            others = [other for other in placed if other is not row]
            if all(axis.before(row, other) if first else axis.before(other, row) for other in others):
                return frozenset((row["object_id"],))
        return fitting


def _thing(number: int, source: Mapping[str, Any]) -> NamedObject:
    label = read_label(source["label"]) if source["label"] else None
    texts = [text for text in source["captions"] or [] if text]
    read = [(text, read_phrase(text, lower_first=True)) for text in texts]
    phrases = tuple(phrase for _, phrase in read if phrase is not None)
    loose = tuple(words for text, phrase in read if phrase is None and (words := loose_words(text)))
    return named_object(number, label, phrases, loose)


def _bare(words: tuple[str, ...]) -> tuple[str, ...]:
    determiners = vocabulary().determiners
    start = 0
    while start < len(words) and words[start] in determiners:
        start += 1
    return words[start:]


def without_article(text: str) -> str:
    """Return a name in lower case, without its article and with single spaces."""
    words = text.lower().split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in vocabulary().articles else words)


def numbered(words: Sequence[str]) -> int | None:
    """Return the id in "object 3" or "#3", None of any other name."""
    if len(words) == 1 and words[0].startswith("#"):
        digits = words[0][1:]
    elif len(words) == 2 and words[0] in _NUMBERED:
        digits = words[1].removeprefix("#")
    else:
        return None
    return int(digits) if digits.isdecimal() and len(digits) < 10 else None


def _size(phrase: Phrase) -> int:
    return len(" ".join((*phrase.before, phrase.head, *phrase.after)).split())


def _is_all(named: Named, words: tuple[str, ...]) -> bool:
    singular = vocabulary().singular
    return {singular(word) for word in words} <= named.words


def _states(named: Named, phrase: Phrase) -> bool:
    """Return whether label and captions say all that a phrase does, of the thing itself and not of a part of it."""
    heads = named.thing.heads
    is_kind = phrase.key in heads or (len(phrase.key) >= 3 and any(head.endswith(phrase.key) for head in heads))
    return is_kind and phrase.core - {phrase.key} <= named.thing.core and phrase.words <= named.words | {phrase.key}


def _allows(named: Named, phrase: Phrase, strictly: bool) -> bool:
    """Return whether a phrase may be true of a thing, though its captions do not say all of it."""
    vocab = vocabulary()
    if not any(can_name(phrase.key, head) for head in named.thing.heads) or phrase.after:
        return False
    unsaid = [word for word in phrase.adjectives if vocab.singular(word) not in named.words]
    if strictly and not all(vocab.is_listed_adjective(word) for word in unsaid):
        return False
    return possibly_true(phrase, named.thing)


def _without_place(words: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], str]]:
    """Yield a name without what says where the thing is, and that word: "left mug", "mug on the left"."""
    for place, side in _AFTER:
        if len(words) > len(place) and words[-len(place) :] == place:
            yield words[: -len(place)], side
    for index, word in enumerate(words[:-1]):
        if word in _PLACES:
            yield words[:index] + words[index + 1 :], word
