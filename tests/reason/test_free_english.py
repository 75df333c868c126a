"""Questions as people type them about one room, politely, with slips and in several units, against exact geometry.

`sentences/answered.txt` has a question and what is right per line, as an expression of the lengths below;
`sentences/refused.txt` has questions that mean something else, or more, than the grammar reads.
"""

import ast
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.reason.rooms import CAMERA_Z_M, Boxes, answers
from vlm.reason.loop import ANSWERED, reason
from vlm.reason.offline.planner import OfflinePlanner
from vlm.reason.planner import Task
from vlm.reason.values import Number, Thing, Value, Verdict, Words

BOXES: Boxes = {
    "the sofa": ((3.0, 1.5, 0.4), (0.9, 1.8, 0.8)),
    "the table": ((3.2, -1.2, 0.35), (0.8, 1.2, 0.7)),
    "the lamp": ((3.6, 0.2, 0.8), (0.3, 0.3, 1.6)),
    "the mug": ((3.0, -0.9, 0.75), (0.08, 0.08, 0.1)),
    "the basket": ((2.2, -2.4, 0.2), (0.4, 0.4, 0.4)),
    "the bookshelf": ((5.0, 2.6, 1.0), (0.4, 1.0, 2.0)),
    "the armchair": ((2.0, 2.95, 0.45), (0.8, 0.9, 0.9)),
    "the plant": ((5.0, -0.6, 0.6), (0.5, 0.5, 1.2)),
    "the red box": ((2.0, 0.1, 0.15), (0.3, 0.4, 0.3)),
    "the blue box": ((4.4, -2.6, 0.25), (0.5, 0.6, 0.5)),
}
CAMERA = "camera"
ANSWERS = answers(BOXES, 0.002)


def apart(a: str, b: str) -> list[float]:
    (center, size), (other, other_size) = BOXES[a], BOXES[b]
    sides = zip(center, other, size, other_size, strict=True)
    return [max(0.0, abs(p - q) - (s + t) / 2) for p, q, s, t in sides]


def from_camera(a: str) -> float:
    return math.dist(BOXES[a][0], (0.0, 0.0, CAMERA_Z_M)) - BOXES[a][1][0] / 2


def distance(a: str, b: str) -> float:
    return from_camera(b) if a == CAMERA else math.hypot(*apart(a, b))


def near(a: str) -> str:
    return min((one for one in BOXES if one != a), key=lambda one: distance(a, one))


def far(a: str) -> str:
    return max((one for one in BOXES if one != a), key=lambda one: distance(a, one))


KNOWN: Mapping[str, Any] = {
    **{name.removeprefix("the ").replace(" ", ""): name for name in BOXES},
    "camera": CAMERA,
    "d": distance,
    "clear": lambda a, b: math.hypot(*apart(a, b)[:2]),
    "cam": from_camera,
    "h": lambda a: BOXES[a][1][2],
    "w": lambda a: BOXES[a][1][1],
    "depth": lambda a: BOXES[a][1][0],
    "center": lambda a, b: math.dist(BOXES[a][0], BOXES[b][0]),
    "horiz": lambda a, b: math.dist(BOXES[a][0][:2], BOXES[b][0][:2]),
    "near": near,
    "far": far,
    "closer": lambda a, *others: min(others, key=lambda one: distance(a, one)),
    "abs": abs,
    "min": min,
    "anyword": Words,
    "anybool": Verdict,
}


def lines_of(name: str) -> list[str]:
    return (Path(__file__).parent / "sentences" / name).read_text(encoding="utf-8").splitlines()


ASKED = dict(line.rsplit(" => ", 1) for line in lines_of("answered.txt"))


def said(question: str) -> tuple[Value | None, str]:
    made = reason(Task(question, ANSWERS.names), OfflinePlanner(), ANSWERS)
    assert made.ending is not None
    if made.ending.state != ANSWERED:
        return None, made.ending.text
    return next(step.value for step in made.steps if step.result == made.ending.result), made.ending.text


def is_right(value: Value | None, expected: Any) -> bool:
    if isinstance(expected, type):
        return isinstance(value, expected)
    if isinstance(value, Verdict):
        return value.yes is (expected if isinstance(expected, bool) else True)
    if isinstance(value, Number):
        return not isinstance(expected, bool) and value.value == pytest.approx(expected, rel=0.01, abs=1e-6)
    if isinstance(value, Words):
        return value.text == ", ".join(expected)
    return isinstance(value, Thing) and value.name == KNOWN.get(expected, expected)


@pytest.mark.parametrize("question", ASKED)
def test_what_is_answered_is_right(question: str) -> None:
    expected = _evaluated(ast.parse(ASKED[question], mode="eval").body)
    value, text = said(question)
    assert value is not None and is_right(value, expected), text


@pytest.mark.parametrize("question", lines_of("refused.txt"))
def test_what_means_more_is_refused_in_one_line(question: str) -> None:
    value, text = said(question)
    assert value is None, text
    assert text.endswith((".", "?")) and "\n" not in text


def test_there_are_many_of_each() -> None:
    assert len(ASKED) >= 200 and len(lines_of("refused.txt")) >= 35


_SIGNS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}


def _evaluated(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return KNOWN[name]
        case ast.List(elts=items):
            return [_evaluated(item) for item in items]
        case ast.Call(func=function, args=arguments):
            return _evaluated(function)(*map(_evaluated, arguments))
        case ast.BinOp(left=left, op=sign, right=right):
            return _SIGNS[type(sign)](_evaluated(left), _evaluated(right))
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            return _SIGNS[type(sign)](_evaluated(left), _evaluated(right))
        case _:
            raise ValueError(ast.dump(node))
