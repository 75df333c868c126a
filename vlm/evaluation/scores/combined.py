"""Totals that a benchmark weighs in a way of its own."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vlm.evaluation.items import Prediction
from vlm.evaluation.scores.choices import is_right
from vlm.evaluation.scores.interval import Score, bootstrapped

_CV_BENCH_PARTS = ("ADE20K", "COCO", "Omni3D")


def combined_scores(predictions: Sequence[Prediction]) -> Iterator[Score]:
    """Yield CV-Bench's total, ((ADE20K + COCO) / 2 + Omni3D) / 2, where all three of its parts are there."""
    own = [one for one in predictions if one.item.source == "cv_bench"]
    parts = [np.array([float(is_right(one)) for one in own if one.item.part == part]) for part in _CV_BENCH_PARTS]
    if all(len(part) for part in parts):
        yield bootstrapped("cv_bench", _cv_bench, *parts)


def _cv_bench(
    ade: NDArray[np.float64], coco: NDArray[np.float64], omni: NDArray[np.float64], axis: int
) -> NDArray[np.float64]:
    flat = (np.mean(ade, axis=axis) + np.mean(coco, axis=axis)) / 2
    return (flat + np.mean(omni, axis=axis)) / 2
