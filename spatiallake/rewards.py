"""Rewards for reinforcement learning: functions with TRL's signature, and prompts from a lake to train on.

Every function takes what a trainer passes by keyword: `completions`, texts or conversations, and the columns of the
data set, one value for each completion. It returns one float for each: 0 for a completion that cannot be parsed, and
None where the row has no truth of its kind, so that the functions can be used together. docs/rewards.md lists the
columns.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jobs.engine.errors import UsageError
from vlm.evaluation import rewards

_QUESTION = ("question", "prompts", "answer_kind")
_IMAGE = ("image", "width", "height")
_NAMED = ("options", "object_ids", "references", "answer_object_id", "choice")
_PLACES = ("mask", "polygon", "box")


def number_reward(completions: Sequence[Any], **columns: Any) -> list[float | None]:
    """Return the mean relative accuracy (MRA) of numbers, in [0, 1]; an angle gets 1 within 15 degrees, else 0.

    Columns: `value_si`, and if there `unit_si` (default: m), `side`, `answer`, `rounding_rule`. Where the
    true `answer` states the side, the other one or none gets 0. The true value 0 gives None.

    Raises:
        UsageError: the data set has no column `value_si`.
    """
    used = ("value_si", "unit_si", "side", "answer", "rounding_rule")
    return _rewards(rewards.number, completions, columns, used, any_of=("value_si",))


def relation_reward(completions: Sequence[Any], **columns: Any) -> list[float | None]:
    """Return 1 for the right yes or no, else 0.

    Columns: `answer_bool`.

    Raises:
        UsageError: the data set has no column `answer_bool`.
    """
    return _rewards(rewards.relation, completions, columns, ("answer_bool",), any_of=("answer_bool",))


def choice_reward(completions: Sequence[Any], **columns: Any) -> list[float | None]:
    """Return 1 for the right option, named by its letter or its text, else 0.

    Columns: `options` and `choice`, the index of the right one from 0; or those of `qa_pairs`: `answer_object_id`,
    `object_ids`, `references`, `options`.

    Raises:
        UsageError: the data set has neither a column `choice` nor `answer_object_id`.
    """
    return _rewards(rewards.choice, completions, columns, _NAMED, any_of=("choice", "answer_object_id"))


def point_reward(completions: Sequence[Any], **columns: Any) -> list[float | None]:
    """Return 1 if the first point of an answer lies in the true region, else 0.

    Columns: `mask` (an image, or the bytes of one; inside is not 0), `polygon` ([[x, y], ..]) or `box` ([left, top,
    right, bottom]), both in fractions of width and height. `width` and `height` in px, or `image`, are needed for
    answers in pixels.

    Raises:
        UsageError: the data set has none of these three columns.
    """
    return _rewards(rewards.point, completions, columns, (*_PLACES, *_IMAGE), any_of=_PLACES)


def format_reward(completions: Sequence[Any], **columns: Any) -> list[float | None]:
    """Return 1 for one sentence that can be read without doubt as the kind of answer asked for, right or wrong, else 0.

    The kind follows from the truth: the columns are those of the other functions, and `answer_form`, whose `letter`
    asks for nothing but the letter.

    Raises:
        UsageError: the data set has no column of truth.
    """
    truths = ("value_si", "answer_bool", "choice", "answer_object_id", *_PLACES)
    used = (*truths, *_NAMED, *_IMAGE, "unit_si", "side", "rounding_rule", "answer_form")
    return _rewards(rewards.form, completions, columns, used, any_of=truths)


ALL = (number_reward, relation_reward, choice_reward, point_reward, format_reward)


def write_prompts(lake: str, out: str | Path, split: str = "train", recipe: str | None = None) -> int:
    """Write the questions of a lake's `training_examples` to a Parquet file for a trainer; return how many.

    A row has `prompt` (a conversation of one question), `image` as `datasets` decodes it, and the columns of truth of
    `qa_pairs`. Questions without a truth that rewards an answer are left out. `recipe` is that of `training_examples`,
    by default the current one.

    Raises:
        SpatialLakeError: the lake has no such examples.
    """
    from jobs.views.prompts import write_prompts as write
    from jobs.views.reader import LakeReader

    return write(LakeReader(str(lake)), Path(out), split, recipe)


def _rewards(
    grade: Callable[[rewards.Columns, str], float | None],
    completions: Sequence[Any],
    columns: dict[str, Any],
    used: Sequence[str],
    any_of: Sequence[str],
) -> list[float | None]:
    held = {name: columns[name] for name in dict.fromkeys((*used, *_QUESTION)) if columns.get(name) is not None}
    if not any(name in held for name in any_of):
        names = " or ".join(any_of)
        raise UsageError(
            f"The data set has no column {names}; add it as docs/rewards.md says, and leave `remove_unused_columns` of"
            " the trainer at false."
        )
    return rewards.rewards(grade, completions, held)
