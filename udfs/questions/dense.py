"""Which questions are asked where an image gives many answers: all types in turns, no fact more often than allowed.

Half of the rows are qualitative. Yes and no, and the two sides of a choice, come in couples or not at all, so that they
are even in every image. Of a few candidates, that is taken whose objects were asked about least. A fact is what one
relation or number says about the same objects, whichever type asks for it.
"""

import math
from collections import Counter
from typing import NamedTuple

from udfs.language.draws import Draws
from udfs.questions.candidates import Decisions, error_of
from udfs.questions.question_type import AnswerKind, Family, Group, QuestionType
from udfs.questions.registry import types_of
from udfs.questions.related import sure_of
from udfs.questions.rule import Decided, Rule
from udfs.questions.sampler import Pick
from udfs.questions.scene import Gates
from udfs.questions.settings import SynthesizeSettings

_LOOKED_AT = 3
Fact = tuple[str | int, ...]


class _Asked(NamedTuple):
    """A candidate: its decision, whether A is its first object, its variant, and its number."""

    decided: Decided
    forward: bool
    variant: str
    value: float | None = None
    sigma: float | None = None


class _Pool:
    """The candidates of one variant of a type in drawn order; each is looked at until it is asked or given up."""

    __slots__ = ("waiting",)

    def __init__(self, items: list[Decided], draws: Draws) -> None:
        count = len(items)
        start, step = draws.below(count) if count else 0, _coprime(count, draws)
        # From the end, so that taking the next one moves nothing.
        self.waiting = [items[(start + k * step) % count] for k in range(count)]


