"""Direction of one object from the camera: how many degrees to the left or right of straight ahead."""

import math

from udfs.questions.question_type import QuestionType, Variant
from udfs.questions.rule import Decided, ObjectRule
from udfs.questions.scene import Gates
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.unit import RADIANS

_AHEAD_RAD = math.radians(5.0)


def _direction(a: SeenObject, _gates: Gates, _settings: SynthesizeSettings) -> Decided | None:
    off = abs(a.bearing_rad)
    if not off < math.pi / 2:
        return None
    side = "ahead" if off < _AHEAD_RAD else "right" if a.bearing_rad > 0 else "left"
    return Decided(a, None, off, _AHEAD_RAD, side)


def _error(decided: Decided, gates: Gates) -> float:
    a = decided.first
    # A focal length that is off stretches the tangent of the bearing.
    focal = 0.5 * gates.focal_sigma_rel * math.sin(2 * decided.margin)
    # Depth errors run along the ray and leave its direction alone.
    level = math.hypot(a.ray_x, a.ray_y)
    if not level > 0:
        return math.inf
    bearing = math.hypot(a.pixel_m / a.range_m / level, gates.gravity_sigma_rad * a.ray_z / level)
    return math.hypot(bearing, focal)


DIRECTION = ObjectRule(
    name="direction",
    needs=(),
    decide=_direction,
    error=_error,
    compares='atan2(-m_y, m_x), without G atan2(x_C, z_C), + right; under 5 degrees "straight ahead"',
    check="in front of the camera; the standard error is at most 5 degrees",
    error_is="one pixel, the error of gravity times the slope of the ray, and the error of the "
    "focal length; depth does not enter",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="N17",
        name="direction from the camera",
        title="Direction from camera",
        rule=DIRECTION,
        sides=("left", "right"),
        unit=RADIANS,
        variants={"left": Variant(), "right": Variant(), "ahead": Variant(is_unsaid=True)},
        max_error=lambda *_: _AHEAD_RAD,
        is_mirrored=True,
    ),
)
