"""Which thing was moved between two images, and how far."""

from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Need, SequenceRule
from udfs.questions.sequence import Found, Sequence, SequenceSettings
from udfs.questions.unit import METERS


def _moves(sequence: Sequence, settings: SequenceSettings) -> list[Found]:
    fused = sequence.fused
    if len(fused.moved) != 1:
        return []
    move = fused.moved[0]
    if move.before not in sequence.names or move.sigma_m > settings.max_relative_sigma * move.distance_m:
        return []
    before, after = (fused.object(one) for one in (move.before, move.after))
    if not (before.is_whole and after.is_whole):
        return []
    frames = tuple(max(part.seen, key=lambda k: sequence.pixels[part.object_id][k]) for part in (before, after))
    return [
        Found(
            frames=frames,
            things=(move.before,),
            value=move.distance_m,
            sigma=move.sigma_m,
            margin=move.distance_m,
            threshold=max(0.10, 3.0 * move.sigma_m),
        )
    ]


MOVED = SequenceRule(
    name="moved",
    needs=(Need.METRIC,),
    decide=_moves,
    things=1,
    compares="distance of the centers of the two boxes, >= 0.10 m and > 3 standard errors; nothing else was moved",
    check="later images show the first place without the thing, and earlier ones the second place without it; each "
    "place is seen neither cut off nor hidden in an image",
    error_is="those of both centers, each as large as the views disagree or declare",
)

QUESTION_TYPES = (QuestionType(type_id="V06", name="what was moved", rule=MOVED, unit=METERS, group=Group.VIEWS),)
