"""General streams from LLaVA JSON and from VQAv2 and OK-VQA files."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from pyarrow import fs

from udfs.storage.clients import filesystem_of, path_of
from udfs.storage.locations import normalized
from vlm.errors import StreamUnreadable
from vlm.examples import Turn, turns_of
from vlm.mixture.settings import StreamSettings
from vlm.mixture.streams import Record

Count = Callable[[str], int]


def llava_records(settings: StreamSettings, tokens: Count) -> list[Record]:
    """Return the entries of a LLaVA JSON file, a list of {id, image, conversations: [{from, value}]}.

    An entry without `image` is text only. An entry whose image does not exist counts no tokens and is skipped.

    Raises:
        StreamUnreadable: the file does not exist or has another format.
    """
    entries = _json(settings.uri)
    if not isinstance(entries, list):
        raise StreamUnreadable(f"{settings.uri} holds a {type(entries).__name__}; LLaVA JSON is a list of entries.")
    existing = _images(settings)
    return [_llava_record(entry, number, settings, tokens, existing) for number, entry in enumerate(entries)]


def _llava_record(
    entry: dict[str, Any], number: int, settings: StreamSettings, tokens: Count, existing: frozenset[str]
) -> Record:
    try:
        turns = turns_of([(turn["from"], turn["value"]) for turn in entry["conversations"]])
        image = entry.get("image")
        name = str(entry.get("id", number))
    except (KeyError, TypeError, AttributeError) as error:
        raise StreamUnreadable(
            f"Entry {number} of {settings.uri} is not a LLaVA entry ({error!r}); correct or remove it."
        ) from error
    image = _image(settings, image) if image else None
    return _record(f"{name}#{number}", image, turns, tokens, existing)


def vqa_records(settings: StreamSettings, tokens: Count) -> list[Record]:
    """Return the questions of a VQAv2 or OK-VQA file with their most frequent answers.

    A question whose image does not exist counts no tokens and is skipped.

    Raises:
        StreamUnreadable: a file does not exist or has another format.
    """
    asked, answered = _json(settings.uri), _json(settings.annotations or "")
    existing = _images(settings)
    try:
        subtype = asked.get("data_subtype") or answered.get("data_subtype") or ""
        answers = {row["question_id"]: _agreed(row) for row in answered["annotations"]}
        return [
            _record(
                str(row["question_id"]),
                _image(settings, settings.image_name.format(subtype=subtype, image_id=row["image_id"])),
                (Turn(row["question"], answers[row["question_id"]]),),
                tokens,
                existing,
            )
            for row in asked["questions"]
            if row["question_id"] in answers
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StreamUnreadable(
            f"{settings.uri} and {settings.annotations} are not VQA questions and annotations ({error!r}); name the "
            "published files."
        ) from error


def _agreed(row: dict[str, Any]) -> str:
    """Return VQAv2's `multiple_choice_answer`, or the most frequent answer for OK-VQA, which has none."""
    if "multiple_choice_answer" in row:
        return row["multiple_choice_answer"]
    return Counter(answer["answer"] for answer in row["answers"]).most_common(1)[0][0]


def counted(turns: tuple[Turn, ...], tokens: Count) -> int:
    """Return the number of tokens in questions and answers."""
    return sum(tokens(turn.question) + tokens(turn.answer) for turn in turns)


def _record(name: str, image: str | None, turns: tuple[Turn, ...], tokens: Count, existing: frozenset[str]) -> Record:
    usable = image is None or path_of(image) in existing
    return Record(name, image, turns, counted(turns, tokens) if usable else 0)


def _images(settings: StreamSettings) -> frozenset[str]:
    """Return the paths of all files in the image folder, from one listing."""
    folder = normalized(settings.images or "")
    selector = fs.FileSelector(path_of(folder), allow_not_found=True, recursive=True)
    return frozenset(info.path for info in filesystem_of(folder).get_file_info(selector))


def _image(settings: StreamSettings, name: str) -> str:
    return f"{normalized(settings.images or '')}/{name}"


def _json(uri: str) -> Any:
    try:
        with filesystem_of(uri).open_input_stream(path_of(uri)) as held:
            return json.loads(held.read())
    except FileNotFoundError as error:
        raise StreamUnreadable(f"{uri} does not exist; correct the settings of the stream.") from error
    except ValueError as error:
        raise StreamUnreadable(f"{uri} is not JSON ({error}); name a JSON file.") from error
