"""Which column of a file of predictions holds what the model said, and not the true answer."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlm.evaluation.items import AnswerSet, Item
from vlm.evaluation.rows import Row, Unreadable

OPTION = "--prediction-column"
ANSWER = "answer"
# In this order. `answer` is last: most dumps keep the true answer in it.
KNOWN = (
    "prediction", "raw", "pred", "model_output", "model_answer", "model_response", "model_prediction", "output",
    "outputs", "response", "responses", "raw_output", "raw_response", "raw_prediction", "predicted", "predicted_answer",
    "pred_answer", "answer_pred", "pred_text", "prediction_text", "generated_text", "generated_answer", "generated",
    "generation", "completion", "reply", "llm_output", "text", ANSWER,
)  # fmt: skip
GOLD_WORDS = (
    "gold gold_answer gt gt_answer gt_ans groundtruth ground_truth ground_truth_answer label labels target "
    "targets truth true_answer correct correct_answer correct_option correct_choice reference reference_answer "
    "answer_gt answer_gold answer_text answers expected expected_answer solution answer_value answer_idx "
    "answer_index doc_to_target"
)
GOLD = frozenset(GOLD_WORDS.split())
_ABOUT_WORDS = (
    "question prompt input inputs query instruction problem category type task type_id question_type answer_type "
    "sub_task subset image image_path images img filename file path url video source dataset data_source split "
    "options choices hint context metadata model model_name shortuuid language lang timestamp date kind unit "
    "answer_unit conversations messages scene parser parser_version status error reason finish_reason a b c d e f "
    "g h"
)
_ABOUT = frozenset(_ABOUT_WORDS.split())


def prediction_column(rows: Sequence[Row], known: Sequence[str], path: Path, named: str | None = None) -> str:
    """Return the column that holds the model's answers: the one that is `named`, or the first `known` one with values.

    Raises:
        Unreadable: there is none, or the only one is `answer` beside a text that may be the model's.
    """
    filled = {
        str(column): row.get(column)
        for row in reversed(rows)
        for column in row.values
        if row.get(column) is not None and str(row.get(column)).strip()
    }
    present = ", ".join(sorted({str(column) for row in rows for column in row.values})) or "none"
    if named is not None:
        if named in filled:
            return named
        raise Unreadable(f"{path.name} has no text in a column {named}; its columns are {present}.")
    by_name = {column.lower(): column for column in filled}
    found = [by_name[name] for name in known if name in by_name]
    if not found:
        wanted = known[0] if len(known) == 1 else f"known one ({', '.join(known)})"
        raise Unreadable(
            f"{path.name} has no column of predictions, or an empty one: no {wanted} is among its columns {present}. "
            f"Name the column that holds the model's answers with {OPTION}."
        )
    others = [column for column, value in filled.items() if _may_be_said(column, value)]
    if len(known) > 1 and found[0].lower() == ANSWER and others and not GOLD & by_name.keys():
        raise Unreadable(
            f"{path.name} has the column {found[0]}, which often holds the true answer, beside {', '.join(others)}. "
            f"Name the column that holds the model's answers with {OPTION}."
        )
    return found[0]


def _may_be_said(column: str, value: Any) -> bool:
    name = column.lower()
    known = name in _ABOUT or name in GOLD or name in KNOWN or name.endswith(("id", "idx", "index"))
    return isinstance(value, str) and not known


def said(value: Any) -> str | None:
    """Return the text of a cell, also of the first of a list, or None."""
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = next((value[key] for key in ("content", "text", "response") if isinstance(value.get(key), str)), None)
    return None if value is None or value == [] else str(value)


def suspect(items: Sequence[Item], answers: AnswerSet) -> str | None:
    """Return in a sentence why answers cannot be those of a model, if they are all true answers or all questions."""
    by_id: dict[str | int | None, Item] = {item.item_id: item for item in items}
    by_id |= {item.number: item for item in items}
    pairs = [
        (one.text, item)
        for one in answers.answers
        if (item := by_id.get(one.item_id if one.item_id is not None else one.number)) is not None
    ]
    if answers.column is None or not pairs:
        return None
    if answers.column.lower() == ANSWER and all(_bare(text) in _true_texts(item) for text, item in pairs):
        what = "equals the true answer"
    elif all(len(text) > 12 and _bare(text) == _bare(item.question) for text, item in pairs):
        what = "repeats the question"
    else:
        return None
    return (
        f"The column {answers.column} of {answers.model} {what} in all {len(pairs)} rows, so it is hardly the model's. "
        f"Name the column that holds the model's answers with {OPTION}."
    )


def _true_texts(item: Item) -> set[str]:
    texts = [item.answer, *item.truth.texts]
    if item.truth.choice is not None:
        texts.append(item.options[item.truth.choice])
    if item.truth.value_si is not None:
        texts.append(item.answer.split(" ")[0])
    return {_bare(text) for text in texts}


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.lower()).strip()
