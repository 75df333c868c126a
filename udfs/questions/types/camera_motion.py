"""How the camera moved and turned from one image to another, as seen from the first."""

from itertools import combinations

import numpy as np

from udfs.questions.question_type import Group, QuestionType, Variant
from udfs.questions.rule import Need, SequenceRule
from udfs.questions.sequence import Found, Sequence, SequenceSettings
from udfs.questions.unit import METERS, RADIANS

MIN_SHIFT_M, DOMINANT = 0.2, 1.5
MIN_TURN_RAD, MIN_OVERLAP = np.deg2rad(10.0), 0.10
_DIRECTIONS = (("right", "left"), ("down", "up"), ("forward", "backward"))


def _shifts(sequence: Sequence, _: SequenceSettings) -> list[Found]:
    found = []
    for i, j in combinations(sequence.frames, 2):
        one, other = sequence.fused.views[i], sequence.fused.views[j]
        shift = one.pose[:3, :3].T @ (other.position - one.position)
        second, first = np.sort(np.abs(shift))[1:]
        if first >= MIN_SHIFT_M and first >= DOMINANT * second:
            axis = int(np.argmax(np.abs(shift)))
            word = _DIRECTIONS[axis][int(shift[axis] < 0)]
            found.append(Found((i, j), word, margin=float(first), threshold=max(MIN_SHIFT_M, DOMINANT * float(second))))
    return found


def _lengths(sequence: Sequence, _: SequenceSettings) -> list[Found]:
    found = []
    for i, j in combinations(sequence.frames, 2):
        shift = float(np.linalg.norm(sequence.fused.views[j].position - sequence.fused.views[i].position))
        if shift >= MIN_SHIFT_M:
            found.append(Found((i, j), value=shift, sigma=0.0, margin=shift, threshold=MIN_SHIFT_M))
    return found


def _turns(sequence: Sequence, _: SequenceSettings) -> list[Found]:
    found = []
    for i, j in combinations(sequence.frames, 2):
        one, other = sequence.fused.views[i], sequence.fused.views[j]
        x, y, z = one.pose[:3, :3].T @ other.pose[:3, 2]
        yaw, pitch = float(np.arctan2(x, z)), float(np.arctan2(-y, np.hypot(x, z)))
        turn, other_turn = (yaw, pitch) if abs(yaw) >= abs(pitch) else (pitch, yaw)
        if abs(turn) < max(MIN_TURN_RAD, DOMINANT * abs(other_turn)) or sequence.fused.overlap(i, j) < MIN_OVERLAP:
            continue
        words = ("right", "left") if turn is yaw else ("up", "down")
        found.append(
            Found(
                frames=(i, j),
                variant=words[int(turn < 0)],
                value=abs(turn),
                sigma=0.0,
                margin=abs(turn),
                threshold=float(MIN_TURN_RAD),
            )
        )
    return found


_ERROR_IS = "none: poses are taken as they are, and frames that others contradict are left out"
SHIFT = SequenceRule(
    name="camera shift",
    needs=(Need.METRIC,),
    decide=_shifts,
    compares="the camera's way in the first camera's frame: along one axis >= 0.2 m and >= 1.5 times the next",
    error_is=_ERROR_IS,
)
LENGTH = SequenceRule(
    name="camera way",
    needs=(Need.METRIC,),
    decide=_lengths,
    compares="distance of the two camera positions, >= 0.2 m",
    error_is=_ERROR_IS,
)
TURN = SequenceRule(
    name="camera turn",
    needs=(Need.METRIC,),
    decide=_turns,
    compares="angle between the optical axes in the first camera's frame, sideways or up and down, whichever is "
    "larger: >= 10 degrees and >= 1.5 times the other",
    check="the second image shows at least 10 % of what the first one shows",
    error_is=_ERROR_IS,
)

QUESTION_TYPES = (
    QuestionType(
        type_id="V01",
        name="which way the camera moved",
        rule=SHIFT,
        variants={word: Variant() for pair in _DIRECTIONS for word in pair},
        is_word=True,
        group=Group.VIEWS,
    ),
    QuestionType(type_id="V02", name="how far the camera moved", rule=LENGTH, unit=METERS, group=Group.VIEWS),
    QuestionType(
        type_id="V03",
        name="how far the camera turned",
        rule=TURN,
        unit=RADIANS,
        variants={word: Variant() for word in ("left", "right", "up", "down")},
        group=Group.VIEWS,
    ),
)
