"""Names of objects: what planners may call them, and which one a noun phrase means."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from udfs.language.caption import read_phrase
from udfs.language.naming import OBJECT, Named, SceneNames, without_article
from udfs.questions.question_type import AnswerKind
from udfs.questions.reading.reader import Reading, object_named, read_question, read_wording
from udfs.questions.refusals import NotAnswered
from udfs.questions.rule import SceneRule

_FIT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 '’,&/()-]|\.(?! ))*")
_MAX_NAME_WORDS, _MAX_NAME = 12, 80


class NotNamed(ValueError):
    """A phrase that means no object, or more than one; the message is one sentence."""


class Names:
    """The objects of an image by name; names that are no plain noun phrases are replaced by a number.

    `scene` holds everything in the image, `ids` the objects that can be measured; by default all of them.
    """

    def __init__(self, scene: SceneNames, ids: Sequence[int] | None = None) -> None:
        self.scene = scene
        shown = scene.things if ids is None else ids
        self.called: Mapping[int, str] = {one: _shown(scene, one) for one in shown}
        self._by_name = {without_article(name): one for one, name in self.called.items()}

    @classmethod
    def listed_as(cls, names: Sequence[str]) -> "Names":
        """Return the names of objects of which nothing else is known."""
        regions = [
            {"region_id": number, "label": without_article(name), "captions": []} for number, name in enumerate(names)
        ]
        return cls(SceneNames((), dict(enumerate(names)), regions))

    @property
    def listed(self) -> tuple[str, ...]:
        """Return all names."""
        return tuple(self.called.values())

    @cached_property
    def spellings(self) -> frozenset[str]:
        """The texts, in lower case and without articles, that may stand for an object in a question."""
        return frozenset(text for one in self.called for text in _spellings(self.scene.things[one], self.called[one]))

    def of(self, phrase: str) -> int:
        """Return the id of the object that a phrase means.

        Raises:
            NotNamed: none, several that it does not tell apart, or one that was not measured.
        """
        known = self._by_name.get(without_article(phrase))
        if known is not None:
            return known
        try:
            found = object_named(self.scene, phrase[:_MAX_NAME])
        except NotAnswered as why:
            raise NotNamed(str(why)) from why
        if found not in self.called:
            raise NotNamed(f"{self.scene.called(found)} is in the image, but could not be measured.")
        return found

    def worded(self, question: str) -> Reading | None:
        """Return what a question in one of the engine's own wordings asks, None if it is in none of them."""
        try:
            return read_wording(self.scene, question)
        except NotAnswered:
            return None

    def reads(self, question: str) -> bool:
        """Return whether a question can be asked as it stands."""
        try:
            return bool(read_question(self.scene, question))
        except NotAnswered:
            return False

    def asks_of_scene(self, question: str) -> bool:
        """Return whether a question, in any words that are read, is one that only a whole scene answers.

        That is about surfaces, openings and free space, and about the widest thing that passes.
        """
        try:
            read = read_question(self.scene, question)
        except NotAnswered:
            return False
        of_scene = isinstance(read.kind.rule, SceneRule) and read.kind.answer_kind != AnswerKind.BOOL
        return of_scene or any(self.scene.kind_of(one) != OBJECT for one in read.object_ids)


def is_fit(name: str) -> bool:
    """Return whether a name is short and plain enough to be shown to a planner as a name."""
    return bool(_FIT.fullmatch(name)) and len(name) <= _MAX_NAME and len(name.split()) <= _MAX_NAME_WORDS


def _shown(scene: SceneNames, object_id: int) -> str:
    name = scene.called(object_id)
    return name if is_fit(name) else f"object {object_id}"


def _spellings(named: Named, name: str) -> set[str]:
    read = (named.thing.label, *named.thing.captions, read_phrase(without_article(name), lower_first=True))
    parts = (text for phrase in read if phrase is not None for text in (phrase.bare, phrase.head))
    texts = (name, *named.texts, *parts)
    return {without_article(text) for text in texts if text and is_fit(text)}
