"""Baselines without images, which a model has to beat to show that it uses the image.

They are fitted on training items, or else by five-fold cross-validation on the items themselves.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from udfs.language.draws import seed_of
from vlm.evaluation.items import Answer, AnswerSet, Item, Kind

FOLDS = 5
TEXT_ONLY_PRIOR = "text-only prior"
TRAINING, CROSS_FITTED = "training items", "other folds of the items"
_UNITS = {"m": "m", "m2": "m2", "m3": "m3", "ratio": "times", "count": ""}
_MIDDLE = {Kind.POINT: "(0.5, 0.5)", Kind.BOX: "[0.25, 0.25, 0.75, 0.75]"}

Key = Callable[[Item], tuple[str, ...]]
Fit = Callable[[Sequence[Item]], Callable[[Item], str]]


@dataclass(frozen=True)
class Baseline:
    """Answers of one baseline, its items, and the data that it was fitted on."""

    answers: AnswerSet
    items: list[Item]
    fitted_on: str


def baselines(items: Sequence[Item], training: Sequence[Item] | None = None) -> list[Baseline]:
    """Return the answers of all baselines; the two constant ones answer only numbers."""
    numbers = [item for item in items if item.kind == Kind.NUMBER]
    fitted = [
        _answered("majority per type", _by_type, items, training),
        _answered(TEXT_ONLY_PRIOR, _by_words, items, training),
    ]
    if numbers:
        fitted.append(_answered("always the mean", _always(fmean), numbers, training))
        fitted.append(_answered("always the median", _always(median), numbers, training))
    return fitted


def _answered(name: str, fit: Fit, items: Sequence[Item], training: Sequence[Item] | None) -> Baseline:
    if training is not None:
        answer = fit(training)
        answers = [Answer(answer(item), item.item_id) for item in items]
        return Baseline(AnswerSet(name, answers), list(items), TRAINING)
    folds = [_fold(item) for item in items]
    answers = []
    for fold in range(FOLDS):
        answer = fit([item for item, own in zip(items, folds, strict=True) if own != fold])
        answers += [Answer(answer(item), item.item_id) for item, own in zip(items, folds, strict=True) if own == fold]
    return Baseline(AnswerSet(name, answers), list(items), CROSS_FITTED)


def _fold(item: Item) -> int:
    """Return the fold of an item, which its rotations and mirror image share, since they reveal its answer."""
    group = (item.circular_group or item.flip_group or item.item_id).removesuffix("-flip")
    return seed_of("fold", group) % FOLDS


def _by_type(training: Sequence[Item]) -> Callable[[Item], str]:
    return _fitted(training, [_type])


def _by_words(training: Sequence[Item]) -> Callable[[Item], str]:
    """Fit by type and both object kinds, falling back to one kind and to the type for unseen ones."""
    return _fitted(training, [_type_and_kinds, _type_and_first, _type_and_second, _type], by_option=True)


def _always(middle: Callable[[list[float]], float]) -> Fit:
    def fit(training: Sequence[Item]) -> Callable[[Item], str]:
        values: dict[str | None, list[float]] = defaultdict(list)
        for item in training:
            if item.truth.value_si is not None:
                values[item.truth.unit_si].append(item.truth.value_si)
        answers = {unit: number_text(middle(own), unit) for unit, own in values.items()}
        return lambda item: answers.get(item.truth.unit_si, "")

    return fit


def _fitted(training: Sequence[Item], keys: list[Key], by_option: bool = False) -> Callable[[Item], str]:
    common = [{key: _common(group) for key, group in _groups(training, of).items()} for of in keys]
    wins = [_option_wins(training, key) for key in keys] if by_option else []

    def answer(item: Item) -> str:
        if item.kind in _MIDDLE:
            return _MIDDLE[item.kind]
        for place, of in enumerate(keys):
            key = of(item)
            if key in common[place] and by_option and item.kind == Kind.CHOICE:
                return _likeliest(item, wins[place][key])
            if key in common[place]:
                return common[place][key]
        return ""

    return answer


def _type(item: Item) -> tuple[str, ...]:
    # The correct one of two options depends on the side that is asked for.
    word = item.sides if item.kind == Kind.CHOICE else ()
    return (item.kind, item.type_id, item.truth.unit_si or "", *word)


def _type_and_kinds(item: Item) -> tuple[str, ...]:
    return (*_type(item), *item.kinds)


def _type_and_first(item: Item) -> tuple[str, ...]:
    return (*_type(item), "first", *item.kinds[:1])


def _type_and_second(item: Item) -> tuple[str, ...]:
    return (*_type(item), "second", *item.kinds[1:2])


def _groups(training: Sequence[Item], key: Key) -> dict[tuple[str, ...], list[Item]]:
    groups: dict[tuple[str, ...], list[Item]] = defaultdict(list)
    for item in training:
        groups[key(item)].append(item)
    return groups


def _common(group: list[Item]) -> str:
    """Return the most frequent answer of items of one kind, type and unit; for numbers, the median and side."""
    kind, unit_si = group[0].kind, group[0].truth.unit_si
    if kind == Kind.NUMBER:
        sides = Counter(one.truth.side for one in group if one.truth.side)
        value = median([one.truth.value_si for one in group if one.truth.value_si is not None])
        return f"{number_text(value, unit_si)} {sides.most_common(1)[0][0] if sides else ''}".strip()
    if kind == Kind.BOOL:
        return "yes" if sum(bool(one.truth.yes) for one in group) * 2 > len(group) else "no"
    if kind == Kind.CLOCK:
        return f"{Counter(one.truth.clock_h for one in group).most_common(1)[0][0]:g} o'clock"
    return Counter(one.answer for one in group).most_common(1)[0][0]


def _option_wins(training: Sequence[Item], key: Key) -> dict[tuple[str, ...], dict[str, list[int]]]:
    """Count by group and option how often it was offered and how often it was correct."""
    wins: dict[tuple[str, ...], dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for item in training:
        for place, option in enumerate(_options(item)):
            counts = wins[key(item)][option]
            counts[0] += 1
            counts[1] += place == item.truth.choice
    return wins


def _likeliest(item: Item, wins: dict[str, list[int]]) -> str:
    """Return the letter of the option with the highest smoothed win rate; unseen options get that of guessing."""
    guess = 1 / len(item.options)
    shares = []
    for option in _options(item):
        offered, right = wins.get(option, [0, 0])
        shares.append((right + guess) / (offered + 1))
    return chr(ord("A") + shares.index(max(shares)))


def _options(item: Item) -> list[str]:
    """Return the keys of options: the kinds of their objects if they are distinct, else their texts."""
    named = len(item.kinds) == len(item.options) and len(set(item.kinds)) == len(item.kinds)
    return [option.lower() for option in (item.kinds if named else item.options)]


def number_text(value_si: float, unit_si: str | None) -> str:
    """Return a number with its unit as the text of an answer, angles in degrees."""
    if unit_si == "rad":
        return f"{math.degrees(value_si):.6g} degrees"
    return f"{value_si:.6g} {_UNITS[unit_si or 'm']}".strip()
