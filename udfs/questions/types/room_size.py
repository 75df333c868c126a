"""How large the floor of the room is, where the images together show its walls all around."""

from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Need, SequenceRule
from udfs.questions.sequence import Found, Sequence, SequenceSettings
from udfs.questions.unit import SQUARE_METERS

_MIN_WALLED, _MIN_AREA_M2 = 0.95, 2.0
_EDGE_M = 0.025


def _room(sequence: Sequence, settings: SequenceSettings) -> list[Found]:
    outline = sequence.fused.outline
    if not sequence.fused.has_gravity or outline is None or outline.walled < _MIN_WALLED:
        return []
    area_m2, views = outline.area_m2, sequence.fused.views
    noise_rel = max(view.sigma_rel for view in views)
    sigma_m2 = _EDGE_M * outline.outline_m + 2.0 * noise_rel * area_m2 / len(views) ** 0.5
    if area_m2 < _MIN_AREA_M2 or sigma_m2 > settings.max_relative_sigma * area_m2:
        return []
    return [Found(sequence.frames, value=area_m2, sigma=sigma_m2, margin=outline.walled, threshold=_MIN_WALLED)]


ROOM_SIZE = SequenceRule(
    name="room size",
    needs=(Need.METRIC, Need.GRAVITY),
    decide=_room,
    compares="area of the alpha shape, with a diameter of 1.5 m, of all that belongs to no object, seen from above",
    check="walls, seen over 0.6 m of height or more, lie along 95 % of its outline",
    error_is="2.5 cm along the outline, and twice the relative depth error of the area, less by the root of the number "
    "of images",
)

QUESTION_TYPES = (
    QuestionType(type_id="V11", name="size of the room", rule=ROOM_SIZE, unit=SQUARE_METERS, group=Group.VIEWS),
)
