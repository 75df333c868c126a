"""Where a point of one image is in another, or that it is not to be seen there."""

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from udfs.questions.question_type import Group, QuestionType, Variant
from udfs.questions.rule import Need, SequenceRule
from udfs.questions.sequence import Found, Sequence, SequenceSettings

if TYPE_CHECKING:
    from udfs.geometry.fusion import FusedObject
    from udfs.geometry.posed_view import PosedView

_AGREE_REL, _HIDDEN_REL, _BORDER = 0.025, 0.06, 0.03


def _points(sequence: Sequence, settings: SequenceSettings) -> list[Found]:
    found = []
    for thing in sequence.named:
        for i, j in permutations(thing.seen, 2):
            found += _reprojected(sequence, thing, (i, j))
        for i in thing.seen:
            unseen = [j for j in sequence.frames if j not in thing.seen]
            if unseen:
                draws = sequence.draws("V04", thing.object_id, i, settings=settings)
                found += _reprojected(sequence, thing, (i, draws.pick(unseen)))
    return found


def _reprojected(sequence: Sequence, thing: "FusedObject", frames: tuple[int, int]) -> list[Found]:
    one, other = (sequence.fused.views[k] for k in frames)
    pixel = _inner_pixel(one, int(thing.seen[frames[0]]["object_id"]))
    if pixel is None:
        return []
    u, v = pixel
    z_m = float(one.depth.z_m[v, u])
    point = one.to_world(one.depth.camera.unproject(np.array([float(u)]), np.array([float(v)]), np.array([z_m])))
    (place,), (depth_m,), (inside,) = other.projected(point)
    asked = _normalized(one, float(u), float(v))
    found = Found(frames, things=(thing.object_id,), asked_point=asked, margin=_AGREE_REL, threshold=_AGREE_REL)
    if not inside:
        return [found._replace(variant="hidden")] if _is_out(other, place, depth_m) else []
    at = tuple(np.rint(place).astype(int)[::-1])
    near_m, far_m = float(other.nearest_m[at]), float(other.farthest_m[at])
    if near_m > 0 and abs(near_m - depth_m) <= _AGREE_REL * depth_m and abs(far_m - depth_m) <= _AGREE_REL * depth_m:
        return [found._replace(point=_normalized(other, *place))]
    hidden = near_m > 0 and far_m < (1 - _HIDDEN_REL) * depth_m
    return [found._replace(variant="hidden")] if hidden else []


def _inner_pixel(view: "PosedView", object_id: int) -> tuple[int, int] | None:
    """Return a pixel well inside an object's mask, with a smooth depth; None where there is none."""
    import cv2

    mask = cv2.erode((view.labels == object_id).astype(np.uint8), np.ones((5, 5), np.uint8))
    smooth = (view.nearest_m > 0) & (view.farthest_m - view.nearest_m <= _AGREE_REL * view.depth.z_m)
    v, u = np.nonzero((mask > 0) & smooth)
    if not len(u):
        return None
    nearest = int(np.argmin((u - np.median(u)) ** 2 + (v - np.median(v)) ** 2))
    return int(u[nearest]), int(v[nearest])


def _is_out(view: "PosedView", place: np.ndarray, depth_m: float) -> bool:
    """Return whether a place lies behind the camera, or outside the image by more than a margin."""
    height, width = view.labels.shape
    if depth_m <= 0.0 or not np.isfinite(place).all():
        return True
    u, v = place[0] / width, place[1] / height
    return bool(max(-u, u - 1.0, -v, v - 1.0) > _BORDER)


def _normalized(view: "PosedView", u: float, v: float) -> tuple[float, float]:
    height, width = view.labels.shape
    return (float(u) + 0.5) / width, (float(v) + 0.5) / height


SAME_POINT = SequenceRule(
    name="same point",
    needs=(Need.METRIC,),
    decide=_points,
    things=1,
    compares="a point of A in the first image, projected into the second: it is seen there if the depth agrees within "
    "2.5 %, and not if it is outside the image by 3 % of its side or a surface is nearer by 6 %",
    check="depth changes by no more than 2.5 % within a pixel around both points",
    error_is="none; what is in between is not asked",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="V04",
        name="where a point is in another image",
        rule=SAME_POINT,
        is_point=True,
        variants={"value": Variant(), "hidden": Variant(is_unsaid=True)},
        group=Group.VIEWS,
    ),
)
