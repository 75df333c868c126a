"""Holds intrinsics against the image's size, and against 3D boxes that lie over their masks."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from udfs.crawl.box_fit import Box
from udfs.geometry.camera import Pinhole
from udfs.pixels.orientation import Size

# A principal point farther outside belongs to another image; shifted lenses and crops stay nearer.
_OUTSIDE_SIDES = 0.25
# Both coordinates of the principal point scale with the image, and lie in the middle within a few percent.
_SCALE_FROM, _SCALE_ALIKE, _TURN_ALIKE = 0.3, 0.08, 0.03
_TURN_ASPECT = 1.2
_MAX_NORMALIZED = 12.0
_MAX_FOCAL_MM = 100.0
_MIN_BOXES, _MIN_ZOOM_BOXES = 2, 3
# Masks that are cut off or half hidden move their medians by some of the objects' spread.
_FACTOR_FROM, _RESIDUAL_OF_SPREAD, _RESIDUAL_OF_UNSCALED = 0.25, 0.15, 0.5


def intrinsics_fault(camera: Mapping[str, float], size: Size, boxes: Sequence[Box]) -> str | None:
    """Return a sentence why intrinsics do not belong to an image of `size` (width, height) px, None where they may.

    An off-center principal point, as of a crop, is believed when at least two boxes lie over their masks with it.
    """
    pinhole = Pinhole.of(camera)
    fault = pinhole.impossible(*size)
    if fault:
        return f"Camera is invalid: {fault}; {_remedy(pinhole, size)}."
    fault, confirmed = _by_boxes(pinhole, size, boxes)
    if fault or confirmed:
        return fault
    where = f"cx = {pinhole.cx!r} and cy = {pinhole.cy!r} px"
    if _is_outside(pinhole, size):
        return f"Camera is invalid: {where} lie outside the image of {_px(size)}; {_remedy(pinhole, size)}."
    scale = _scale_by_center(pinhole, size)
    if scale is not None:
        return f"Camera is invalid: {where} are not near the middle of {_px(size)}; {_rescale(scale, size)}."
    if _is_turned(pinhole, size):
        turned = (size[1], size[0])
        return f"Camera is invalid: {where} fit an image of {_px(turned)}, and this one has {_px(size)}; turn them."
    return None


def _by_boxes(camera: Pinhole, size: Size, boxes: Sequence[Box]) -> tuple[str | None, bool]:
    """Return a sentence if boxes show that the camera is of another image, and whether they show that it is right."""
    over = [covers for covers in (box.covers(camera, size) for box in boxes) if covers is not None]
    if len(over) < _MIN_BOXES:
        return None, False
    projected, seen = _centers(camera, size, boxes)
    zoom = _factor(projected - (camera.cx, camera.cy), seen - (camera.cx, camera.cy))
    if zoom is not None and len(over) >= _MIN_ZOOM_BOXES:
        misfit = f"the {len(over)} boxes lie over their masks with fx and fy {zoom:.2f} times as large"
        return f"Camera contradicts `instances`: {misfit}; write the focal length of this image in px.", False
    if 2 * sum(over) < len(over):
        scale = _scale_by_center(camera, size) or _inverse(_factor(projected, seen))
        if scale is not None:
            misfit = f"the boxes of {len(over) - sum(over)} of {len(over)} objects do not lie over their masks"
            return f"Camera contradicts `instances`: {misfit}; {_rescale(scale, size)}.", False
    return None, all(over)


def _remedy(camera: Pinhole, size: Size) -> str:
    width, height = size
    if max(camera.fx, camera.fy) <= _MAX_NORMALIZED and 0 <= camera.cx <= 1 and 0 <= camera.cy <= 1:
        return f"they look divided by the image's sides, so multiply fx and cx by {width}, fy and cy by {height}"
    scale = _scale_by_center(camera, size)
    if scale is not None:
        return _rescale(scale, size)
    if max(camera.fx, camera.fy) <= _MAX_FOCAL_MM and min(camera.fx, camera.fy) > 1:
        return "a focal length in mm must be given in px"
    return f"write the intrinsics of this image of {_px(size)}, in px, or omit them"


def _rescale(scale: float, size: Size) -> str:
    width, height = size
    fits = f"they fit an image of about {width * scale:.0f} x {height * scale:.0f} px, {scale:.3g} times this one"
    return f"{fits}, so multiply all four by {1 / scale:.3g}"


def _px(size: Size) -> str:
    return f"{size[0]} x {size[1]} px"


def _is_outside(camera: Pinhole, size: Size) -> bool:
    low, high = -_OUTSIDE_SIDES, 1 + _OUTSIDE_SIDES
    return not all(low <= at / side <= high for at, side in zip((camera.cx, camera.cy), size, strict=True))


def _scale_by_center(camera: Pinhole, size: Size) -> float | None:
    """Return how many times larger the image is whose middle the principal point is; None if about 1 or unclear."""
    across, down = (2 * (at + 0.5) / side for at, side in zip((camera.cx, camera.cy), size, strict=True))
    scale = (across + down) / 2
    if scale <= 0 or abs(scale - 1) <= _SCALE_FROM or abs(across - down) > 2 * _SCALE_ALIKE * scale:
        return None
    return scale


def _is_turned(camera: Pinhole, size: Size) -> bool:
    width, height = size
    if max(size) < _TURN_ASPECT * min(size):
        return False
    across, down = (camera.cx + 0.5) / height, (camera.cy + 0.5) / width
    return abs(across - 0.5) <= _TURN_ALIKE and abs(down - 0.5) <= _TURN_ALIKE


def _centers(camera: Pinhole, size: Size, boxes: Sequence[Box]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centers (n, 2), px, of the projected boxes and of their masks.

    Of a box that the image cuts off, the part within the image is projected, since the mask shows no other.
    """
    pairs = [(box.rectangle(camera), box.seen) for box in boxes]
    known = [(_middle_within(r, size), (s.u, s.v)) for r, s in pairs if r is not None and s is not None]
    projected, seen = zip(*known, strict=True)
    return np.array(projected), np.array(seen)


def _middle_within(rectangle: tuple[float, float, float, float], size: Size) -> tuple[float, float]:
    u0, v0, u1, v1 = rectangle
    width, height = size
    if u1 > 0 and v1 > 0 and u0 < width - 1 and v0 < height - 1:
        u0, v0, u1, v1 = max(u0, 0.0), max(v0, 0.0), min(u1, width - 1.0), min(v1, height - 1.0)
    return (u0 + u1) / 2, (v0 + v1) / 2


def _factor(projected: NDArray[np.float64], seen: NDArray[np.float64]) -> float | None:
    """Return the factor that takes projections (n, 2) to masks; None if about 1, or if no factor does."""
    factor = float((projected * seen).sum() / (projected**2).sum())
    if factor <= 0 or abs(np.log(factor)) < _FACTOR_FROM:
        return None
    off, unscaled = (float(np.median(np.linalg.norm(seen - k * projected, axis=1))) for k in (factor, 1.0))
    spread = float(np.linalg.norm(np.ptp(seen, axis=0)))
    return factor if off < _RESIDUAL_OF_SPREAD * spread and off < _RESIDUAL_OF_UNSCALED * unscaled else None


def _inverse(factor: float | None) -> float | None:
    return None if factor is None else 1 / factor