class DenseSampler:
    """Draws up to `answers_per_image` questions about one image; `left_out` counts why others were not asked."""

    def __init__(self, draws: Draws, gates: Gates, settings: SynthesizeSettings) -> None:
        self._draws = draws
        self._gates = gates
        self._settings = settings
        self._uses: Counter[int | tuple[int, ...]] = Counter()
        self._facts: Counter[Fact] = Counter()
        self._turns: Counter[str] = Counter()
        self._taken: set[tuple[str | tuple[int, ...], ...]] = set()
        self._variants: Counter[tuple[str, str]] = Counter()
        self.left_out: Counter[str] = Counter()

    def sample(self, decisions: Decisions) -> list[Pick]:
        """Return the image's questions, qualitative ones first."""
        total = self._settings.answers_per_image
        numbers = self._numbers(decisions, total // 2)
        picks = self._refused(decisions, min(len(numbers), round(total * self._settings.negative_share)))
        picks += self._qualitative(decisions, min(total // 2, len(numbers)) - len(picks))
        spare = numbers[len(picks) or self._settings.solo_numbers :]
        self.left_out["half is of the other kind"] += len(spare)
        return picks + numbers[: len(numbers) - len(spare)]

    def _refused(self, decisions: Decisions, limit: int) -> list[Pick]:
        return self._in_turns(self._kinds(Family.QUALITATIVE, True), decisions, limit)

    def _qualitative(self, decisions: Decisions, limit: int) -> list[Pick]:
        return self._in_turns(self._kinds(Family.QUALITATIVE, False), decisions, limit)

    def _numbers(self, decisions: Decisions, limit: int) -> list[Pick]:
        return self._in_turns(self._kinds(Family.QUANTITATIVE, False), decisions, limit)

    def _kinds(self, family: Family, refusing: bool) -> list[QuestionType]:
        kinds = [kind for group in (Group.CORE, Group.FURTHER) for kind in types_of(family, group)]
        wanted = self._settings.types
        return [
            kind
            for kind in kinds
            if (kind.answer_kind == AnswerKind.REFUSE) == refusing and (not wanted or kind.type_id in wanted)
        ]

    def _in_turns(self, kinds: list[QuestionType], decisions: Decisions, limit: int) -> list[Pick]:
        """Ask every type in turn, until the limit is reached or no type has anything left to ask."""
        picks: list[Pick] = []
        open_kinds = [(kind, pools) for kind in kinds if (pools := self._pools(kind, decisions))]
        self._shuffle(open_kinds)
        before = -1
        # A last place that no couple fits in stays empty.
        while open_kinds and before < len(picks) < limit:
            before, left = len(picks), []
            for kind, pools in open_kinds:
                room = limit - len(picks)
                if room <= 0:
                    break
                found = self._next(kind, pools, room)
                if found is None:
                    continue
                picks += found
                left.append((kind, pools))
            open_kinds = left
        self.left_out["enough rows"] += sum(
            len(pool.waiting) for _, pools in open_kinds for _, pool, _ in pools if len(picks) >= limit
        )
        return picks

    def _pools(self, kind: QuestionType, decisions: Decisions) -> list[tuple[str, _Pool, Rule]]:
        """Return the candidates of each variant that has to be asked as often as the others."""
        if not kind.is_open(self._gates):
            return []
        rule, items = kind.rule, decisions[kind.rule]
        if kind.group == Group.FURTHER:
            by_word: dict[str, list[Decided]] = {}
            for decided in items:
                by_word.setdefault(decided.word, []).append(decided)
            pools = [(word, _Pool(by_word[word], self._draws), rule) for word in kind.variants if word in by_word]
            return pools if len(pools) == len(kind.variants) or not _is_even(kind) else []
        if kind.answer_kind == AnswerKind.NUMBER:
            return [("", _Pool(items, self._draws), rule)] if items else []
        words = kind.sides or ("yes", "no")
        no_rule = kind.opposite or rule
        if not items or not decisions[no_rule]:
            return []
        return [
            (words[0], _Pool(items, self._draws), rule),
            (words[1], _Pool(decisions[no_rule], self._draws), no_rule),
        ]

    def _next(self, kind: QuestionType, pools: list[tuple[str, _Pool, Rule]], room: int) -> list[Pick] | None:
        """Return the next question of a type, or couple of questions, none where it has nothing left."""
        if not _is_even(kind):
            # Words that were answered least come first.
            for word, pool, rule in sorted(pools, key=lambda one: self._variants[kind.type_id, one[0]]):
                found = self._take(kind, word, pool, rule)
                if found is not None:
                    return [self._pick(kind, found)]
            return None
        if room < len(pools):
            return []
        couple: list[_Asked] = []
        for word, pool, rule in pools:
            found = self._take(kind, word, pool, rule)
            if found is None:
                for undone in couple:
                    self._count(kind, undone, -1)
                return None
            couple.append(found)
        return [self._pick(kind, found) for found in couple]

    def _take(self, kind: QuestionType, word: str, pool: _Pool, rule: Rule) -> _Asked | None:
        """Return the best of the next few candidates that may still be asked, and count it as asked."""
        best, best_score, looked, keep = None, math.inf, 0, []
        waiting = pool.waiting
        while waiting and looked < _LOOKED_AT:
            decided = waiting.pop()
            asked = self._asked(kind, word, decided, rule)
            if asked is None:
                continue
            looked += 1
            keep.append(decided)
            score = self._score(decided)
            if score < best_score:
                best, best_score = asked, score
        if best is None:
            return None
        waiting += [decided for decided in reversed(keep) if decided is not best.decided]
        self._count(kind, best, 1)
        return best

    def _asked(self, kind: QuestionType, word: str, decided: Decided, rule: Rule) -> _Asked | None:
        """Return a candidate as it would be asked, None for what is not sure enough or was asked too often."""
        settings, value, sigma = self._settings, None, None
        if self._facts[_fact(kind, decided)] >= settings.max_per_fact:
            self.left_out["the fact was asked often enough"] += 1
            return None
        if len(decided.things) == 2 and self._uses[_key(decided)] >= settings.max_per_pair:
            self.left_out["the pair was asked about often enough"] += 1
            return None
        if kind.answer_kind == AnswerKind.NUMBER or (kind.answer_kind == AnswerKind.POINT and kind.unit):
            sigma = error_of(kind, decided, self._gates, settings.max_relative_sigma)
            value = decided.margin if decided.margin > 0 else 0.0
            if sigma is None:
                self.left_out["the error of the number is too large"] += 1
                return None
        elif kind.group == Group.CORE:
            sure = sure_of(rule, decided, self._gates, settings.sure_sigmas)
            if sure is None:
                self.left_out["the relation is within its error"] += 1
                return None
            decided = sure
        forward, variant = self._way(kind, word, decided)
        if self._name(kind, decided, forward, variant) in self._taken:
            return None
        return _Asked(decided, forward, variant, value, sigma)

    def _way(self, kind: QuestionType, word: str, decided: Decided) -> tuple[bool, str]:
        """Return whether A is the decision's first object, and the variant."""
        if kind.group == Group.FURTHER:
            return True, word
        if kind.answer_kind == AnswerKind.NUMBER:
            forward = kind.keeps_order or self._draws.coin()
            return forward, kind.variant_of(decided, forward)
        if kind.answer_kind == AnswerKind.CHOICE or kind.opposite is not None:
            return kind.keeps_order or self._draws.coin(), word
        return (word == "yes") == kind.of_first, word

    def _name(
        self, kind: QuestionType, decided: Decided, forward: bool, variant: str
    ) -> tuple[str | tuple[int, ...], ...]:
        ids = _key(decided) if kind.answer_kind != AnswerKind.BOOL or kind.opposite else _ids(decided, forward)
        given = decided.given
        return kind.type_id, ids, variant if kind.sides and not kind.unit else "", given.fact if given else ""

    def _score(self, decided: Decided) -> int:
        uses = self._uses
        key = _key(decided)
        return 2 * uses[key] + sum([uses[one] for one in key])

    def _count(self, kind: QuestionType, asked: _Asked, by: int) -> None:
        decided = asked.decided
        key = _key(decided)
        for name in (key, *key):
            self._uses[name] += by
        self._facts[_fact(kind, decided)] += by
        self._variants[kind.type_id, asked.variant] += by
        name = self._name(kind, decided, asked.forward, asked.variant)
        if by > 0:
            self._taken.add(name)
        else:
            self._taken.discard(name)

    def _pick(self, kind: QuestionType, asked: _Asked) -> Pick:
        decided = asked.decided
        a, b = decided.first, decided.second
        if not asked.forward and b is not None:
            a, b = b, a
        turn = self._turns[kind.type_id]
        self._turns[kind.type_id] += 1
        chosen = None
        if kind.answer_kind == AnswerKind.CHOICE:
            given = decided.given
            if given is not None and given.chosen is not None:
                chosen = given.chosen
            else:
                chosen = decided.first if asked.variant == kind.sides[0] else decided.second
        return Pick(kind, a, b, asked.variant, decided, chosen, asked.value, asked.sigma, turn)

    def _shuffle(self, items: list[tuple[QuestionType, list[tuple[str, _Pool, Rule]]]]) -> None:
        for k in range(len(items) - 1, 0, -1):
            other = self._draws.below(k + 1)
            items[k], items[other] = items[other], items[k]


def facts_of(picks: list[Pick]) -> Counter[Fact]:
    """Return how often each fact is asked."""
    return Counter(_fact(pick.kind, pick.decided) for pick in picks)


def _is_even(kind: QuestionType) -> bool:
    """Return whether the variants of a type have to be asked equally often: yes and no, or two sides."""
    return kind.answer_kind == AnswerKind.BOOL or (kind.answer_kind == AnswerKind.CHOICE and bool(kind.sides))


def _fact(kind: QuestionType, decided: Decided) -> Fact:
    given = decided.given
    return kind.relation, given.fact if given is not None else "", *_key(decided)


def _key(decided: Decided) -> tuple[int, ...]:
    a, b = decided[0].object_id, decided[1]
    if b is None:
        return (a,)
    if not decided.others:
        return (a, b.object_id) if a < b.object_id else (b.object_id, a)
    return tuple(sorted([a, b.object_id, *(other.object_id for other in decided.others)]))


def _ids(decided: Decided, forward: bool) -> tuple[int, ...]:
    ids = tuple(thing.object_id for thing in decided.things)
    return ids if forward or len(ids) != 2 else ids[::-1]


def _coprime(count: int, draws: Draws) -> int:
    """Return a drawn step that visits each of `count` places once."""
    step = 1 + draws.below(count) if count else 1
    while math.gcd(step, count or 1) != 1:
        step += 1
    return step
