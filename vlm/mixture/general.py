"""General streams read from files: LLaVA JSON, and questions and answers of VQAv2 and OK-VQA."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from vlm.examples import Turn
from vlm.feed.files import filesystem_of, normal, path_of
from vlm.mixture.errors import StreamUnreadable
from vlm.mixture.settings import StreamSettings
from vlm.mixture.streams import Record

_PLACEHOLDER = "<image>"
_ASKS, _ANSWERS = frozenset(("human", "user")), frozenset(("gpt", "assistant"))

Count = Callable[[str], int]


def llava_records(settings: StreamSettings, tokens: Count) -> list[Record]:
    """Return the entries of a LLaVA JSON file, a list of {id, image, conversations: [{from, value}]}.

    An entry without `image` is text alone.

    Raises:
        StreamUnreadable: no such file, or another format.
    """
    entries = _json(settings.uri)
    if not isinstance(entries, list):
        raise StreamUnreadable(f"{settings.uri} holds a {type(entries).__name__}, and LLaVA JSON is a list of entries.")
    return [_llava_record(entry, number, settings, tokens) for number, entry in enumerate(entries)]


def _llava_record(entry: dict[str, Any], number: int, settings: StreamSettings, tokens: Count) -> Record:
    try:
        said = [(turn["from"], turn["value"].replace(_PLACEHOLDER, "").strip()) for turn in entry["conversations"]]
        image = entry.get("image")
        name = str(entry.get("id", number))
    except (KeyError, TypeError, AttributeError) as error:
        raise StreamUnreadable(
            f"Entry {number} of {settings.uri} is no LLaVA entry ({error!r} is missing or odd); mend or remove it."
        ) from error
    turns = turns_of(said)
    return Record(f"{name}#{number}", _picture(settings, image) if image else None, turns, counted(turns, tokens))


def vqa_records(settings: StreamSettings, tokens: Count) -> list[Record]:
    """Return the questions of a VQAv2 or OK-VQA file with the answer that most people gave.

    Raises:
        StreamUnreadable: no such file, or another format.
    """
    asked, answered = _json(settings.uri), _json(settings.annotations or "")
    try:
        subtype = asked.get("data_subtype") or answered.get("data_subtype") or ""
        answers = {row["question_id"]: _agreed(row) for row in answered["annotations"]}
        return [
            _vqa_record(row, answers[row["question_id"]], _vqa_picture(settings, subtype, row["image_id"]), tokens)
            for row in asked["questions"]
            if row["question_id"] in answers
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StreamUnreadable(
            f"{settings.uri} and {settings.annotations} are no VQA questions and annotations ({error!r}); name the "
            "files as they were published."
        ) from error


def _vqa_record(row: dict[str, Any], answer: str, picture: str, tokens: Count) -> Record:
    turns = (Turn(row["question"], answer),)
    return Record(str(row["question_id"]), picture, turns, counted(turns, tokens))


def _vqa_picture(settings: StreamSettings, subtype: str, image_id: Any) -> str:
    return _picture(settings, settings.picture_name.format(subtype=subtype, image_id=image_id))


def _agreed(row: dict[str, Any]) -> str:
    """Return VQAv2's `multiple_choice_answer`; OK-VQA has none, there it is the answer that was given most often."""
    if "multiple_choice_answer" in row:
        return row["multiple_choice_answer"]
    return Counter(answer["answer"] for answer in row["answers"]).most_common(1)[0][0]


def turns_of(said: list[tuple[str, str]]) -> tuple[Turn, ...]:
    """Return the questions that are followed by their answer, of (role, text) in order."""
    return tuple(Turn(q, a) for (asks, q), (answers, a) in pairwise(said) if asks in _ASKS and answers in _ANSWERS)


def counted(turns: tuple[Turn, ...], tokens: Count) -> int:
    """Return the tokens of questions and answers."""
    return sum(tokens(turn.question) + tokens(turn.answer) for turn in turns)


def _picture(settings: StreamSettings, name: str) -> str:
    return f"{normal(settings.images or '')}/{name}"


def _json(uri: str) -> Any:
    try:
        with filesystem_of(uri).open_input_stream(path_of(uri)) as held:
            return json.loads(held.read())
    except FileNotFoundError as error:
        raise StreamUnreadable(f"There is no file {uri}; correct the stream's settings.") from error
    except ValueError as error:
        raise StreamUnreadable(f"{uri} is no JSON ({error}); name a JSON file.") from error
