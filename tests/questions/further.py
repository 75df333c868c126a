"""What rules about several objects decide about a scene, read out for comparison."""

from typing import Any, NamedTuple

from tests.questions.worlds import Row
from udfs.questions.candidates import Decisions, candidates_of
from udfs.questions.question_type import AnswerKind, Group, QuestionType
from udfs.questions.registry import question_types
from udfs.questions.related import Related
from udfs.questions.rule import Decided, SeveralRule
from udfs.questions.scene import Scene, scene_of
from udfs.stages.synthesize import QaColumns, SynthesizeSettings, synthesize_scene

FURTHER = [kind for kind in question_types().values() if kind.group == Group.FURTHER]
ALL = SynthesizeSettings(answers_per_image=10_000, max_pairs=1_000)
# the objects in the order of the question, and what tells questions about them apart
Name = tuple[tuple[int, ...], str]


class Said(NamedTuple):
    """What a decision says: its variant, the object chosen, the objects in order, and its number."""

    word: str
    chosen: int | None
    order: tuple[int, ...]
    value: float | None


def decided_by(kind: QuestionType, scene: Scene, decisions: Decisions) -> list[Decided]:
    """Return what the rule of one type decides about a scene, given what is decided about its pairs."""
    rule = kind.rule
    return rule.decide(Related(scene, decisions, ALL), ALL) if isinstance(rule, SeveralRule) else []


def weighed(row: Row, references: list[Row]) -> tuple[Scene, Decisions]:
    """Return a scene with what is decided about its objects and their pairs."""
    scene = scene_of(row, references)
    return scene, candidates_of(scene, ALL)


def said_by(kind: QuestionType, scene: Scene, decisions: Decisions) -> dict[Name, Said]:
    """Return what a type says about a scene, by its objects."""
    found = {}
    for decided in decided_by(kind, scene, decisions):
        given = decided.given
        chosen = given.chosen.object_id if given and given.chosen else None
        order = tuple(one.object_id for one in given.order) if given else ()
        fact = given.fact if given else ""
        value = decided.margin if kind.answer_kind == AnswerKind.NUMBER else None
        found[tuple(one.object_id for one in decided.things), fact] = Said(decided.word, chosen, order, value)
    return found


def dense_rows(scenes: list[tuple[Row, list[Row]]], **fixed: Any) -> list[Row]:
    """Return the rows of scenes under settings of `synthesize`, 200 per image unless they say otherwise."""
    out = QaColumns("recipe")
    for row, references in scenes:
        synthesize_scene(row, references, SynthesizeSettings(**{"answers_per_image": 200, **fixed}), out)
    return out.rows()
