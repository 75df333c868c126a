"""Which of the decided questions are asked: half and half, both polarities, spread over types, pairs and objects.

Types come in a drawn order. A qualitative type gives two rows of opposite polarity, on different pairs where there are
two, the first polarity by coin; a yes/no type with one pair asks it both ways round, so that yes and no stay even in
small tables, and a last single place goes to a choice or stays empty. Closeness (Q19) has its yes and no on different
pairs by definition and is asked only as one near pair and one far pair together.
Numbers take turns over the types. An image gives as many numbers as qualitative rows.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from schemas.question_types import QUESTION_TYPES, AnswerKind
from udfs.language.draws import Draws
from udfs.questions.candidates import error_of, open_numbers, sure_of
from udfs.questions.decisions import MEASURED_BY, RELATED_BY, Decided, Decisions
from udfs.questions.scene import Gates, SeenObject
from udfs.questions.settings import SynthesizeSettings

_CLOSENESS = "Q19"
_CHOICES = {t.type_id: t.sides for t in QUESTION_TYPES.values() if t.answer_kind == AnswerKind.CHOICE}
_SIDED = {t: QUESTION_TYPES[t].sides for t in ("N05", "N06", "N07", "N11", "N12", "N14")}

Key = tuple[int, int]
_Weight = TypeVar("_Weight")


class Pick(NamedTuple):
    """One question: its objects in the order asked, the variant of its answer, and why the rule decided.

    `chosen` is the right object of a choice; `value` and `sigma` belong to numbers; `turn` counts the rows of the type.
    """

    type_id: str
    a: SeenObject
    b: SeenObject | None
    variant: str
    chosen: SeenObject | None
    value: float | None
    sigma: float | None
    margin: float
    threshold: float
    turn: int = 0


class Sampler:
    """Draws the questions of one image from its candidates."""

    __slots__ = ("_draws", "_gates", "_settings", "_uses")

    def __init__(self, draws: Draws, gates: Gates, settings: SynthesizeSettings) -> None:
        self._draws = draws
        self._gates = gates
        self._settings = settings
        self._uses: dict[int | tuple[int, int], int] = {}

    def sample(self, decisions: Decisions) -> list[Pick]:
        """Return the image's questions, qualitative ones first."""
        numbers = self._numbers(decisions)
        qualitative = self._qualitative(decisions, min(self._settings.max_qualitative, len(numbers)))
        return qualitative + numbers[: len(qualitative) or self._settings.solo_numbers]

    def _qualitative(self, decisions: Decisions, limit: int) -> list[Pick]:
        picks: list[Pick] = []
        halves: list[str] = []
        per_type = self._settings.max_per_type
        for type_id in self._shuffled((*RELATED_BY, _CLOSENESS)):
            room = min(limit - len(picks), per_type)
            if room <= 0:
                break
            if type_id == _CLOSENESS:
                if room == 2:
                    picks += self._closeness(decisions)
            elif room < per_type and type_id not in _CHOICES:
                halves.append(type_id)
            else:
                picks += self._couple(type_id, decisions, room)
        for type_id in halves:
            # Half a couple tips the balance of yes and no: only where the image would have no answer at all.
            if not picks and limit:
                picks += self._couple(type_id, decisions, 1)
        return picks

    def _couple(self, type_id: str, decisions: Decisions, room: int) -> list[Pick]:
        name, forward = RELATED_BY[type_id]
        first = self._sure(name, decisions, None)
        if first is None:
            return []
        positive = self._draws.coin()
        picks = [self._related(type_id, first, positive, forward)]
        if room > 1:
            second = self._sure(name, decisions, _key(first)) or (None if type_id in _CHOICES else first)
            if second is not None:
                picks.append(self._related(type_id, second, not positive, forward)._replace(turn=1))
        return picks

    def _related(self, type_id: str, decided: Decided, positive: bool, forward: bool) -> Pick:
        _, _, margin, threshold, _ = decided
        sides = _CHOICES.get(type_id)
        if sides is None:
            a, b = _ordered(decided, positive == forward)
            return Pick(type_id, a, b, "yes" if positive else "no", None, None, None, margin, threshold)
        side, chosen = (sides[0], decided.first) if positive else (sides[1], decided.second)
        a, b = _ordered(decided, self._draws.coin())
        return Pick(type_id, a, b, side, chosen, None, None, margin, threshold)

    def _closeness(self, decisions: Decisions) -> list[Pick]:
        near, far = self._sure("near", decisions, None), self._sure("far", decisions, None)
        if near is None or far is None:
            return []
        picks = []
        for decided, variant in ((near, "yes"), (far, "no")):
            a, b = _ordered(decided, self._draws.coin())
            picks.append(Pick(_CLOSENESS, a, b, variant, None, None, None, decided.margin, decided.threshold))
        return picks

    def _numbers(self, decisions: Decisions) -> list[Pick]:
        picks: list[Pick] = []
        order = self._shuffled(open_numbers(decisions, self._gates))
        taken: dict[str, Key | None] = dict.fromkeys(order)
        for _ in range(self._settings.max_per_type):
            for type_id in order:
                if len(picks) == self._settings.max_quantitative:
                    return picks
                found = self._measurable(type_id, decisions, taken[type_id])
                if found is not None:
                    decided, sigma = found
                    taken[type_id] = _key(decided)
                    picks.append(self._measured(type_id, decided, sigma))
        return picks

    def _sure(self, name: str, decisions: Decisions, taken: Key | None) -> Decided | None:
        """Return a relation that the errors of its objects leave certain."""
        found = self._sound(
            decisions[name], taken, lambda item: sure_of(name, item, self._gates, self._settings.sure_sigmas)
        )
        return None if found is None else found[1]

    def _measurable(self, type_id: str, decisions: Decisions, taken: Key | None) -> tuple[Decided, float] | None:
        """Return a number that its error does not spoil, and the error."""
        most = self._settings.max_relative_sigma
        return self._sound(
            decisions[MEASURED_BY[type_id]], taken, lambda item: error_of(type_id, item, self._gates, most)
        )

    def _sound(
        self, items: Sequence[Decided], taken: Key | None, weigh: Callable[[Decided], _Weight | None]
    ) -> tuple[Decided, _Weight] | None:
        """Return the first item chosen that `weigh` does not turn down, and what it said of it."""
        while (decided := self._choose(items, taken)) is not None:
            weight = weigh(decided)
            if weight is not None:
                return decided, weight
            items = [item for item in items if item is not decided]
        return None

    def _measured(self, type_id: str, decided: Decided, sigma: float) -> Pick:
        _, _, margin, threshold, word = decided
        sides = _SIDED.get(type_id)
        # A ratio is of the larger to the smaller and keeps its order.
        forward = type_id == "N18" or self._draws.coin()
        a, b = _ordered(decided, forward)
        variant = word if sides is None else sides[0] if forward else sides[1]
        return Pick(type_id, a, b, variant, None, margin if margin > 0 else 0.0, sigma, margin, threshold)

    def _choose(self, items: Sequence[Decided], taken: Key | None) -> Decided | None:
        """Return the one of three spread items whose objects were asked about least, never the pair `taken`."""
        count = len(items)
        if not count:
            return None
        uses, start, stride = self._uses, self._draws.below(count), count // 3 or 1
        best, best_key, least = None, (0, 0), 1 << 30
        for k in range(min(count, 3)):
            item = items[(start + k * stride) % count]
            key = _key(item)
            score = 2 * uses.get(key, 0) + uses.get(key[0], 0) + uses.get(key[1], 0)
            if score < least and key != taken:
                best, best_key, least = item, key, score
        if best is not None:
            for name in (best_key, *best_key):
                uses[name] = uses.get(name, 0) + 1
        return best

    def _shuffled(self, items: Sequence[str]) -> list[str]:
        shuffled, draws = list(items), self._draws
        for k in range(len(shuffled) - 1, 0, -1):
            other = draws.below(k + 1)
            shuffled[k], shuffled[other] = shuffled[other], shuffled[k]
        return shuffled


def _ordered(decided: Decided, forward: bool) -> tuple[SeenObject, SeenObject | None]:
    a, b = decided.first, decided.second
    return (a, b) if forward or b is None else (b, a)


def _key(decided: Decided) -> Key:
    # One object counts as a pair of itself.
    a, b = decided[0], decided[1]
    first = a.object_id
    second = first if b is None else b.object_id
    return (first, second) if first <= second else (second, first)
