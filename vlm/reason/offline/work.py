"""Turns what a question stands for into calls: things are located, lengths are measured, and results are named."""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from vlm.reason.names import Names
from vlm.reason.offline.measures import Measured
from vlm.reason.offline.nodes import Between, Extent, Extreme, Length, Mentioned, Outermost, Related, Stated, Total
from vlm.reason.tools import CAMERA, DistanceKind, RelationName
from vlm.reason.transcript import Step
from vlm.reason.values import Thing, Verdict, listed

Call = tuple[str, dict[str, Any]]


class Cannot(Exception):
    """A plan that cannot be carried out; the message says why in one sentence."""


# Every part of a plan yields calls, is sent their steps, and returns the name of a result or of a thing.
Plan = Generator[Call, Step, str]


@dataclass
class Work:
    """A plan at work: the question as it was read, and the things and lengths found so far."""

    read: Measured
    names: Names
    _things: dict[str, str] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)
    _stated: set[float] = field(default_factory=set)
    _picks: dict[str, str] = field(default_factory=dict)
    _chosen: dict[str, str] = field(default_factory=dict)

    def unused(self) -> list[str]:
        """Return the marks of the question that the plan did not use: it read them in no place."""
        lengths = self.read.marked.lengths
        used = {length for stated in self._stated for length in (stated, stated / 2.0)}
        left = [mark for mark in re.findall(r"\bT[a-z]{1,2}\b", self.read.marked.text) if mark not in self._things]
        for mark in re.findall(r"\bS[a-z]\b", self.read.marked.text):
            left += [thing for thing in self.read.marked.lists[mark] if thing not in self._things]
        return left + [mark for mark, value in lengths.items() if not any(abs(value - one) < 1e-9 for one in used)]

    def call(self, tool: str, **arguments: Any) -> Plan:
        """Call a tool and return its result's name; a call that was made before is not repeated.

        Raises:
            Cannot: it has no answer.
        """
        key = repr((tool, sorted(arguments.items())))
        if key not in self._known:
            step = yield tool, arguments
            if step.value is None:
                raise Cannot(step.fault or "There is no answer.")
            self._known[key] = step.result
        return self._known[key]

    def compute(self, expression: str) -> Plan:
        """Compute an expression and return its result's name."""
        return (yield from self.call("arithmetic", expression=expression))

    def thing(self, mark: str) -> Plan:
        """Return the name of the object that a mark stands for."""
        if mark == CAMERA:
            return CAMERA
        if mark not in self._things:
            node = self.read.marked.things[mark]
            if isinstance(node, Mentioned):
                self._things[mark] = yield from self._located(node.phrase)
            elif isinstance(node, Extreme):
                self._things[mark] = yield from self._extreme(node, mark)
            elif isinstance(node, Outermost):
                result = yield from self.outermost(self.names.listed, node.relation)
                self._picks[mark] = result
                self._things[mark] = self._chosen[result]
            else:
                self._things[mark] = yield from self._related(node, mark)
        return self._things[mark]

    def found(self, mark: str) -> Plan:
        """Return a result that holds the object of a mark."""
        name = yield from self.thing(mark)
        if mark in self._picks:
            return self._picks[mark]
        return (yield from self.call("locate", what=name))

    def length(self, one: Length, default: DistanceKind = "closest") -> Plan:
        """Return an expression for a length: the name of a result, or the length as it was stated."""
        match one:
            case Stated(value_m=value):
                self._stated.add(value)
                return f"{value:.6g} m"
            case Total(parts=parts):
                made = []
                for part in parts:
                    made.append((yield from self.length(part, default)))
                return (yield from self.compute(f"sum({', '.join(made)})"))
            case Extent(of=of, dimension=dimension):
                name = yield from self.thing(of)
                return (yield from self.call("size", of=name, dimension=dimension))
            case Between(a=a, b=b, kind=kind):
                first = yield from self.thing(a)
                second = yield from self.thing(b)
                if first == second:
                    raise Cannot(f"The question asks for the distance from {first} to itself.")
                return (yield from self.distance(first, second, kind or self.read.kind or default))

    def distance(self, first: str, second: str, kind: DistanceKind | None = None) -> Plan:
        """Measure a distance between two objects by their names."""
        chosen = kind or self.read.kind or "closest"
        return (yield from self.call("distance", a=first, b=second, kind=chosen))

    def outermost(self, names: Sequence[str], relation: RelationName) -> Plan:
        """Find the object that stands in a relation to all others, and return the result that holds it.

        Raises:
            Cannot: none surely does.
        """
        beaten: set[str] = set()
        for name in names:
            results = []
            for other in names:
                if name in beaten or other == name:
                    continue
                step = yield "relation", {"a": name, "relation": relation, "b": other}
                if isinstance(step.value, Verdict) and step.value.yes:
                    results.append(step.result)
                    beaten.add(other)
                else:
                    beaten.add(name)
            if name not in beaten and results:
                result = yield from self.compute(f"first({', '.join(results)})")
                self._chosen[result] = name
                return result
        raise Cannot(f"No object is surely {relation} all others.")

    def _located(self, phrase: str) -> Plan:
        step = yield "locate", {"what": phrase}
        if not isinstance(step.value, Thing):
            raise Cannot(step.fault or f"{phrase} was not found.")
        return step.value.name

    def _others(self, anchor: str) -> list[str]:
        others = [name for name in self.names.listed if name != anchor]
        if not others:
            raise Cannot("The objects of the image are not known, so that they cannot be compared.")
        return others

    def _extreme(self, node: Extreme, mark: str) -> Plan:
        anchor = CAMERA
        if node.anchor is not None:
            anchor = yield from self.thing(node.anchor)
        results = []
        for name in self._others(anchor):
            results.append((yield from self.distance(anchor, name)))
        return (yield from self._picked("largest" if node.farthest else "smallest", results, mark))

    def _picked(self, function: str, results: Sequence[str], mark: str) -> Plan:
        step = yield "arithmetic", {"expression": f"{function}({', '.join(results)})"}
        if not isinstance(step.value, Thing):
            why = getattr(step.value, "why", "") or step.fault
            raise Cannot(why or "Which object is meant cannot be told.")
        self._picks[mark] = step.result
        return step.value.name

    def _related(self, node: Related, mark: str) -> Plan:
        anchor = yield from self.thing(node.anchor)
        found, unsure = [], []
        for name in self._others(anchor):
            step = yield "relation", {"a": name, "relation": node.relation, "b": anchor}
            if isinstance(step.value, Verdict) and step.value.yes:
                found.append(name)
            elif step.value is None:
                unsure.append(name)
        if not found:
            doubt = f"; of {listed(unsure[:3])} it cannot be told" if unsure else ""
            raise Cannot(f"No object is surely {node.relation} {anchor}{doubt}.")
        if len(found) == 1:
            return found[0]
        if not node.nearest:
            raise Cannot(f"{len(found)} objects are {node.relation} {anchor}: {listed(found[:5])}; say which one.")
        results = []
        for name in found:
            results.append((yield from self.distance(anchor, name)))
        return (yield from self._picked("smallest", results, mark))
