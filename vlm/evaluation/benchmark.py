"""Evaluation items from rows of `qa_pairs`, and the selection of a balanced subset."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from udfs.language.draws import seed_of
from udfs.questions.question_type import AnswerKind, Group, QuestionType
from udfs.questions.registry import question_type
from vlm.evaluation.balance import balanced
from vlm.evaluation.item_builders import unit_of_bare_numbers
from vlm.evaluation.items import Item, Kind, Truth
from vlm.evaluation.relations import Asked

SOURCE = "spatiallake"
COLUMNS = (
    *("qa_id", "image_id", "type_id", "question", "answer", "object_ids", "side", "answer_bool", "answer_object_id"),
    *("value_si", "rounding_rule", "reference_form", "options", "references", "scene_recipe"),
)
# "The chair farther to the left" reveals part of what a relation asks.
_SAYS_WHERE = ("position", "ordinal")


class BenchmarkSettings(BaseModel):
    """Which answers become items."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: Literal["train", "validation", "test", "all"] = Field(default="test", description="split of the images")
    recipe: str | None = Field(default=None, description="recipe of `qa_pairs`; none: the current one")
    max_per_type: int = Field(default=100, ge=1, description="maximum questions per type")
    seed: int = Field(default=0, ge=0)


def item_of(row: Mapping[str, Any], things: Mapping[int, Mapping[str, Any]]) -> Item | None:
    """Return a row of `qa_pairs` as an item without its image; None for an unfair question.

    `row` has `COLUMNS`, `things` the `label` and `range_m` (m) of the scene's objects by id. Unfair are relations whose
    referring expressions state positions, numbers with the true value 0, which has no ratio, and heights that the
    answer does not state because the object rests on its reference. Affordances, whose answers are comparisons and
    points, and further types make no items.
    """
    asked = question_type(row["type_id"])
    if asked.group != Group.CORE:
        return None
    sided = asked.answer_kind != AnswerKind.NUMBER or bool(asked.sides)
    if sided and any(form in row["reference_form"] for form in _SAYS_WHERE):
        return None
    if asked.answer_kind == AnswerKind.NUMBER and asked.unit_si != "rad" and not _says_a_ratio(row):
        return None
    called = dict(zip(row["object_ids"], row["references"], strict=True))
    order = _order(row, called)
    return Item(
        item_id=row["qa_id"],
        number=0,
        source=SOURCE,
        image_id=row["image_id"],
        type_id=row["type_id"],
        question=row["question"],
        kinds=tuple(things[one]["label"] or called[one] for one in order),
        distance_m=min(things[one]["range_m"] for one in order),
        **_answer(row, asked, order, called),
    )


def _says_a_ratio(row: Mapping[str, Any]) -> bool:
    return row["value_si"] > 0 and row["rounding_rule"] != "rests"


def _answer(row: Mapping[str, Any], asked: QuestionType, order: list[int], called: dict[int, str]) -> dict[str, Any]:
    """Return the fields of an item that depend on its kind."""
    if asked.answer_kind == AnswerKind.BOOL:
        return {"kind": Kind.BOOL, "answer": row["answer"], "truth": Truth(yes=row["answer_bool"])}
    if asked.answer_kind == AnswerKind.CHOICE:
        right = order.index(row["answer_object_id"])
        options = tuple(called[one] for one in order)
        own = {"kind": Kind.CHOICE, "answer": "AB"[right], "truth": Truth(choice=right)}
        return {**own, "options": options, "sides": (row["side"],)}
    return {
        "kind": Kind.NUMBER,
        "answer": row["answer"],
        "truth": Truth(value_si=row["value_si"], unit_si=asked.unit_si, side=row["side"]),
        "sides": asked.sides,
        "asked_unit": unit_of_bare_numbers(row["question"], asked.unit_si),
    }


def _order(row: Mapping[str, Any], called: Mapping[int, str]) -> list[int]:
    """Return the objects in the order of the options, or else of the question."""
    options = row["options"] or list(called.values())
    return sorted(called, key=lambda one: options.index(called[one]))


def relations_of(items: Sequence[Item]) -> list[Asked]:
    """Return the items answered by yes or no or by one of two objects, as inputs of the balancing."""
    found = []
    for item in items:
        if item.kind == Kind.CHOICE:
            found.append(_asked(item, item.sides[0], item.truth.choice == 0))
        elif item.kind == Kind.BOOL:
            found.append(_asked(item, "", bool(item.truth.yes)))
    return found


def _asked(item: Item, side: str, answer: bool) -> Asked:
    return Asked(item.item_id, item.type_id, side, (item.kinds[0], item.kinds[1]), answer)


def chosen(items: Sequence[Item], settings: BenchmarkSettings, training: Sequence[Item] = ()) -> list[Item]:
    """Return the items to keep: balanced relations, and numbers drawn by their ids."""
    relations = relations_of(items)
    kept = {one.item_id for one in balanced(relations, settings.seed, settings.max_per_type, relations_of(training))}
    numbers: dict[str, list[Item]] = defaultdict(list)
    for item in sorted(items, key=lambda item: seed_of(settings.seed, item.item_id)):
        if item.kind == Kind.NUMBER:
            numbers[item.type_id].append(item)
    kept |= {item.item_id for own in numbers.values() for item in own[: settings.max_per_type]}
    return [item for item in items if item.item_id in kept]
