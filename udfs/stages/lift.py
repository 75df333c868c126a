"""Lift one image: depth, masks, camera and gravity to metric geometry."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.reasons import Outcome, Reason
from udfs.garbage import collector_paused
from udfs.geometry.camera import Pinhole
from udfs.geometry.depth_map import DepthMap
from udfs.geometry.gravity import Gravity
from udfs.geometry.inputs import SceneInput
from udfs.geometry.limits import LiftSettings
from udfs.geometry.scene import lift_scene
from udfs.pixels.maps import decoded_map
from udfs.stages.rows import Row, RowRejected

_CARRIED = ("image_id", "width", "height", "camera", "camera_src", "depth_src", "scale_ok")
_DEFAULT_SIGMA_DEG = 1.0
# The depth map of `images`, which a row of `depths` without one stands for.
CRAWL_DEPTH = "crawl_depth"


def lift_row(row: Row, settings: LiftSettings) -> Row:
    """Return the columns of `scenes`, without lineage, for one image.

    `row` joins `depths` and `regions`: image_id, width, height, depth, depth_src, sigma_rel, scale_sigma_rel,
    focal_sigma_rel, scale_ok, camera, camera_src, gravity, gravity_src, gravity_sigma_deg, regions, and `crawl_depth`
    where `depth` may be None. Regions that cannot be lifted are listed in `rejected`. Raises RowRejected when the depth
    cannot be read, no camera has such intrinsics, or no object survives.
    """
    with collector_paused():
        given = scene_input(row, settings)
        scene = lift_scene(given)
    if not scene["objects"]:
        reasons = ", ".join(sorted({r["reason"] for r in scene["rejected"]})) or "no regions"
        error = f"None of {len(row['regions'] or [])} regions could be lifted ({reasons}); look at masks and depth."
        raise RowRejected(Outcome.FILTERED, Reason.NO_OBJECTS, error)
    return {
        **{name: row[name] for name in _CARRIED},
        **{name: row.get(name) for name in ("sigma_rel", "scale_sigma_rel", "focal_sigma_rel")},
        "depth_noise_rel": given.depth.noise_rel,
        **scene,
    }


def scene_input(row: Row, settings: LiftSettings) -> SceneInput:
    """Return what `lift_row` lifts; it raises as that does."""
    depth = DepthMap.of(_depth_mm(row), _camera(row))
    sigma_rel = float(row.get("sigma_rel") or 0.0)
    scale_sigma_rel = float(row.get("scale_sigma_rel") or 0.0)
    return SceneInput(depth, row["regions"] or [], _gravity(row), sigma_rel, settings, scale_sigma_rel)


def _camera(row: Row) -> Pinhole:
    camera = Pinhole.of(row["camera"])
    fault = camera.impossible(row["width"], row["height"])
    if fault:
        error = f"The intrinsics from {row['camera_src']} are those of no camera: {fault}; correct or omit them."
        raise RowRejected(Outcome.FAILED, Reason.BAD_INTRINSICS, error)
    return camera


def _depth_mm(row: Row) -> NDArray[Any]:
    try:
        depth = decoded_map(row["depth"] or row.get(CRAWL_DEPTH) or b"")
    except ValueError as fault:
        error = f"The depth map is unusable, since {fault}; it must be a one-channel uint16 PNG in mm."
        raise RowRejected(Outcome.FAILED, Reason.DEPTH_UNREADABLE, error) from fault
    if depth.dtype != np.uint16:
        error = f"The depth map is {depth.dtype}; it must be a one-channel uint16 PNG in mm."
        raise RowRejected(Outcome.FAILED, Reason.DEPTH_UNREADABLE, error)
    if depth.shape != (row["height"], row["width"]):
        error = (
            f"The depth map is {depth.shape[1]} x {depth.shape[0]} px and the image {row['width']} x "
            f"{row['height']}; resample the depth map."
        )
        raise RowRejected(Outcome.FAILED, Reason.DEPTH_SIZE_MISMATCH, error)
    if not depth.any():
        raise RowRejected(Outcome.FAILED, Reason.DEPTH_UNREADABLE, "The depth map holds no depth; all pixels are 0.")
    return depth


def _gravity(row: Row) -> Gravity | None:
    """Return the gravity that the row carries; None if it must be estimated from surfaces."""
    down = row.get("gravity")
    if down is None or len(down) != 3 or row.get("gravity_src") in (None, "none"):
        return None
    vector = np.asarray(down, dtype=np.float64)
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length < 1e-6:
        return None
    sigma = row.get("gravity_sigma_deg")
    return Gravity(-vector / length, row["gravity_src"], _DEFAULT_SIGMA_DEG if sigma is None else float(sigma))
