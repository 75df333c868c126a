"""Recomputes the numbers of a chain of thought from a row of `scenes`, by nothing of the engine's own."""

import math
import re
from typing import Any

from vlm.reason.composing import STYLE, Composed

_NUMBER = r"(\d+(?:\.\d+)?) m\b"


class Checker:
    """Recomputes what a chain of thought says from a row of `scenes`, by nothing of the engine's own."""

    def __init__(self, scene: dict[str, Any], named: list[dict[str, Any]]) -> None:
        self._ids = {one["expression"]: one["object_id"] for one in named}
        self._objects = {one["object_id"]: one for one in scene["objects"]}
        self._pairs = {frozenset((one["a"], one["b"])): one for one in scene["pairs"]}

    def check(self, one: Composed) -> int:
        """Check every number of an answer, and return how many there are."""
        question = one.question.removesuffix(STYLE)
        *lines, last = one.answer.splitlines()
        steps: list[float | bool | str] = []
        labels: list[str] = []
        checked = 0
        for number, line in enumerate(lines, start=1):
            head, text = line.split(". ", 1)
            assert head == str(number)
            value, label = self._line(text, steps, labels)
            steps.append(value)
            labels.append(label)
            checked += isinstance(value, float)
        assert last.startswith("Answer: ")
        known = [abs(value) for value in steps if isinstance(value, float)]
        known += [float(value) for value in re.findall(_NUMBER, question)]
        for said in re.findall(_NUMBER, last):
            assert any(self._is(said, value) for value in known), (said, one.answer)
            checked += 1
        if isinstance(steps[-1], bool):
            assert last.startswith("Answer: Yes" if steps[-1] else "Answer: No"), one.answer
        return checked

    def _line(self, text: str, steps: list[Any], labels: list[str]) -> tuple[float | bool | str, str]:
        if " = " in text:
            expression, said = text.split(" = ")
            value = self._computed(expression, steps, labels)
            if isinstance(value, float):
                match = re.fullmatch(_NUMBER, said)
                assert match and self._is(match[1], value), text
            elif isinstance(value, bool):
                assert said == ("yes" if value else "no"), text
            else:
                assert said.removeprefix("roughly ") == value, text
            return value, ""
        match = re.fullmatch(rf"The (.*) is {_NUMBER}\.", text)
        assert match, text
        value, label = self._measured(match[1])
        assert self._is(match[2], value), text
        return value, label

    def _measured(self, what: str) -> tuple[float, str]:
        if match := re.fullmatch(r"(distance|gap|center-to-center distance) between (the .*) and (the .*)", what):
            a, b = self._ids[match[2]], self._ids[match[3]]
            if match[1].startswith("center"):
                return math.dist(self._objects[a]["center_m"], self._objects[b]["center_m"]), match[3]
            field = "gap_m" if match[1] == "distance" else "clearance_m"
            return self._pairs[frozenset((a, b))][field], match[3]
        match = re.fullmatch(r"(height|width) of (the .*)", what)
        assert match, what
        size = self._objects[self._ids[match[2]]]["size_m"]
        return size[2 if match[1] == "height" else 1], match[2]

    def _computed(self, expression: str, steps: list[Any], labels: list[str]) -> float | bool | str:
        given = [int(number) - 1 for number in re.findall(r"\((\d+)\)", expression)]
        values = [steps[one] for one in given]
        name = expression.split("(", maxsplit=1)[0]
        if name == "sum":
            return float(sum(values))
        if name in ("largest", "smallest"):
            best = (max if name == "largest" else min)(range(len(values)), key=values.__getitem__)
            return labels[given[best]]
        if name in ("ordered", "descending"):
            order = sorted(range(len(values)), key=values.__getitem__, reverse=name == "descending")
            return ", ".join(labels[given[one]] for one in order)
        if name == "triangle":
            a, b, c = sorted(values)
            alike = [abs(x - y) <= 0.12 * max(x, y) for x, y in ((a, b), (b, c))]
            return "equilateral" if all(alike) else "isosceles" if any(alike) else "scalene"
        if match := re.fullmatch(r"fits\((\d+(?:\.\d+)?) m, \(\d+\)\)", expression):
            return values[0] >= float(match[1])
        match = re.fullmatch(r"\(\d+\) ([-<>]) \(\d+\)", expression)
        assert match, expression
        return {"-": values[0] - values[1], "<": values[0] < values[1], ">": values[0] > values[1]}[match[1]]

    @staticmethod
    def _is(said: str, value: float) -> bool:
        places = len(said.partition(".")[2])
        return abs(float(said) - value) <= 0.5 * 10**-places + 1e-9
