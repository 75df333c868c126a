"""Names of objects: what planners may call them, and which one a noun phrase means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from udfs.language.caption import read_label, read_phrase
from udfs.language.naming import SceneNames
from udfs.language.phrase import Phrase
from udfs.questions.reading.reader import object_named
from udfs.questions.refusals import NotAnswered

_ARTICLE = re.compile(r"^(?:the|a|an|this|that|my|our|your)\s+", re.IGNORECASE)
_FIT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 '’,&/()-]|\.(?! ))*")
_MAX_NAME_WORDS, _MAX_NAME = 12, 80


class NotNamed(ValueError):
    """A phrase that means no object, or more than one; the message is one sentence."""


@dataclass(frozen=True)
class Named:
    """An object: the name that tells it from all others, and what else it is called."""

    object_id: int
    name: str
    label: str = ""
    captions: tuple[str, ...] = ()

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """The texts, in lower case and without articles, that may stand for it in a question."""
        read = [read_label(self.label) if self.label else None]
        read += [read_phrase(text, lower_first=True) for text in (plain(self.name), *self.captions)]
        phrases: list[Phrase] = [one for one in read if one is not None]
        texts = [self.name, self.label, *self.captions]
        texts += [text for phrase in phrases for text in (phrase.bare, phrase.head)]
        return tuple(dict.fromkeys(plain(text) for text in texts if text and is_fit(text)))


class Names:
    """The objects of an image by name; names that are no plain noun phrases are replaced by a number."""

    def __init__(self, objects: Sequence[Named], scene: SceneNames | None = None) -> None:
        self.objects = tuple(one if is_fit(one.name) else _numbered(one) for one in objects)
        self._by_name = {plain(one.name): one for one in self.objects}
        self._by_id = {one.object_id: one for one in self.objects}
        self._scene = scene or _scene_names(self.objects)

    @property
    def listed(self) -> tuple[str, ...]:
        """Return all names."""
        return tuple(one.name for one in self.objects)

    def of(self, phrase: str) -> Named:
        """Return the object that a phrase means.

        Raises:
            NotNamed: none, several that it does not tell apart, or one that was not measured.
        """
        known = self._by_name.get(plain(phrase))
        if known is not None:
            return known
        try:
            found = object_named(self._scene, phrase[:_MAX_NAME])
        except NotAnswered as why:
            raise NotNamed(str(why)) from why
        if found not in self._by_id:
            raise NotNamed(f"{self._scene.called(found)} is in the image, but could not be measured.")
        return self._by_id[found]


def plain(text: str) -> str:
    """Return a name in lower case, without its article and with single spaces."""
    return " ".join(_ARTICLE.sub("", text.strip()).lower().split())


def is_fit(name: str) -> bool:
    """Return whether a name is short and plain enough to be shown to a planner as a name."""
    return bool(_FIT.fullmatch(name)) and len(name) <= _MAX_NAME and len(name.split()) <= _MAX_NAME_WORDS


def _numbered(one: Named) -> Named:
    return Named(one.object_id, f"object {one.object_id}", one.label, one.captions)


def _scene_names(objects: Sequence[Named]) -> SceneNames:
    regions = [
        {"region_id": one.object_id, "label": one.label or plain(one.name), "captions": list(one.captions)}
        for one in objects
    ]
    return SceneNames((), {one.object_id: one.name for one in objects}, regions)
