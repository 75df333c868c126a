"""The question types that exist: those of `udfs.questions.types` and those of plugins.

A plugin module defines `QUESTION_TYPES`, a tuple, and has a file `TYPE_ID.yaml` beside it for each
type. See `schemas.plugins` for how plugins are found.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import udfs.questions.types
from schemas.plugins import modules_with
from udfs.questions.question_type import Family, Group, QuestionType
from udfs.questions.rule import DerivedRule, ObjectRule, PairRule, Rule, SceneRule

GROUP = "spatiallake.question_types"


class DuplicateType(ValueError):
    """Two modules declare question types of the same id; the message names both."""


class UnknownType(KeyError):
    """No question type has this id; the message says how a plugin's type is found."""

    def __str__(self) -> str:
        return str(self.args[0])


@cache
def question_types() -> Mapping[str, QuestionType]:
    """Return every type by id: built-in ones before those of plugins, qualitative first, then by id.

    Raises:
        DuplicateType: two modules declare the same id.
        PluginUnavailable: a plugin cannot be imported.
    """
    return {kind.type_id: kind for kind, _ in _declared().values()}


def question_type(type_id: str) -> QuestionType:
    """Return the type of an id.

    Raises:
        UnknownType: there is none.
    """
    try:
        return question_types()[type_id]
    except KeyError:
        raise UnknownType(
            f"No question type has the id {type_id!r}; if a plugin declares it, install the plugin or name its "
            "module in SPATIALLAKE_PLUGINS."
        ) from None


@cache
def types_of(family: Family, group: Group = Group.CORE) -> tuple[QuestionType, ...]:
    """Return the types of one half of the table that are asked together."""
    return tuple(kind for kind in question_types().values() if kind.family == family and kind.group == group)


@cache
def askable_types() -> tuple[QuestionType, ...]:
    """Return the types about one or two objects and nothing else, as their wordings and free English ask for them."""
    rules = (ObjectRule, PairRule, DerivedRule)
    return tuple(kind for kind in question_types().values() if isinstance(kind.rule, rules))


@cache
def scene_types() -> tuple[QuestionType, ...]:
    """Return the types that are decided from a whole scene, and may be about surfaces, openings and stated lengths."""
    return tuple(kind for kind in question_types().values() if isinstance(kind.rule, SceneRule))


@cache
def ids_of_relation(relation: str) -> tuple[str, ...]:
    """Return the ids of the qualitative types that say one relation, such as "left"."""
    return tuple(kind.type_id for kind in types_of(Family.QUALITATIVE) if kind.relation == relation)


@cache
def rules(group: Group | None = None) -> tuple[Rule, ...]:
    """Return every rule that decides a type of a group, or of any, or that such a rule derives from, each once."""
    kinds = [kind for kind in question_types().values() if group in (None, kind.group)]
    deciding = [rule for kind in kinds for rule in (kind.rule, kind.opposite) if rule]
    sources = [source for rule in deciding if isinstance(rule, DerivedRule) for source in rule.derive]
    return tuple(dict.fromkeys(deciding + sources))


@cache
def unsaid_variants() -> tuple[str, ...]:
    """Return the variants that state a word instead of a number; column `rounding_rule` holds them."""
    words = {word for kind in question_types().values() for word, how in kind.variants.items() if how.is_unsaid}
    return tuple(sorted(words))


@cache
def plugin_types() -> tuple[str, ...]:
    """Return the ids of the types that plugins declare."""
    own = Path(udfs.questions.types.__file__ or "").parent
    return tuple(type_id for type_id, (_, path) in _declared().items() if path.parent != own)


def wordings_file(type_id: str) -> Path:
    """Return the file with a type's wordings and worked example.

    Raises:
        UnknownType: there is no such type.
    """
    question_type(type_id)
    return _declared()[type_id][1]


@cache
def _declared() -> dict[str, tuple[QuestionType, Path]]:
    """Return every type with its file, by id."""
    own: list[tuple[QuestionType, Path]] = []
    foreign: list[tuple[QuestionType, Path]] = []
    declared_by: dict[str, str] = {}
    for module in modules_with("QUESTION_TYPES", udfs.questions.types, GROUP):
        target = own if module.__name__.startswith(f"{udfs.questions.types.__name__}.") else foreign
        for kind in module.QUESTION_TYPES:
            other = declared_by.setdefault(kind.type_id, module.__name__)
            if other != module.__name__ or any(kind.type_id == known.type_id for known, _ in target):
                raise DuplicateType(
                    f"Question type {kind.type_id!r} is declared by both {other} and {module.__name__}; "
                    "give one of them another id."
                )
            target.append((kind, Path(module.__file__ or "").with_name(f"{kind.type_id}.yaml")))
    for half in (own, foreign):
        half.sort(key=lambda entry: (entry[0].family != Family.QUALITATIVE, entry[0].type_id))
    return {kind.type_id: (kind, path) for kind, path in (*own, *foreign)}
