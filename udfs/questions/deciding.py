"""Decides one question about named objects, by the rules that decide all questions of a scene."""

import math
from collections.abc import Iterator
from dataclasses import replace

from udfs.questions.bodies import Stated
from udfs.questions.candidates import error_of
from udfs.questions.comparing import against
from udfs.questions.phrasing import given_slots
from udfs.questions.question_type import AnswerKind, QuestionType
from udfs.questions.refusals import NotAnswered, WhyNot
from udfs.questions.related import sure_of
from udfs.questions.rule import Decided, DerivedRule, Need, ObjectRule, PairRule, Rule, SceneRule
from udfs.questions.sampler import Pick
from udfs.questions.scene import Gates, Scene
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings

# What is stated has no error of its own, and is no closer than this to what it is meant to be, m.
_MIN_SIGMA_M = 0.005
_GATES = {Need.GRAVITY: WhyNot.NO_GRAVITY, Need.METRIC: WhyNot.NO_SCALE, Need.SUPPORT: WhyNot.NO_SUPPORT}
_NEEDED = {Need.GRAVITY: "gravity", Need.METRIC: "the scale", Need.SUPPORT: "a floor or a table"}


class Asked:
    """One question: its type, its objects in the order of the definition, and the variant where it is asked by one."""

    def __init__(
        self,
        kind: QuestionType,
        objects: tuple[SeenObject, ...],
        variant: str | None = None,
        stated: Stated | None = None,
    ) -> None:
        self.kind = kind
        self.objects = objects
        self.stated = stated
        self.a = objects[0]
        self.b = objects[1] if len(objects) > 1 else None
        self.variant = variant

    def decided(self, scene: Scene, settings: SynthesizeSettings, names: dict[int, str]) -> Pick:
        """Return the answer as a lake holds it, before it is put into words.

        Raises:
            NotAnswered: the scene does not decide it; the sentence calls the objects by `names`.
        """
        self._require_open(scene)
        self._require_sizes(names)
        self._require_length()
        found = [item for item in self._all_decided(scene, settings) if self._is_asked(item)]
        if not found:
            raise NotAnswered(WhyNot.UNDECIDED, _undecided(self.kind, self._called(names), self.stated is not None))
        decided = found[0]
        if self.kind.answer_kind in (AnswerKind.NUMBER, AnswerKind.POINT):
            return self._number(decided, scene, settings, names)
        return self._relation(decided, scene, settings, names)

    def _require_open(self, scene: Scene) -> None:
        kind, gates = self.kind, scene.gates
        variant = self.variant
        needs = set(kind.needs_of(variant) if variant is not None and variant in kind.variants else kind.needs)
        for need, clause in zip(_closed(gates), gates.why_closed, strict=True):
            if need in needs.union(kind.rule.needs):
                raise NotAnswered(_GATES[need], f"{_capital(kind.name)} needs {_NEEDED[need]}: {clause}.")

    def _require_sizes(self, names: dict[int, str]) -> None:
        rules = (self.kind.rule, self.kind.opposite)
        if Need.AMODAL not in self.kind.needs and not any(rule.is_sized for rule in rules if rule):
            return
        for one in (self.a, self.b):
            if one is not None and not one.size_ok:
                seen = "it is cut off or hidden" if not one.edge_ok else "its ends are not seen well enough"
                raise NotAnswered(WhyNot.NO_SIZE, f"The size of {names[one.object_id]} is not known, since {seen}.")

    def _require_length(self) -> None:
        stating = self.kind.rule.stating if isinstance(self.kind.rule, SceneRule) else None
        if stating is not None and self.stated is None and stating.things == len(self.objects):
            word = stating.measure.removesuffix("_m")
            raise NotAnswered(
                WhyNot.NO_LENGTH, f"{_capital(self.kind.name)} compares a {word}; state one, such as 50 cm."
            )

    def _all_decided(self, scene: Scene, settings: SynthesizeSettings) -> Iterator[Decided]:
        for rule in (self.kind.rule, self.kind.opposite):
            if rule is not None:
                yield from self._by_rule(rule, scene, settings)

    def _by_rule(self, rule: Rule, scene: Scene, settings: SynthesizeSettings) -> Iterator[Decided]:
        if not set(_closed(scene.gates)).isdisjoint(rule.needs):
            return
        if isinstance(rule, SceneRule):
            yield from (item for item in self._of_scene(rule, scene, settings) if self._is_about(item))
            return
        if isinstance(rule, ObjectRule):
            decided = rule.decide(self.a, scene.gates, settings)
        elif isinstance(rule, PairRule) and self.b is not None:
            # As the stage weighs a pair, whatever the order of the question.
            first, second = sorted((self.a, self.b), key=lambda one: one.object_id)
            pair = scene.pairs.get((first.object_id, second.object_id))
            decided = rule.decide(first, second, pair, scene.gates)
        else:
            decided = None
        if decided is not None:
            yield decided
        if isinstance(rule, DerivedRule):
            for source, derive in rule.derive.items():
                found = (derive(item) for item in self._by_rule(source, scene, settings))
                yield from (item for item in found if item is not None)

    def _of_scene(self, rule: SceneRule, scene: Scene, settings: SynthesizeSettings) -> list[Decided]:
        """Return what a scene decides: by the length that the question states, or by its own rule."""
        if self.stated is None:
            return (rule.asked or rule.decide)(scene, settings)
        if rule.stating is None:
            return []
        found, needs_m = [], self.stated.length_m
        for measured in rule.stating.rooms(scene):
            room = replace(measured, sigma_m=max(measured.sigma_m, _MIN_SIGMA_M))
            yes = needs_m >= room.has_m if rule.stating.is_reach else needs_m <= room.has_m
            word = "yes" if yes else "no"
            found.append(against(room, self.stated, word, rule.stating.what(self.stated), scene.gates))
        return found

    def _is_about(self, decided: Decided) -> bool:
        """Return whether a decision is about the things of the question."""
        ids, asked = ([one.object_id for one in things] for things in (decided.things, self.objects))
        return ids == asked or (not self.kind.keeps_order and sorted(ids) == sorted(asked))

    def _is_asked(self, decided: Decided) -> bool:
        """Return whether a decision is of the variant asked, where the decision says one."""
        kind, asked = self.kind, self.variant
        by_rule = decided.word in kind.variants and kind.answer_kind in (AnswerKind.NUMBER, AnswerKind.POINT)
        return not (by_rule and asked in kind.variants) or decided.word == asked

    def _number(self, decided: Decided, scene: Scene, settings: SynthesizeSettings, names: dict[int, str]) -> Pick:
        kind = self.kind
        sigma = error_of(kind, decided, scene.gates, settings.max_relative_sigma)
        if sigma is None:
            raise NotAnswered(WhyNot.WITHIN_ERROR, self._too_uncertain(decided, scene, names))
        forward = kind.keeps_order or decided.first is self.a
        a, b = (decided.first, decided.second) if kind.keeps_order else (self.a, self.b)
        value = decided.margin if decided.margin > 0 else 0.0
        return Pick(kind, a, b, kind.variant_of(decided, forward), decided, value=value, sigma=sigma)

    def _relation(self, decided: Decided, scene: Scene, settings: SynthesizeSettings, names: dict[int, str]) -> Pick:
        kind = self.kind
        rule = kind.opposite if kind.opposite is not None and decided.word == "no" else kind.rule
        sure = sure_of(rule, decided, scene.gates, settings.sure_sigmas)
        if sure is None and decided.given is not None and decided.given.lengths_m:
            raise NotAnswered(WhyNot.WITHIN_ERROR, self._too_close(decided, names))
        if sure is None:
            apart = abs(decided.margin - decided.threshold) if rule.keeps_threshold else decided.margin
            sigmas = apart / rule.error(decided, scene.gates)
            raise NotAnswered(
                WhyNot.WITHIN_ERROR,
                f"{_capital(kind.name)} is within the error for {self._called(names)}: the difference is {sigmas:.1f} "
                f"times its standard error, and {settings.sure_sigmas:g} times is needed.",
            )
        if kind.answer_kind != AnswerKind.CHOICE:
            return Pick(kind, self.a, self.b, kind.variant_of(sure, sure.first is self.a), sure)
        side = self.variant if self.variant in kind.sides else kind.sides[0]
        chosen = sure.first if side == kind.sides[0] else sure.second
        return Pick(kind, self.a, self.b, side, sure, chosen=chosen)

    def _too_close(self, decided: Decided, names: dict[int, str]) -> str:
        slots = {"A": self._called(names), "B": ""}
        said = given_slots(decided.given, slots, False) if decided.given else {}
        error = f", give or take {said['error']}" if "error" in said else ""
        what = f"{_capital(self.kind.name)} is within the error for {self._called(names)}"
        return f"{what}: {said['needs']} is needed or reached, and there is {said['has']}{error}."

    def _too_uncertain(self, decided: Decided, scene: Scene, names: dict[int, str]) -> str:
        error, unit = self.kind.rule.error(decided, scene.gates), self.kind.unit_si
        known = f"{error:.2g} {unit}" if math.isfinite(error) else "an error that is not known"
        what = f"{_capital(self.kind.name)} is within the error for {self._called(names)}"
        return f"{what}: it is measured as {decided.margin:.2g} {unit}, give or take {known}."

    def _called(self, names: dict[int, str]) -> str:
        first = names[self.a.object_id]
        return first if self.b is None else f"{first} and {names[self.b.object_id]}"


def _undecided(kind: QuestionType, called: str, is_stated: bool) -> str:
    rule = kind.rule
    check = f"; check: {rule.check}" if rule.check else ""
    alone = "its measure is too small, or not seen well enough"
    if isinstance(rule, SceneRule):
        measured = check.removeprefix("; ") if is_stated and check else f"rule: {rule.compares}{check}"
        return f"{_capital(kind.name)} is not decided for {called}: what is seen does not decide it ({measured})."
    why = alone if kind.objects == 1 else "they are too alike, or two measurements contradict each other"
    return f"{_capital(kind.name)} is not decided for {called}: {why} (rule: {rule.compares}{check})."


def _closed(gates: Gates) -> list[Need]:
    """Return what a scene lacks, in the order of `Gates.why_closed`."""
    has = {Need.GRAVITY: gates.gravity, Need.METRIC: gates.metric, Need.SUPPORT: gates.surface is not None}
    return [need for need, is_there in has.items() if not is_there]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
