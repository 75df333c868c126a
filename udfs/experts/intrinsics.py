"""Intrinsics of photographs that carry none: from a focal length or a field of view, centred, square pixels."""

import math

Camera = dict[str, float]


def centred_camera(width: int, height: int, focal_px: float) -> Camera:
    """Return the CAMERA struct of a picture whose principal point is its centre; the first pixel's centre is (0, 0)."""
    return {"fx": focal_px, "fy": focal_px, "cx": (width - 1) / 2, "cy": (height - 1) / 2}


def focal_px_of(side_px: int, fov_deg: float) -> float:
    """Return the focal length in px at which a side of this length spans the angle."""
    return 0.5 * side_px / math.tan(0.5 * math.radians(fov_deg))


def fov_deg_of(side_px: int, focal_px: float) -> float:
    """Return the angle in degrees that a side of this length spans."""
    return math.degrees(2.0 * math.atan(0.5 * side_px / focal_px))


def focal_sigma_rel(fov_deg: float, fov_sigma_deg: float) -> float:
    """Return the standard error of the focal length over itself: d ln f = d fov / sin fov."""
    return math.radians(fov_sigma_deg) / math.sin(math.radians(fov_deg))
