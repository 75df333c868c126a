"""Totals with weights that a benchmark defines, and the accuracy of left and right alone."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from udfs.questions.registry import ids_of_relation
from vlm.evaluation.items import Kind, Prediction
from vlm.evaluation.scores.choices import is_right
from vlm.evaluation.scores.interval import Score, bootstrapped, share

_CV_BENCH_PARTS = ("ADE20K", "COCO", "Omni3D")
# What the formats of other benchmarks call their questions about left and right.
_SIDES = ("left", "right")


def combined_scores(predictions: Sequence[Prediction]) -> Iterator[Score]:
    """Yield the accuracy of left and right, and CV-Bench's total, ((ADE20K + COCO) / 2 + Omni3D) / 2."""
    names = {*ids_of_relation("left"), *_SIDES}
    sided = [one for one in predictions if one.item.type_id.split(" ")[0] in names]
    told = [is_right(one) for one in sided if one.item.kind in (Kind.BOOL, Kind.CHOICE)]
    if told:
        yield share("left_right_accuracy", told)
    own = [one for one in predictions if one.item.source == "cv_bench"]
    parts = [np.array([float(is_right(one)) for one in own if one.item.part == part]) for part in _CV_BENCH_PARTS]
    if all(len(part) for part in parts):
        yield bootstrapped("cv_bench", _cv_bench, *parts)


def _cv_bench(
    ade: NDArray[np.float64], coco: NDArray[np.float64], omni: NDArray[np.float64], axis: int
) -> NDArray[np.float64]:
    flat = (np.mean(ade, axis=axis) + np.mean(coco, axis=axis)) / 2
    return (flat + np.mean(omni, axis=axis)) / 2
