"""Questions that a scene can answer: a few to begin with, or near to one that could not be read."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, permutations, zip_longest

from udfs.language.naming import SceneNames
from udfs.language.words import words_of
from udfs.questions.question_type import Family, QuestionType
from udfs.questions.registry import askable_types
from udfs.questions.wordings import free_words

_MAX_TRIES = 6


def kinds_near(question: str) -> list[QuestionType]:
    """Return all types, those that share most words with a question first, numbers and relations in turns."""
    words = frozenset(words_of(question))
    families = ([kind for kind in askable_types() if kind.family == family] for family in reversed(Family))
    turns = zip_longest(*families)
    kinds = [kind for kind in chain.from_iterable(turns) if kind is not None]
    return sorted(kinds, key=lambda kind: -len(words & _words_of_type(kind)))


def mentioned(names: SceneNames, question: str) -> list[int]:
    """Return the ids of things whose noun a question holds, in its order."""
    found = [sorted(names.meant((word,))) for word in words_of(question) if names.may_name(word)]
    return list(dict.fromkeys(chain.from_iterable(found)))


def object_rows(kind: QuestionType, about: Sequence[int], others: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield a few choices of objects for a type: of those asked about, then with others."""
    pool = list(dict.fromkeys([*about, *others]))
    rows = permutations(pool, kind.objects)
    yield from (row for _, row in zip(range(_MAX_TRIES), rows, strict=False))


@cache
def _words_of_type(kind: QuestionType) -> frozenset[str]:
    texts = [text for classes in free_words(kind.type_id).values() for listed in classes.values() for text in listed]
    return frozenset(word for text in (kind.name, *texts) for word in words_of(text) if len(word) > 2)
