"""Which of two things comes into view first."""

from itertools import combinations

import numpy as np

from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import SequenceRule
from udfs.questions.sequence import Found, Sequence, SequenceSettings

MIN_PX, _MIN_GAP_S = 200, 1.0


def _order(sequence: Sequence, settings: SequenceSettings) -> list[Found]:
    first = {}
    for thing in sequence.named:
        pixels = sequence.pixels[thing.object_id]
        shown = np.flatnonzero(pixels >= MIN_PX)
        # What was seen before by fewer pixels came into view then.
        if len(shown) and not pixels[: shown[0]].any():
            first[thing.object_id] = int(shown[0])
    frame_of = [view.frame for view in sequence.fused.views]
    found = []
    for a, b in combinations(first, 2):
        gap_s = abs(frame_of[first[a]] - frame_of[first[b]]) / settings.frame_rate_hz
        if gap_s >= _MIN_GAP_S:
            earlier, later = (a, b) if first[a] < first[b] else (b, a)
            asks_first = sequence.draws("V05", a, b, settings=settings).coin()
            found.append(
                Found(
                    frames=sequence.frames,
                    variant="earlier" if asks_first else "later",
                    things=(a, b),
                    chosen=earlier if asks_first else later,
                    margin=gap_s,
                    threshold=_MIN_GAP_S,
                )
            )
    return found


FIRST_SEEN = SequenceRule(
    name="first seen",
    needs=(),
    decide=_order,
    things=2,
    compares="the first images with at least 200 pixels of each, >= 1 s apart by `fuse.frame_rate_hz`",
    check="no earlier image shows any pixel of it",
    error_is="none",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="V05", name="comes into view first", rule=FIRST_SEEN, sides=("earlier", "later"), group=Group.VIEWS
    ),
)
