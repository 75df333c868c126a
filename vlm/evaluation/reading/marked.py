r"""Extracting the answer from an output: without reasoning, from `\scalar{}`, `\boxed{}`, `<answer>` or JSON."""

import json
import re
from dataclasses import dataclass

_THINKING = re.compile(r"<(think|thinking|thought)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_THOUGHT_END = re.compile(r"\A.*</(?:think|thinking|thought)>", re.DOTALL | re.IGNORECASE)
_SCALAR = re.compile(r"\\+scalar\{([^{}]*)\}(?:[^\\]{0,40}\\+distance_?unit\{([^{}]*)\})?", re.IGNORECASE)
_BOXED = re.compile(r"\\+boxed\{((?:[^{}]|\{[^{}]*\})*)\}")
_TEX = re.compile(r"\\+(?:text|mathrm|textbf)\b|\\+[,;! ]|[{}$]")
_TAGGED = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)
_KEYS = ("final_answer", "answer", "value", "prediction", "result", "estimate", "distance", "length", "width", "height")
_KEY = re.compile(
    rf"(?:{'|'.join(_KEYS)}|depth|size|angle|count)(?:_in)?(?:[_ (]+(?P<unit>[a-z0-9]+)\)?)?", re.IGNORECASE
)
_UNIT_KEYS = ("unit", "units", "answer_unit", "distance_unit")


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


def answer_part(output: str) -> Part:
    """Return the marked answer in an output, or the whole output without its reasoning."""
    text = _without_thinking(output)
    if scalars := list(_SCALAR.finditer(text)):
        last = scalars[-1]
        return Part(f"{last[1]} {last[2] or ''}".strip(), last.start(), last.end(), exact=False)
    if boxed := list(_BOXED.finditer(text)):
        last = boxed[-1]
        return Part(_TEX.sub(" ", last[1]), last.start(), last.end(), exact=False)
    if tagged := list(_TAGGED.finditer(text)):
        last = tagged[-1]
        inner = _from_json(last[1], last.start(1))
        return inner or Part(last[1], last.start(1), last.end(1))
    fenced = _FENCED.search(text)
    inner = _from_json(fenced[1], fenced.start(1)) if fenced else _from_json(text, 0)
    if inner is None and "\\" in text:
        text = _TEX.sub(lambda found: " " * len(found[0]), text)
    return inner or Part(text, 0, len(text))


def _without_thinking(output: str) -> str:
    """Replace the reasoning by spaces, which keeps positions; unclosed reasoning leaves nothing."""
    text = _THINKING.sub(lambda found: " " * len(found[0]), output)
    return _THOUGHT_END.sub(lambda found: " " * len(found[0]), text)


def _from_json(text: str, start: int) -> Part | None:
    if not text.strip().startswith("{"):
        return None
    try:
        document = json.loads(text)
    except ValueError:
        return None
    unit = next((str(document[key]) for key in _UNIT_KEYS if document.get(key)), "")
    order = {key: place for place, key in enumerate(_KEYS)}
    named = [(key, match) for key in document if (match := _KEY.fullmatch(key)) and key not in _UNIT_KEYS]
    for key, match in sorted(named, key=lambda pair: order.get(pair[0].lower(), len(order))):
        value = document[key]
        if isinstance(value, dict):
            return _from_json(json.dumps(value), start)
        if isinstance(value, str | int | float | bool):
            said = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
            return Part(f"{said} {unit or match['unit'] or ''}".strip(), start, start + len(text), exact=False)
    return None
