"""How many things of a name all images show together."""

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Need, SequenceRule
from udfs.questions.sequence import Found, Sequence, SequenceSettings, bare
from udfs.questions.unit import COUNT

if TYPE_CHECKING:
    from udfs.geometry.fusion import FusedObject, FusedScene

_MIN_COUNT, _MAX_COUNT = 2, 12
_SAME_M = 0.30
_SURE = 0.999


def _counts(sequence: Sequence, _: SequenceSettings) -> list[Found]:
    lost = {name.casefold() for view in sequence.fused.views for name in view.lost}
    by_label: dict[str, list[int]] = {}
    for thing in sequence.fused.objects:
        by_label.setdefault(thing.label, []).append(thing.object_id)
    found = []
    for label, ids in by_label.items():
        things = [sequence.fused.object(one) for one in ids]
        sure = all(thing.is_whole and thing.confidence >= _SURE and not thing.is_moved for thing in things)
        if not (_MIN_COUNT <= len(ids) <= _MAX_COUNT and sure) or label.casefold() in lost:
            continue
        if not any(_may_be_one(sequence.fused, a, b) for a, b in combinations(things, 2)):
            words = {"X": bare(label)}
            value = float(len(ids))
            found.append(Found(sequence.frames, things=tuple(ids), value=value, sigma=0.0, margin=value, words=words))
    return found


def _may_be_one(fused: "FusedScene", a: "FusedObject", b: "FusedObject") -> bool:
    """Return whether two may be one thing: never seen together, and near, or missing where the other is seen."""
    if a.seen.keys() & b.seen.keys():
        return False
    if float(np.linalg.norm(a.shape.center - b.shape.center)) < _SAME_M:
        return True
    return _is_missing(fused, a, b) or _is_missing(fused, b, a)


def _is_missing(fused: "FusedScene", one: "FusedObject", other: "FusedObject") -> bool:
    """Return whether the place of a thing lies in an image that shows another thing, and not that thing itself."""
    place = fused.from_fused(one.shape.center[None])
    return any(bool(fused.views[k].projected(place)[2][0]) for k in other.seen)


COUNTED = SequenceRule(
    name="counted",
    needs=(Need.METRIC,),
    decide=_counts,
    compares="number of instances of a name, 2 to 12",
    check="each is seen whole in an image and through in none; those never seen together are at least 0.3 m apart, "
    "and no image that shows one has the place of the other in sight; no region of the name could not be lifted",
    error_is="none; what is in doubt is not asked",
)

QUESTION_TYPES = (
    QuestionType(type_id="V08", name="number in all images", rule=COUNTED, unit=COUNT, group=Group.VIEWS),
)
