"""Where a thing is after one has moved and turned as stated: to the left or right, closer or farther."""

from typing import TYPE_CHECKING

import numpy as np

from udfs.questions.question_type import Group, QuestionType, Variant
from udfs.questions.rule import Need, SequenceRule
from udfs.questions.sequence import Found, Sequence, SequenceSettings

if TYPE_CHECKING:
    from udfs.geometry.fusion import FusedObject

_STEPS_M = (1.0, 1.5, 2.0, 3.0)
_TURNS_DEG = (90, -90, 180)
_MIN_ANGLE_RAD, _MIN_CHANGE_M = np.deg2rad(10.0), 0.5
_MAX_SIGMA_M, _SIGMAS = 0.15, 2.0
_SAID = {90: "turn left by 90 degrees", -90: "turn right by 90 degrees", 180: "turn around"}


def _after(sequence: Sequence, settings: SequenceSettings) -> list[Found]:
    fused, found = sequence.fused, []
    if not fused.has_gravity:
        return []
    for thing in sequence.named:
        if not thing.is_whole or thing.shape.center_sigma_m > _MAX_SIGMA_M:
            continue
        for k in thing.seen:
            draws = sequence.draws("V09", thing.object_id, k, settings=settings)
            step_m, turn_deg = draws.pick(_STEPS_M), draws.pick(_TURNS_DEG)
            view = fused.views[k]
            position = fused.to_fused(view.position[None])[0]
            ahead = fused.rotation @ view.pose[:3, 2]
            heading = float(np.arctan2(ahead[1], ahead[0]))
            new = position + step_m * np.array([np.cos(heading), np.sin(heading), 0.0])
            words = {"step": f"{step_m:g} meter{'' if step_m == 1 else 's'}", "turn": _SAID[turn_deg]}
            stated = Found((k,), things=(thing.object_id,), words=words, asked_m=step_m)
            if draws.coin():
                stated = stated._replace(asked_rad=float(np.deg2rad(turn_deg)))
                found += _sideways(thing.shape.center - new, heading + np.deg2rad(turn_deg), stated, thing)
            else:
                change_m = float(
                    np.linalg.norm(thing.shape.center - new) - np.linalg.norm(thing.shape.center - position)
                )
                margin_m = _MIN_CHANGE_M + _SIGMAS * thing.shape.center_sigma_m
                if abs(change_m) >= margin_m:
                    word = "closer" if change_m < 0 else "farther"
                    found.append(stated._replace(variant=word, margin=abs(change_m), threshold=margin_m))
    return found


def _sideways(apart: np.ndarray, heading: float, stated: Found, thing: "FusedObject") -> list[Found]:
    left = float(np.arctan2(apart[1], apart[0])) - heading
    left = (left + np.pi) % (2 * np.pi) - np.pi
    level_m = float(np.hypot(apart[0], apart[1]))
    margin = _MIN_ANGLE_RAD + _SIGMAS * thing.shape.center_sigma_m / max(level_m, 1e-6)
    aside = min(abs(left), np.pi - abs(left))
    if aside < margin:
        return []
    return [stated._replace(variant="left" if left > 0 else "right", margin=aside, threshold=float(margin))]


AFTER_MOVING = SequenceRule(
    name="after moving",
    needs=(Need.METRIC, Need.GRAVITY),
    decide=_after,
    things=1,
    compares="the center of the fused box, as seen level from the new place: >= 10 degrees to a side, or nearer or "
    "farther by >= 0.5 m, each beyond two standard errors of the center",
    check="an image shows A neither cut off nor hidden; its center is known to 0.15 m",
    error_is="that of the center",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="V09",
        name="where it is after moving",
        rule=AFTER_MOVING,
        variants={word: Variant() for word in ("left", "right", "closer", "farther")},
        is_word=True,
        group=Group.VIEWS,
    ),
)
