"""What an object may be called where an expert declares how probable its names are.

Words that are probable enough may be said of it. Every word that is not improbable keeps others from being called so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from udfs.language.caption import read_label, read_phrase
from udfs.language.phrase import Phrase
from udfs.language.similarity import THING, NamedObject, certainly_true, named_object, possibly_true
from udfs.language.vocabulary import vocabulary

Name = Mapping[str, Any]


@dataclass(frozen=True)
class Called:
    """`sure` holds what may be said of an object, `possible` all that it may be, the most probable first.

    `tint` is said where no noun will do ("red thing"). `noun_probability` is that of the most probable noun, None where
    the expert declares none: then `sure` is all that label and captions say.
    """

    sure: NamedObject
    possible: tuple[NamedObject, ...]
    tint: Phrase | None = None
    noun_probability: float | None = None

    @property
    def object_id(self) -> int:
        """The object's id."""
        return self.sure.object_id

    @property
    def likely(self) -> NamedObject:
        """The object as it is most probably called."""
        return self.possible[0]

    def may_be(self, phrase: Phrase, is_label: bool) -> bool:
        """Return whether a phrase, which may be the label of another object, may be true of this one."""
        return any(possibly_true(phrase, version, is_label) for version in self.possible)

    def is_surely(self, phrase: Phrase) -> bool:
        """Return whether what may be said of this object implies a phrase."""
        if certainly_true(phrase, self.sure):
            return True
        tint = self.tint
        return tint is not None and phrase.key == THING and phrase.core == tint.core


def called(said: NamedObject, names: Sequence[Name], min_probability: float) -> Called:
    """Return what an object may be called; `said` is read from its label and captions, `names` are those declared.

    Names count against other objects unless it is as improbable that they are right as that what is said is wrong.
    """
    number = said.object_id
    likely = [name for name in names if name["probability"] > 1.0 - min_probability]
    nouns = [name for name in likely if name["noun"] and not name["color"]]
    colors = [name["color"] for name in likely if name["color"] and not name["noun"]]
    labels = [label for name in nouns if (label := read_label(name["noun"])) is not None]
    versions = [named_object(number, label, tuple(_colored(color, label) for color in colors)) for label in labels]
    likely_enough = [name for name in names if name["probability"] >= min_probability]
    sure_nouns = [name["noun"] for name in likely_enough if name["noun"] and not name["color"]]
    both = [f"{name['color']} {name['noun']}" for name in likely_enough if name["noun"] and name["color"]]
    tints = [name["color"] for name in likely_enough if not name["noun"]]
    phrases = tuple(phrase for text in both if (phrase := read_phrase(text)) is not None)
    label = read_label(sure_nouns[0]) if sure_nouns else None
    return Called(
        sure=named_object(number, label, phrases),
        possible=tuple(versions) or (said,),
        tint=Phrase((tints[0],), THING) if tints else None,
        noun_probability=max((n["probability"] for n in names if n["noun"] and not n["color"]), default=0.0),
    )


def _colored(color: str, label: Phrase) -> Phrase:
    return Phrase((color, *label.before), label.head, label.after)


def read_thing(expression: str) -> Phrase | None:
    """Return "red thing" of an expression such as "the leftmost red thing"; None if it says a noun, or no color.

    >>> read_thing("the red thing on the left").bare, read_thing("the red chair")
    ('red thing', None)
    """
    words = expression.lower().split()
    place = words.index(THING) if THING in words else 0
    return Phrase((words[place - 1],), THING) if place and words[place - 1] in vocabulary().colors else None
