"""Which of the decided questions are asked: half and half, both polarities, spread over types, pairs and objects.

Types come in a drawn order. A qualitative type gives two rows of opposite polarity, on different
pairs where there are two, the first polarity by coin. A yes/no type with one pair asks it both ways
round, so that yes and no stay even in small tables; a last single place goes to a choice or stays
empty. A type whose "no" has a rule of its own is asked only as one yes and one no together. Numbers
take turns over the types. An image gives as many numbers as qualitative rows. Types of the group `affordance` are drawn
apart from all others, with draws, halves and a cap of their own, so that they change no other row.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from udfs.language.draws import Draws
from udfs.questions.candidates import Decisions, error_of, key_of, open_numbers
from udfs.questions.question_type import AnswerKind, Family, Group, QuestionType
from udfs.questions.registry import types_of
from udfs.questions.related import sure_of
from udfs.questions.rule import Decided, Rule
from udfs.questions.scene import Gates
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings

Key = tuple[int, int]
_Item = TypeVar("_Item")
_Weight = TypeVar("_Weight")


class Pick(NamedTuple):
    """One question: its objects in the order asked, the variant of its answer, and why the rule decided.

    `chosen` is the right object of a choice; `value` and `sigma` belong to numbers; `turn` counts
    the rows of the type.
    """

    kind: QuestionType
    a: SeenObject
    b: SeenObject | None
    variant: str
    decided: Decided
    chosen: SeenObject | None = None
    value: float | None = None
    sigma: float | None = None
    turn: int = 0

    @property
    def things(self) -> tuple[SeenObject, ...]:
        """Return everything asked about, in the order of the question."""
        return (self.a, *(() if self.b is None else (self.b,)), *self.decided.others)


class Sampler:
    """Draws the questions of one group of types about one image from its candidates."""

    __slots__ = ("_draws", "_gates", "_group", "_settings", "_uses")

    def __init__(self, draws: Draws, gates: Gates, settings: SynthesizeSettings, group: Group = Group.CORE) -> None:
        self._draws = draws
        self._gates = gates
        self._settings = settings
        self._group = group
        self._uses: dict[int | tuple[int, int], int] = {}

    def sample(self, decisions: Decisions) -> list[Pick]:
        """Return the image's questions, qualitative ones first."""
        settings, is_core = self._settings, self._group == Group.CORE
        numbers = self._numbers(decisions, settings.max_quantitative if is_core else settings.max_affordances)
        limit = settings.max_qualitative if is_core else settings.max_affordances
        qualitative = self._qualitative(decisions, min(limit, len(numbers)))
        return qualitative + numbers[: len(qualitative) or (settings.solo_numbers if is_core else 0)]

    def _qualitative(self, decisions: Decisions, limit: int) -> list[Pick]:
        picks: list[Pick] = []
        halves: list[QuestionType] = []
        per_type = self._settings.max_per_type
        for kind in self._shuffled(types_of(Family.QUALITATIVE, self._group)):
            room = min(limit - len(picks), per_type)
            if room <= 0:
                break
            if kind.answer_kind == AnswerKind.POINT:
                picks += self._points(kind, decisions, room)
            elif kind.opposite is not None:
                if room == 2:
                    picks += self._opposed(kind, kind.opposite, decisions)
            elif room < per_type and kind.answer_kind != AnswerKind.CHOICE:
                halves.append(kind)
            else:
                picks += self._couple(kind, decisions, room)
        for kind in halves:
            # One row alone tips the balance of yes and no: only where the image would have no answer at all.
            if not picks and limit:
                picks += self._couple(kind, decisions, 1)
        return picks

    def _points(self, kind: QuestionType, decisions: Decisions, room: int) -> list[Pick]:
        picks: list[Pick] = []
        taken: Key | None = None
        while len(picks) < room and (found := self._measurable(kind, decisions, taken)) is not None:
            decided, sigma = found
            taken = key_of(decided)
            picks.append(self._measured(kind, decided, sigma))
        return picks

    def _couple(self, kind: QuestionType, decisions: Decisions, room: int) -> list[Pick]:
        first = self._sure(kind.rule, decisions, None)
        if first is None:
            return []
        positive = self._draws.coin()
        picks = [self._related(kind, first, positive, 0)]
        if room > 1:
            other = None if kind.answer_kind == AnswerKind.CHOICE else first
            second = self._sure(kind.rule, decisions, key_of(first)) or other
            if second is not None:
                picks.append(self._related(kind, second, not positive, 1))
        return picks

    def _related(self, kind: QuestionType, decided: Decided, positive: bool, turn: int) -> Pick:
        if kind.answer_kind == AnswerKind.CHOICE:
            chosen = decided.first if positive else decided.second
            variant = kind.sides[0] if positive else kind.sides[1]
            a, b = _ordered(decided, self._draws.coin())
            return Pick(kind, a, b, variant, decided, chosen=chosen, turn=turn)
        a, b = _ordered(decided, positive == kind.of_first)
        return Pick(kind, a, b, "yes" if positive else "no", decided, turn=turn)

    def _opposed(self, kind: QuestionType, opposite: Rule, decisions: Decisions) -> list[Pick]:
        yes, no = self._sure(kind.rule, decisions, None), self._sure(opposite, decisions, None)
        if yes is None or no is None:
            return []
        picks = []
        for decided, variant in ((yes, "yes"), (no, "no")):
            a, b = _ordered(decided, kind.keeps_order or self._draws.coin())
            picks.append(Pick(kind, a, b, variant, decided))
        return picks

    def _numbers(self, decisions: Decisions, limit: int) -> list[Pick]:
        picks: list[Pick] = []
        order = self._shuffled(open_numbers(decisions, self._gates, self._group))
        taken: dict[QuestionType, Key | None] = dict.fromkeys(order)
        for _ in range(self._settings.max_per_type):
            for kind in order:
                if len(picks) == limit:
                    return picks
                found = self._measurable(kind, decisions, taken[kind])
                if found is not None:
                    decided, sigma = found
                    taken[kind] = key_of(decided)
                    picks.append(self._measured(kind, decided, sigma))
        return picks

    def _sure(self, rule: Rule, decisions: Decisions, taken: Key | None) -> Decided | None:
        """Return a relation that the errors of its objects leave certain."""
        sigmas = self._settings.sure_sigmas
        found = self._sound(decisions[rule], taken, lambda item: sure_of(rule, item, self._gates, sigmas))
        return None if found is None else found[1]

    def _measurable(self, kind: QuestionType, decisions: Decisions, taken: Key | None) -> tuple[Decided, float] | None:
        """Return a number whose error is small enough, and the error."""
        max_sigma = self._settings.max_relative_sigma
        return self._sound(decisions[kind.rule], taken, lambda item: error_of(kind, item, self._gates, max_sigma))

    def _sound(
        self, items: Sequence[Decided], taken: Key | None, weigh: Callable[[Decided], _Weight | None]
    ) -> tuple[Decided, _Weight] | None:
        """Return the first item chosen that `weigh` accepts, and what it returned."""
        while (decided := self._choose(items, taken)) is not None:
            weight = weigh(decided)
            if weight is not None:
                return decided, weight
            items = [item for item in items if item is not decided]
        return None

    def _measured(self, kind: QuestionType, decided: Decided, sigma: float) -> Pick:
        forward = kind.keeps_order or self._draws.coin()
        a, b = _ordered(decided, forward)
        value = decided.margin if decided.margin > 0 else 0.0
        return Pick(kind, a, b, kind.variant_of(decided, forward), decided, value=value, sigma=sigma)

    def _choose(self, items: Sequence[Decided], taken: Key | None) -> Decided | None:
        """Return that of three spread items whose objects were asked about least, never the pair `taken`."""
        count = len(items)
        if not count:
            return None
        uses, start, stride = self._uses, self._draws.below(count), count // 3 or 1
        best, best_key, min_score = None, (0, 0), 1 << 30
        for k in range(min(count, 3)):
            item = items[(start + k * stride) % count]
            key = key_of(item)
            score = 2 * uses.get(key, 0) + uses.get(key[0], 0) + uses.get(key[1], 0)
            if score < min_score and key != taken:
                best, best_key, min_score = item, key, score
        if best is not None:
            for name in (best_key, *best_key):
                uses[name] = uses.get(name, 0) + 1
        return best

    def _shuffled(self, items: Sequence[_Item]) -> list[_Item]:
        shuffled, draws = list(items), self._draws
        for k in range(len(shuffled) - 1, 0, -1):
            other = draws.below(k + 1)
            shuffled[k], shuffled[other] = shuffled[other], shuffled[k]
        return shuffled


def _ordered(decided: Decided, forward: bool) -> tuple[SeenObject, SeenObject | None]:
    a, b = decided.first, decided.second
    return (a, b) if forward or b is None else (b, a)
