"""Scores of yes/no and multiple choice: accuracy, balanced accuracy, CircularEval and FlipEval."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vlm.evaluation.items import Item, Kind, Prediction
from vlm.evaluation.scores.interval import Score, bootstrapped, mean, share


def is_right(one: Prediction) -> bool:
    """Return whether a yes/no answer or a choice is correct; an unparsed one is not."""
    truth = one.item.truth
    return one.parsed and one.reading.value == (truth.yes if one.item.kind == Kind.BOOL else truth.choice)


def bool_scores(predictions: Sequence[Prediction]) -> Iterator[Score]:
    """Yield accuracy, and balanced accuracy if both yes and no occur."""
    yield share("yes_no_accuracy", [is_right(one) for one in predictions])
    classes = [
        np.array([float(is_right(one)) for one in predictions if one.item.truth.yes is yes]) for yes in (True, False)
    ]
    if all(len(one) for one in classes):
        yield bootstrapped("balanced_accuracy", _mean_of_means, *classes)


def choice_scores(predictions: Sequence[Prediction]) -> Iterator[Score]:
    """Yield accuracy, CircularEval over rotations, FlipEval over mirror images, and both together."""
    yield share("choice_accuracy", [is_right(one) for one in predictions])
    for name, key in (("CircularEval", _circular), ("FlipEval", _flip), ("CircularEval+FlipEval", _both)):
        groups = grouped(predictions, key)
        if len(groups) < len(predictions):
            yield mean(name, [float(all(group)) for group in groups.values()])


def grouped(predictions: Sequence[Prediction], key: Callable[[Item], str | None]) -> dict[str, list[bool]]:
    """Return the correctness of answers by group; an item without a group forms its own."""
    groups: dict[str, list[bool]] = {}
    for one in predictions:
        groups.setdefault(key(one.item) or f"item {one.item.item_id}", []).append(is_right(one))
    return groups


def _circular(item: Item) -> str | None:
    return item.circular_group


def _flip(item: Item) -> str | None:
    return item.flip_group


def _both(item: Item) -> str | None:
    """Return a common key for all rotations of an item and of its mirror image."""
    if item.circular_group is None or item.flip_group is None:
        return None
    return item.circular_group.removesuffix("-flip")


def _mean_of_means(yes: NDArray[np.float64], no: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return (np.mean(yes, axis=axis) + np.mean(no, axis=axis)) / 2
