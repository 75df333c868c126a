"""The same questions put to another lake's scene: what it answers about the same objects."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jobs.views.pages.wording import metres, times
from jobs.views.reader import Row
from scenes.truth.masks import spoken_of
from schemas.question_types import QUESTION_TYPES, AnswerKind
from udfs.questions.candidates import candidates_of, open_numbers
from udfs.questions.decisions import MEASURED_BY, RELATED_BY, Decided
from udfs.questions.scene import scene_of
from udfs.questions.settings import SynthesizeSettings

CLOSE_SHARE = 0.25
FACTOR = 2.0
DIRECTION_DEG = 15.0


class Verdict(StrEnum):
    """How another lake's answer stands to an answer.

    `off` is a number beyond 25 % and within a factor of two; `missing` speaks of what is not there, `unseen` of a
    photograph that was not measured there.
    """

    AGREE = "agree"
    OFF = "off"
    CONTRADICT = "contradict"
    UNDECIDED = "undecided"
    MISSING = "missing"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class SecondAnswer:
    """The other lake's answer as text, and why there is none; `ratio` is the first number over the second.

    It is infinite where the two say opposite sides, and None where there are no two numbers.
    """

    verdict: Verdict
    text: str
    ratio: float | None = None
    why: str = ""


def partners_of(regions: Sequence[Row], others: Sequence[Row], height: int, width: int) -> dict[int, int]:
    """Return by `region_id` which region of another lake most of each region is of; one of nothing is left out."""
    spoken = spoken_of(regions, others, height, width)
    return {regions[i]["region_id"]: others[j]["region_id"] for i, j in spoken.items()}


class SecondScene:
    """A `scenes` row of another lake, asked about its own objects through those of the first lake.

    `partners` leads from object ids of the first lake to those of this one, `surface` is what heights are above there.
    """

    def __init__(self, row: Row, partners: Mapping[int, int], surface: str | None) -> None:
        # Whether an object can be named there does not matter here.
        named = [{"object_id": item["object_id"], "expression": "", "form": ""} for item in row["objects"]]
        scene = scene_of(row, named)
        pairs = max(1, math.comb(len(scene.objects), 2))
        decisions = candidates_of(scene, SynthesizeSettings(max_pairs=pairs))
        self._gates = scene.gates
        self._open = frozenset(open_numbers(decisions, scene.gates))
        self._lifted = {seen.object_id for seen in scene.objects}
        self._partners = partners
        self._same_surface = surface == row["has_plane"]
        self._decided: dict[tuple[str, frozenset[int]], list[Decided]] = defaultdict(list)
        for name, items in decisions.items():
            for item in items:
                self._decided[name, _ids_of(item)].append(item)

    def answer(self, row: Row) -> SecondAnswer:
        """Return what this scene answers to a `qa_pairs` row of the first lake."""
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
        found, yes = self._found(row, there)
        if found is None:
            return SecondAnswer(Verdict.UNDECIDED, "not decided there", why=self._why_not(row))
        if row["answer_kind"] == AnswerKind.BOOL:
            return _polar(row, yes)
        if row["answer_kind"] == AnswerKind.CHOICE:
            return _choice(row, found, there)
        return _number(row, found, there)

    def _found(self, row: Row, ids: list[int]) -> tuple[Decided | None, bool]:
        """Return what decides the type about these objects, and what it answers to yes or no."""
        type_id, key = row["type_id"], frozenset(ids)
        if type_id == "Q19":
            near, far = self._decided.get(("near", key)), self._decided.get(("far", key))
            return next(iter(near or far or ()), None), bool(near)
        if type_id in RELATED_BY:
            name, forward = RELATED_BY[type_id]
            found = next(iter(self._decided.get((name, key), ())), None)
            return found, found is not None and (found.first.object_id == ids[0]) == forward
        if type_id not in self._open or (type_id in ("N15", "N16") and not self._same_surface):
            return None, False
        word = _kind(row)
        held = self._decided.get((MEASURED_BY[type_id], key), ())
        return next((item for item in held if word in (None, item.word)), None), False

    def _why_not(self, row: Row) -> str:
        if row["type_id"] in ("N15", "N16") and not self._same_surface:
            surface = self._gates.surface
            return f"Heights there are above the {surface}." if surface else "No floor or table was found there."
        closed = "; ".join(self._gates.why_closed)
        rule = "The rule does not decide it there: under its threshold, of another kind, or against its witness"
        return f"{rule}; {closed}." if closed else f"{rule}."


def _ids_of(item: Decided) -> frozenset[int]:
    return frozenset(one.object_id for one in (item.first, item.second) if one is not None)


def _kind(row: Row) -> str | None:
    """Return the word that tells two numbers of one type and pair apart."""
    if row["type_id"] == "N04":
        return "gap" if row["distance_kind"] == "gap" else "centre"
    return row["side"] if row["type_id"] == "N18" else None


def _same(agrees: bool, text: str) -> SecondAnswer:
    return SecondAnswer(Verdict.AGREE if agrees else Verdict.CONTRADICT, text)


def _polar(row: Row, yes: bool) -> SecondAnswer:
    return _same(row["answer_bool"] == yes, "yes" if yes else "no")


def _choice(row: Row, found: Decided, ids: list[int]) -> SecondAnswer:
    """Compare the objects chosen for the word that was asked; they are called as the first lake calls them."""
    first_is_it = row["side"] == QUESTION_TYPES[row["type_id"]].sides[0]
    # The relation's first object is the one that the type's first word is true of.
    chosen = ids.index(found.first.object_id)
    if not first_is_it:
        chosen = 1 - chosen
    return _same(row["answer_object_id"] == row["object_ids"][chosen], row["references"][chosen])


def _number(row: Row, found: Decided, ids: list[int]) -> SecondAnswer:
    type_id = row["type_id"]
    if type_id == "N17":
        return _direction(row, found)
    # "It rests on the floor" is said in place of a number.
    if "rests" in (row["rounding_rule"], found.word):
        text = "rests on it" if found.word == "rests" else metres(found.margin)
        return _same(row["rounding_rule"] == found.word, text)
    length = times(found.margin) if type_id == "N18" else metres(found.margin)
    forward = found.first.object_id == ids[0]
    sides = QUESTION_TYPES[type_id].sides
    if type_id == "N18":
        text, same = (length if forward else f"{length} the other way round"), forward
    elif sides:
        side = sides[0] if forward else sides[1]
        text, same = f"{length} {side}", side == row["side"]
    else:
        text, same = length, True
    ratio = row["value_si"] / found.margin if same else math.inf
    return SecondAnswer(_size_verdict(ratio), text, ratio)


def _size_verdict(ratio: float) -> Verdict:
    if abs(ratio - 1.0) <= CLOSE_SHARE:
        return Verdict.AGREE
    return Verdict.OFF if 1.0 / FACTOR <= ratio <= FACTOR else Verdict.CONTRADICT


def _direction(row: Row, found: Decided) -> SecondAnswer:
    """Compare signed directions, + right; "straight ahead" is 0."""
    first_rad = {"right": 1.0, "left": -1.0}.get(row["side"], 0.0) * row["value_si"]
    second_rad = found.first.bearing_rad
    text = "straight ahead" if found.word == "ahead" else f"{math.degrees(found.margin):.0f}° {found.word}"
    return _same(abs(math.degrees(first_rad - second_rad)) <= DIRECTION_DEG, text)
