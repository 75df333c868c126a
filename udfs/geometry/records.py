"""Builds the nested structs of `scenes` rows: objects, planes and rejected regions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.reasons import Reason
from udfs.geometry.boxes import upright_corners
from udfs.geometry.frame import WorldFrame
from udfs.geometry.inputs import SceneInput
from udfs.geometry.primitives import middle_pixel
from udfs.geometry.size_error import Measured, size_error
from udfs.geometry.supports import Base, Ground
from udfs.geometry.visibility import occlusion, truncated
from udfs.margins import size_sigma_limit_m

_MIN_FRONT_HORIZONTAL = 0.3


def rejected_record(region: Mapping[str, Any], reason: Reason, detail: str) -> dict[str, Any]:
    """Return a REJECTED_OBJECT struct."""
    return {"region_id": int(region["region_id"]), "reason": str(reason), "detail": detail}


def plane_record(plane_id: int, ground: Ground) -> dict[str, Any]:
    """Return a PLANE struct."""
    support = ground.supports[plane_id]
    return {
        "plane_id": plane_id,
        "kind": ground.kinds[plane_id],
        "height_m": ground.height_m(plane_id),
        "normal_c": _floats(support.normal_c),
        "offset_m": support.offset_m,
        "area_m2": support.area_m2,
        "inliers": len(support.patches),
    }


def object_record(scene: SceneInput, thing: Measured, frame: WorldFrame, base: Base) -> dict[str, Any]:
    """Return an OBJECT struct."""
    height, width = scene.depth.z_m.shape
    cut, _, shape, _ = thing
    u, v = middle_pixel(cut.crop)
    cut_off = truncated(cut.crop, height, width)
    hidden = occlusion(scene.depth, cut.crop, cut.kept, cut.bleed.max_width_px)
    region = cut.region
    fully_visible = not cut_off and hidden <= scene.limits.occlusion_max and not base.floating
    return {
        "object_id": int(region["region_id"]),
        "label": region.get("label"),
        "captions": list(region.get("captions") or []),
        "n_points": cut.n_points,
        "center_m": list(shape.center),
        "lo_m": list(shape.lo),
        "hi_m": list(shape.hi),
        "range_m": shape.range,
        "depth_m": shape.depth,
        "center_c_m": list(shape.center_c),
        "u_norm": u / width,
        "v_norm": v / height,
        "bbox_px": list(cut.crop.bbox_px),
        "area_px": cut.crop.area_px,
        "sigma_m": scene.sigma_rel * shape.range,
        "edge_sigma_px": region.get("edge_sigma_px"),
        "yaw_rad": shape.box.yaw_rad,
        "yaw_box_m": [shape.box.x_m, shape.box.y_m, shape.box.long_m, shape.box.short_m],
        "foot_m": _floats(shape.foot),
        **_size(scene, thing, frame, base, fully_visible),
        "truncated": cut_off,
        "occlusion": hidden,
        **_front(region.get("front"), frame),
        "support_plane_id": base.plane_id,
    }


def _size(scene: SceneInput, thing: Measured, frame: WorldFrame, base: Base, fully_visible: bool) -> dict[str, Any]:
    _, _, shape, box = thing
    if box is not None:
        return {
            "size_source": "amodal",
            "size_m": list(box.size_m),
            "volume_m3": box.volume_m3,
            "size_ok": True,
            "corners_m": _floats(box.corners_m),
            "height_sigma_m": None,
            "box_sigma_m": None,
        }
    error = size_error(scene.depth, thing, frame, base)
    low_m = shape.lo[2] if base.height_m is None else min(base.height_m, shape.lo[2])
    extent = (*shape.extent[:2], shape.hi[2] - low_m)
    whole = shape.body.box if shape.body else shape.box
    return {
        "size_source": "visible" if base.height_m is None else "support",
        "size_m": [*extent, whole.long_m, whole.short_m],
        "volume_m3": float(np.prod(extent)),
        "size_ok": fully_visible and error.height_m <= size_sigma_limit_m(extent[2]),
        "corners_m": _floats(upright_corners(whole, low_m, shape.hi[2])),
        "height_sigma_m": error.height_m,
        "box_sigma_m": error.center_m,
    }


def _front(front: Any, frame: WorldFrame) -> dict[str, Any]:
    """Return the unit horizontal front in W and the length of its horizontal part; NULL below 0.3."""
    nothing = {"front_w": None, "front_confidence": None}
    if front is None or len(front) != 3 or not np.isfinite(front).all() or not np.any(front):
        return nothing
    direction = frame.rotation @ (np.asarray(front, dtype=np.float64) / np.linalg.norm(front))
    level = float(np.hypot(direction[0], direction[1]))
    if level < _MIN_FRONT_HORIZONTAL:
        return nothing
    return {
        "front_w": [float(direction[0]) / level, float(direction[1]) / level, 0.0],
        "front_confidence": min(1.0, level),
    }


def _floats(values: NDArray[np.float64]) -> list[float]:
    return [float(value) for value in np.ravel(values)]
