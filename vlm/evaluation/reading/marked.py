r"""Finding the answers that an output marks: `\scalar{}`, `\boxed{}`, `<answer>`, box tokens, or a key of JSON."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vlm.evaluation.reading.plain_text import without_reasoning, without_tex

_SCALAR = re.compile(r"\\+scalar\{([^{}]*)\}(?:[^\\]{0,40}\\+distance_?unit\{([^{}]*)\})?", re.IGNORECASE)
_BOXED = re.compile(r"\\+f?boxed?\s*\{")
_TAGGED = re.compile(
    r"<(answer|final_answer|conclusion|result)>(.*?)(?:</\1>|\Z)|<\|begin_of_box\|>(.*?)(?:<\|end_of_box\|>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_FENCED = re.compile(r"```(?:json|python)?\s*(.*?)(?:```|\Z)", re.DOTALL)
_ANSWER_KEYS = (
    "final_answer", "answer", "correct_answer", "correct_option", "selected_option", "selected_answer", "option",
    "choice", "final_choice", "selection", "verdict", "conclusion", "value", "prediction", "result", "response",
    "estimate", "output",
)  # fmt: skip
_KEYS = (*_ANSWER_KEYS, "distance", "length", "width", "height")
_KEY = re.compile(
    rf"(?:(?:the|my|estimated|approximate|total|predicted|vertical|horizontal)_)?"
    rf"(?:{'|'.join(_KEYS)}|depth|size|angle|count|gap)(?:_in)?(?:[_ (]+(?P<unit>[a-z0-9]+)\)?)?",
    re.IGNORECASE,
)
_UNIT_KEYS = ("unit", "units", "answer_unit", "distance_unit")
# JSON that a limit of tokens cut off.
_CUT = re.compile(rf"[\"'](?:{'|'.join(_ANSWER_KEYS)})[\"']\s*:\s*[\"']?([^\"'{{}}\[\],\n]+)", re.IGNORECASE)
_BEGINNING, _ENDING = 2000, 6000


@dataclass(frozen=True)
class Part:
    """The text of the answer; `start` and `end` are its span in the output.

    `exact` is false for composed text, whose characters do not map to characters of the output.
    """

    text: str
    start: int
    end: int
    exact: bool = True

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the output of a span of `text`."""
        return (self.start + start, self.start + end) if self.exact else (self.start, self.end)


def body_of(output: str) -> Part:
    """Return the output without reasoning and TeX; its characters keep their places unless it is very long.

    Of a very long output, such as one that repeats itself to the limit of tokens, only both ends are read.
    """
    text = without_tex(without_reasoning(output))
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    if end - start > _BEGINNING + _ENDING:
        return Part(f"{text[start : start + _BEGINNING]}\n{text[end - _ENDING : end]}", start, end, exact=False)
    return Part(text[start:end], start, max(start, end))


def marked_parts(output: str, *, keys: bool = True) -> Iterator[Part]:
    """Yield the marked answers of an output by precedence, of each kind the last one first.

    Without `keys`, JSON is left as it is.
    """
    text = without_reasoning(output)
    if not text.strip():  # reasoning that was not closed may still hold a tag
        text = output if "<answer>" in output else text
    for found in reversed(list(_SCALAR.finditer(text))):
        said = without_tex(f"{found[1]} {found[2] or ''}".strip())
        yield Part(said, found.start(), found.end(), exact=False)
    yield from reversed(list(_boxed(text)))
    for found in reversed(list(_TAGGED.finditer(text))):
        inner, start = (found[2], found.start(2)) if found[2] is not None else (found[3], found.start(3))
        if not inner.strip():
            continue
        nested = next(_boxed(inner), None)
        if nested is not None:
            yield Part(nested.text, found.start(), found.end(), exact=False)
        elif keys and (held := _from_json(inner, start)):
            yield held
        else:
            yield Part(without_tex(inner), start, start + len(inner))
    if keys and (held := _in_json(text)):
        yield held


def answer_part(output: str, *, keys: bool = True) -> Part:
    """Return the marked answer in an output, or the whole output without its reasoning."""
    return next(marked_parts(output, keys=keys), None) or body_of(output)


def _boxed(text: str) -> Iterator[Part]:
    for found in _BOXED.finditer(text):
        depth = 1
        for end in range(found.end(), len(text)):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            if depth == 0:
                yield Part(without_tex(text[found.end() : end] + "$"), found.start(), end + 1, exact=False)
                break


def _in_json(text: str) -> Part | None:
    fenced = _FENCED.search(text)
    if fenced and (held := _from_json(fenced[1], fenced.start(1))):
        return held
    if held := _from_json(text, 0):
        return held
    for found in reversed(list(re.finditer(r"\{[^{}]*\}", text))):
        held = _from_json(found[0], found.start())
        if held:
            return held
    cut = list(_CUT.finditer(text)) if "{" in text else []
    return Part(cut[-1][1], cut[-1].start(1), cut[-1].end(1)) if cut else None


def _from_json(text: str, start: int) -> Part | None:
    document = _document(text.strip())
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    return _of_key(document, start, start + len(text)) if isinstance(document, dict) else None


def _document(text: str) -> Any:
    if not text.startswith(("{", "[")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None


def _of_key(document: dict[Any, Any], start: int, end: int) -> Part | None:
    unit = next((str(document[key]) for key in _UNIT_KEYS if document.get(key)), "")
    order = {key: place for place, key in enumerate(_KEYS)}
    named = [(str(key), match) for key in document if (match := _KEY.fullmatch(str(key))) and key not in _UNIT_KEYS]
    for key, match in sorted(named, key=lambda pair: order.get(pair[0].lower(), len(order))):
        value = document[key]
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, dict):
            return _of_key(value, start, end)
        if isinstance(value, str | int | float | bool):
            said = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
            return Part(without_tex(f"{said} {unit or match['unit'] or ''}".strip()), start, end, exact=False)
    return None
