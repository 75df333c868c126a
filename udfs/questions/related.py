"""What is certain about the objects of one scene and their pairs, for rules that look at several of them."""

import math
from collections.abc import Mapping
from itertools import combinations

from udfs.language.draws import Draws, seed_of
from udfs.questions.rule import Decided, Given, Rule
from udfs.questions.scene import Gates, Scene, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings

Ids = tuple[int, int]
_SLOTS = "ABEFGH"


def sure_of(rule: Rule, decided: Decided, gates: Gates, sigmas: float) -> Decided | None:
    """Return a relation that holds by so many standard errors, with that as its threshold where it is larger."""
    min_margin = sigmas * rule.error(decided, gates)
    if rule.keeps_threshold:
        return decided if min_margin <= abs(decided.threshold - decided.margin) else None
    if not min_margin <= decided.margin:
        return None
    return decided if min_margin <= decided.threshold else decided._replace(threshold=min_margin)


class Related:
    """A scene with what the rules about one and two objects decide, read by rules about several.

    Everything drawn depends on the seed of the settings, the image and the rule's name alone.
    """

    __slots__ = ("_choices", "_decisions", "_numbers", "_sure", "gates", "objects", "scene", "settings")

    def __init__(self, scene: Scene, decisions: Mapping[Rule, list[Decided]], settings: SynthesizeSettings) -> None:
        self.scene = scene
        self.gates: Gates = scene.gates
        self.objects = scene.objects
        self.settings = settings
        self._decisions = decisions
        self._sure: dict[Rule, dict[Ids, Decided]] = {}
        self._choices: dict[tuple[int, int, int], list[tuple[SeenObject, ...]]] = {}
        self._numbers: dict[Rule, dict[Ids, tuple[Decided, float]]] = {}

    def sure(self, rule: Rule) -> dict[Ids, Decided]:
        """Return the relations of a rule that hold by `sure_sigmas` standard errors, by the ids of both objects."""
        known = self._sure.get(rule)
        if known is None:
            sigmas, known = self.settings.sure_sigmas, {}
            for decided in self._decisions[rule]:
                if decided.second is not None and sure_of(rule, decided, self.gates, sigmas) is not None:
                    known[decided.first.object_id, decided.second.object_id] = decided
            self._sure[rule] = known
        return known

    def numbers(self, rule: Rule) -> dict[Ids, tuple[Decided, float]]:
        """Return the numbers of a rule with their own standard errors, by the ids of their objects in both orders.

        A number about one object has its id twice. Left out is what is less sure than `max_relative_sigma`.
        """
        known = self._numbers.get(rule)
        if known is None:
            share, known = self.settings.max_relative_sigma, {}
            for decided in self._decisions[rule]:
                a, b = decided.first.object_id, (decided.second or decided.first).object_id
                sigma = rule.error(decided, self.gates)
                if sigma <= share * decided.margin:
                    known[a, b] = known[b, a] = decided, sigma
            self._numbers[rule] = known
        return known

    def pair(self, a: SeenObject, b: SeenObject) -> SeenPair | None:
        """Return the distances of two objects, None where they were not measured."""
        one, other = a.object_id, b.object_id
        return self.scene.pairs.get((one, other) if one < other else (other, one))

    def draws(self, name: str) -> Draws:
        """Return the draws of a rule."""
        return Draws(seed_of(self.settings.seed, self.scene.image_id, "several", name))

    def shared_choices(self, least: int, most: int, count: int) -> list[tuple[SeenObject, ...]]:
        """Return choices as `choices` does, drawn once for all rules that ask for as many."""
        key = least, most, count
        known = self._choices.get(key)
        if known is None:
            self._choices[key] = known = self.choices(self.draws(f"{least} to {most}"), least, most, count)
        return known

    def choices(
        self, draws: Draws, least: int, most: int, count: int, of: list[SeenObject] | None = None
    ) -> list[tuple[SeenObject, ...]]:
        """Return up to `count` drawn choices of `least` to `most` different objects, in drawn order, no two alike."""
        pool = self.objects if of is None else of
        total = len(pool)
        most = min(most, total)
        if most < least:
            return []
        if least == most and math.comb(total, least) <= count:
            return [_shuffled(draws, list(chosen)) for chosen in combinations(pool, least)]
        found: list[tuple[SeenObject, ...]] = []
        taken = set()
        for _ in range(2 * count):
            size = least + draws.below(most - least + 1)
            chosen: list[int] = []
            while len(chosen) < size:
                index = draws.below(total)
                if index not in chosen:
                    chosen.append(index)
            key = frozenset(chosen)
            if key not in taken:
                taken.add(key)
                found.append(tuple([pool[index] for index in chosen]))
                if len(found) == count:
                    break
        return found


def slots_of(count: int, skipped: int = 0) -> list[str]:
    """Return the slots of the objects of a question, without the first ones."""
    return [f"{{{slot}}}" for slot in _SLOTS[skipped:count]]


def listed(texts: list[str], word: str = "and") -> str:
    """Return texts as a list in words.

    >>> listed(["a", "b", "c"], "or"), listed(["a", "b"])
    ('a, b, or c', 'a and b')
    """
    if len(texts) < 3:
        return f" {word} ".join(texts)
    return f"{', '.join(texts[:-1])}, {word} {texts[-1]}"


def decided_of(
    things: tuple[SeenObject, ...], margin: float, threshold: float, word: str = "value", given: Given | None = None
) -> Decided:
    """Return a decision about objects in the order of the question."""
    return Decided(things[0], things[1] if len(things) > 1 else None, margin, threshold, word, things[2:], given)


def _shuffled(draws: Draws, items: list[SeenObject]) -> tuple[SeenObject, ...]:
    for k in range(len(items) - 1, 0, -1):
        other = draws.below(k + 1)
        items[k], items[other] = items[other], items[k]
    return tuple(items)
