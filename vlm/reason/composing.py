"""Composed questions about a measured scene with their chain of thought, as turns to train on.

Everything is drawn from a seed; the offline planner answers, and what it cannot answer surely is left out. Every number
of a turn was measured in the scene, computed from such numbers, or stated by the question.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from udfs.language.draws import Draws, seed_of
from vlm.reason.geometry import GeometryAnswers
from vlm.reason.loop import ANSWERED, Limits, reason
from vlm.reason.offline.planner import OfflinePlanner
from vlm.reason.planner import Task
from vlm.reason.transcript import Step, Transcript
from vlm.reason.values import Number, Thing, Undecided, Verdict, Words

STYLE = "Think step by step, then answer."
_TRIES = 6
_ERROR = re.compile(r",? give or take [\d.]+(?: (?:m2|m3|m|degrees))?")
_RESULT = re.compile(r"\br(\d+)\b")
_WIDTHS_M = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0)


class Composed(NamedTuple):
    """One question with its chain of thought: the kind of question, the texts, and the objects in it."""

    kind: str
    question: str
    answer: str
    names: tuple[str, ...]


def composed(answers: GeometryAnswers, seed: int, image_id: str, count: int) -> list[Composed]:
    """Return up to so many composed questions about a scene, each of another kind as far as there are kinds."""
    names = answers.names.listed
    found: dict[str, Composed] = {}
    kinds = _drawn_order(list(_KINDS), Draws(seed_of(seed, image_id, "reasoning")))
    for turn in range(_TRIES):
        for kind in kinds:
            things, make = _KINDS[kind]
            if len(found) == count:
                return list(found.values())
            if len(names) < things:
                continue
            draws = Draws(seed_of(seed, image_id, "reasoning", kind, turn))
            chosen = _drawn_order(names, draws)[:things]
            one = _answered(kind, make(chosen, draws), tuple(chosen), answers)
            if one is not None:
                found.setdefault(one.question, one)
    return list(found.values())


def _answered(kind: str, question: str, names: tuple[str, ...], answers: GeometryAnswers) -> Composed | None:
    made = reason(Task(question, answers.names), OfflinePlanner(), answers, Limits())
    ending = made.ending
    value = next((step.value for step in made.steps if ending and step.result == ending.result), None)
    if ending is None or ending.state != ANSWERED or value is None or isinstance(value, Undecided):
        return None
    # "How much farther is B than C" where it is nearer asks for what is not so.
    is_negative = isinstance(value, Number) and value.value < 0
    lines = list(_thoughts(made))
    if is_negative or len(lines) < 2 or any(map(_is_no_distance, made.steps)):
        return None
    steps = "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))
    return Composed(kind, f"{question} {STYLE}", f"{steps}\nAnswer: {_ERROR.sub('', ending.text)}", names)


def _is_no_distance(step: Step) -> bool:
    """Return whether a step measured between things that may touch, as a lamp and its table: nobody asks how far."""
    value = step.value
    return step.tool == "distance" and isinstance(value, Number) and value.value <= (value.error or 0)


def _thoughts(made: Transcript) -> Iterator[str]:
    """Yield what each step found, in a sentence; steps are referred to by their numbers in the text."""
    numbers: dict[str, int] = {}
    for step in made.steps:
        said = _said(step, numbers)
        if said is not None:
            numbers[step.result] = len(numbers) + 1
            yield said


def _said(step: Step, numbers: Mapping[str, int]) -> str | None:
    value = step.value
    if value is None or step.tool == "locate":
        return None
    if step.tool == "arithmetic":
        expression = _RESULT.sub(lambda match: f"({numbers[match[0]]})", step.arguments["expression"])
        return f"{expression} = {_result(value)}"
    if isinstance(value, Number):
        return f"{_capital(value.what)} is {value.said(with_error=False)}."
    if isinstance(value, Verdict):
        return f"{_capital(value.why)}."
    return None


def _result(value: object) -> str:
    match value:
        case Number():
            return value.said(with_error=False)
        case Verdict():
            return "yes" if value.yes else "no"
        case Thing():
            return value.name
        case Words():
            return value.text
        case _:
            return str(value)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _drawn_order(items: Sequence[str], draws: Draws) -> list[str]:
    left, drawn = list(items), []
    while left:
        drawn.append(left.pop(draws.below(len(left))))
    return drawn


def _path(names: Sequence[str], draws: Draws) -> str:
    a, b, c = names
    return draws.pick((
        f"How far is it from {a} to {b} and then to {c}?",
        f"What is the total distance from {a} to {b} and on to {c}?",
        f"If I walk from {a} to {b} and then to {c}, how far is that?",
    ))  # fmt: skip


def _triangle(names: Sequence[str], draws: Draws) -> str:
    a, b, c = names
    return draws.pick((
        f"What kind of triangle do {a}, {b} and {c} form?",
        f"Do {a}, {b} and {c} form an equilateral, isosceles or scalene triangle?",
    ))  # fmt: skip


def _nearest(names: Sequence[str], draws: Draws) -> str:
    a, b, c, d = names
    end = draws.pick(("closest to", "farthest from"))
    return draws.pick((f"Which of {a}, {b} and {c} is {end} {d}?", f"What is {end} {d}: {a}, {b} or {c}?"))


def _heights(names: Sequence[str], draws: Draws) -> str:
    a, b, c = names
    return draws.pick((
        f"Put {a}, {b} and {c} in order by height, shortest first.",
        f"Sort {a}, {b} and {c} from tallest to shortest.",
        f"Which is the tallest, {a}, {b} or {c}?",
    ))  # fmt: skip


def _stack(names: Sequence[str], draws: Draws) -> str:
    a, b = names
    return draws.pick((
        f"If {a} stood on top of {b}, how tall would the stack be?",
        f"What is the combined height of {a} and {b}?",
    ))  # fmt: skip


def _gap(names: Sequence[str], draws: Draws) -> str:
    a, b = names
    width = f"{draws.pick(_WIDTHS_M):g} m"
    return draws.pick((
        f"Can a robot {width} wide pass between {a} and {b}?",
        f"Is the gap between {a} and {b} wide enough for a cart that is {width} wide?",
    ))  # fmt: skip


def _closer(names: Sequence[str], draws: Draws) -> str:
    a, b, c = names
    return draws.pick((f"Is {a} closer to {b} than to {c}?", f"How much farther from {a} is {b} than {c}?"))


def _chain(names: Sequence[str], draws: Draws) -> str:
    a, b = names
    return draws.pick((
        f"How far is the object nearest to {a} from {b}?",
        f"How tall is the object that is closest to {a}?",
    ))  # fmt: skip


# The kinds of questions, with how many things each names.
_KINDS: dict[str, tuple[int, Callable[[Sequence[str], Draws], str]]] = {
    "path": (3, _path),
    "triangle": (3, _triangle),
    "nearest": (4, _nearest),
    "heights": (3, _heights),
    "stack": (2, _stack),
    "gap": (2, _gap),
    "closer": (3, _closer),
    "chain": (2, _chain),
}


def rows_of(scene: Mapping[str, Any], references: Sequence[Mapping[str, Any]], seed: int, count: int) -> list[Composed]:
    """Return composed questions about a row of `scenes` and its `references`, of objects with a unique name."""
    named = {one["object_id"] for one in references}
    kept = {**scene, "objects": [one for one in scene["objects"] if one["object_id"] in named]}
    return composed(GeometryAnswers(kept, references), seed, scene["image_id"], count)
