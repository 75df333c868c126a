"""Distance of two things that no image shows together."""

import math
from itertools import combinations

import numpy as np

from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Need, SequenceRule
from udfs.questions.sequence import Found, Sequence, SequenceSettings
from udfs.questions.unit import METERS

_MIN_GAP_M = 0.3


def _apart(sequence: Sequence, settings: SequenceSettings) -> list[Found]:
    found = []
    for a, b in combinations(sequence.named, 2):
        if a.seen.keys() & b.seen.keys():
            continue
        gap_m = sequence.fused.gap_m(a.object_id, b.object_id)
        sigma_m = math.hypot(_range_error(sequence, a.object_id), _range_error(sequence, b.object_id))
        if gap_m >= _MIN_GAP_M and sigma_m <= settings.max_relative_sigma * gap_m:
            frames = tuple(sorted((_best(sequence, a.object_id), _best(sequence, b.object_id))))
            things = (a.object_id, b.object_id)
            found.append(Found(frames, things=things, value=gap_m, sigma=sigma_m, margin=gap_m, threshold=_MIN_GAP_M))
    return found


def _best(sequence: Sequence, object_id: int) -> int:
    return int(np.argmax(sequence.pixels[object_id]))


def _range_error(sequence: Sequence, object_id: int) -> float:
    """Return the error of a thing's surface: that of one view, less by the number of views."""
    seen = sequence.fused.object(object_id).seen
    errors = [sequence.fused.views[k].sigma_rel * float(one["range_m"]) for k, one in seen.items()]
    return float(np.mean(errors)) / float(np.sqrt(len(errors)))


NEVER_TOGETHER = SequenceRule(
    name="never together",
    needs=(Need.METRIC,),
    decide=_apart,
    things=2,
    compares="D_gap of the points that all images show of each, >= 0.3 m; no image shows both",
    error_is="the depth errors of both, each less by the root of its number of images",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="V07",
        name="distance of things never seen together",
        rule=NEVER_TOGETHER,
        unit=METERS,
        distance_kind="gap",
        group=Group.VIEWS,
    ),
)
