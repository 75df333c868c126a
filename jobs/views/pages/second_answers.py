"""The same questions put to another lake's scene: what it answers about the same objects."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jobs.views.pages.naming import can_be_called
from jobs.views.pages.verdicts import OFF_FACTOR, SecondAnswer, Verdict, agrees, is_within, unsaid_of
from jobs.views.pages.wording import meters, times
from jobs.views.reader import Row
from scenes.truth.masks import spoken_of
from udfs.questions.candidates import candidates_of, open_numbers
from udfs.questions.question_type import AnswerKind, QuestionType
from udfs.questions.registry import question_type
from udfs.questions.rule import Decided, Need, Rule
from udfs.questions.scene import scene_of
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.wordings import asks_by_variant, short_answer


def partners_of(regions: Sequence[Row], others: Sequence[Row], height: int, width: int) -> dict[int, int]:
    """Return by `region_id` the region of another lake that covers most of each region, where one does."""
    spoken = spoken_of(regions, others, height, width)
    return {regions[i]["region_id"]: others[j]["region_id"] for i, j in spoken.items()}


class SecondScene:
    """A `scenes` row of another lake, which answers questions of the first lake about its own objects.

    `partners` maps object ids of the first lake to those of this one; `surface` is the support that
    heights are measured from in the first lake, and `regions` are those of this one, with their names.
    """

    def __init__(self, row: Row, partners: Mapping[int, int], surface: str | None, regions: Sequence[Row] = ()) -> None:
        # Whether an object can be named there does not matter here.
        named = [{"object_id": item["object_id"], "expression": "", "form": ""} for item in row["objects"]]
        scene = scene_of(row, named)
        pairs = max(1, math.comb(len(scene.objects), 2))
        decisions = candidates_of(scene, SynthesizeSettings(max_pairs=pairs))
        self._gates = scene.gates
        self._open = frozenset(kind.type_id for kind in open_numbers(decisions, scene.gates))
        self._lifted = {seen.object_id for seen in scene.objects}
        self._partners = partners
        self._surface_here = surface
        self._same_surface = surface == row["has_plane"]
        self._names = {one["region_id"]: [one["label"] or "", *(one["captions"] or ())] for one in regions}
        self._decided: dict[tuple[Rule, frozenset[int]], list[Decided]] = defaultdict(list)
        for rule, items in decisions.items():
            for item in items:
                self._decided[rule, _ids_of(item)].append(item)

    def answer(self, row: Row) -> SecondAnswer:
        """Return what this scene answers to a `qa_pairs` row of the first lake, and whether the names fit."""
        answer = self._geometry(row)
        if answer.verdict not in (Verdict.AGREE, Verdict.OFF, Verdict.UNDECIDED):
            return answer
        for number, expression in zip(row["object_ids"], row["references"], strict=True):
            names = self._names.get(self._partners[number], [])
            if not can_be_called(expression, names):
                called = next((name for name in reversed(names) if name), "something else")
                why = f"What this answer calls {expression} is called {called} there."
                return replace(answer, verdict=Verdict.MISNAMED, why=f"{why} {answer.why}".strip())
        return answer

    def _geometry(self, row: Row) -> SecondAnswer:
        """Return the answer to a row about its objects, whatever they are called."""
        ids = [self._partners.get(number) for number in row["object_ids"]]
        there = [number for number in ids if number is not None]
        names = dict(zip(ids, row["references"], strict=True))
        if len(there) < len(ids):
            why = f"No object there is where most of {names[None]} is."
            return SecondAnswer(Verdict.MISSING, "no such object there", why=why)
        if len(set(there)) < len(there):
            why = "Both are parts of one and the same object there."
            return SecondAnswer(Verdict.MISSING, "one object there", why=why)
        unmeasured = [name for number, name in names.items() if number not in self._lifted]
        if unmeasured:
            why = f"{unmeasured[0]} was seen there, but not measured."
            return SecondAnswer(Verdict.UNDECIDED, "not decided there", why=why)
        kind = question_type(row["type_id"])
        if self._is_above_another(kind) and {self._surface_here, self._gates.surface} == {"floor", "table"}:
            return SecondAnswer(Verdict.CONTRADICT, f"above the {self._gates.surface}", why=self._why_not(kind))
        found = self._found(kind, row, there)
        if found is None:
            return SecondAnswer(Verdict.UNDECIDED, "not decided there", why=self._why_not(kind))
        forward = found.first.object_id == there[0]
        variant = kind.variant_of(found, forward)
        if kind.answer_kind == AnswerKind.BOOL:
            return _compared(row, variant, answer_bool=variant == "yes")
        if kind.answer_kind == AnswerKind.CHOICE:
            chosen = 0 if row["side"] == variant else 1
            ids = row["object_ids"]
            return _compared(row, row["references"][chosen], answer_object_id=ids[chosen], side=row["side"])
        if kind.keeps_order and not forward:
            text = f"{_shown(kind, found.margin)} the other way round"
            return SecondAnswer(Verdict.CONTRADICT, text, math.inf)
        return self._number(kind, row, found, variant)

    def _found(self, kind: QuestionType, row: Row, ids: list[int]) -> Decided | None:
        """Return what decides a type about these objects."""
        rules = (kind.rule, kind.opposite) if kind.opposite else (kind.rule,)
        found = [item for rule in rules for item in self._decided.get((rule, frozenset(ids)), ())]
        if kind.answer_kind == AnswerKind.NUMBER:
            if kind.type_id not in self._open or self._is_above_another(kind):
                return None
            if asks_by_variant(kind.type_id):
                found = [item for item in found if _asks_the_same(kind, row, item)]
        return next(iter(found), None)

    def _is_above_another(self, kind: QuestionType) -> bool:
        return Need.SUPPORT in kind.needs and not self._same_surface

    def _number(self, kind: QuestionType, row: Row, found: Decided, variant: str) -> SecondAnswer:
        side, unsaid = kind.side_of(variant), variant if kind.variants[variant].is_unsaid else None
        if unsaid:
            words = short_answer(kind.type_id, variant).text.format(surface=self._gates.surface)
            text = words.removesuffix(".")
        else:
            text = _shown(kind, found.margin)
            text = f"{text} {side}" if side and not kind.keeps_order else text
        other = {"side": side, "value_si": found.margin, "rounding_rule": unsaid}
        answer = replace(_compared(row, text, **other), variant=variant, value_si=found.margin)
        if kind.unit_si == "rad" or unsaid or unsaid_of(row):
            return answer
        same_side = side == row["side"]
        ratio = row["value_si"] / found.margin if same_side else math.inf
        if answer.verdict == Verdict.CONTRADICT and same_side and is_within(ratio, 1.0, OFF_FACTOR):
            return replace(answer, verdict=Verdict.OFF, ratio=ratio)
        return replace(answer, ratio=ratio)

    def _why_not(self, kind: QuestionType) -> str:
        if self._is_above_another(kind):
            surface = self._gates.surface
            return f"Heights there are above the {surface}." if surface else "No floor or table was found there."
        closed = "; ".join(self._gates.why_closed)
        rule = "The rule does not decide it there: under its threshold, of another kind, or its check fails"
        return f"{rule}; {closed}." if closed else f"{rule}."


def _ids_of(item: Decided) -> frozenset[int]:
    return frozenset(one.object_id for one in (item.first, item.second) if one is not None)


def _asks_the_same(kind: QuestionType, row: Row, item: Decided) -> bool:
    """Return whether a number answers the row's question where each variant is another question."""
    same_kind = kind.distance_kind_of(item.word) == row["distance_kind"]
    return same_kind and kind.side_of(item.word) == row["side"]


def _compared(row: Row, text: str, **answer: Any) -> SecondAnswer:
    return SecondAnswer(Verdict.AGREE if agrees(row, {**row, **answer}) else Verdict.CONTRADICT, text)


def _shown(kind: QuestionType, value: float) -> str:
    if kind.unit_si == "rad":
        return f"{math.degrees(value):.0f}°"
    if kind.unit_si == "m":
        return meters(value)
    return times(value) if kind.unit_si == "ratio" else f"{value:.3g} {kind.unit_si}"
