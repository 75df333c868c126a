"""The intrinsics that are known of an image before any model sees it: the crawl's, else those of its EXIF."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Camera = dict[str, float]

# The columns of `images` that `known_intrinsics` reads.
INTRINSICS = ("camera", "exif_focal_px", "exif_focal_sigma_rel")


@dataclass(frozen=True)
class Intrinsics:
    """CAMERA struct of an image, its source (`crawl` or `exif`), and the relative 1-sigma error of the focal length."""

    camera: Camera
    source: str
    focal_sigma_rel: float


def known_intrinsics(row: Mapping[str, Any], size: tuple[int, int]) -> Intrinsics | None:
    """Return the intrinsics of an image of `size` (width, height) px; None if neither crawl nor EXIF tells them."""
    carried, focal_px = row.get("camera"), row.get("exif_focal_px")
    if carried is not None:
        return Intrinsics(carried, "crawl", 0.0)
    if focal_px is None:
        return None
    return Intrinsics(centered_camera(*size, focal_px), "exif", row.get("exif_focal_sigma_rel") or 0.0)


def centered_camera(width: int, height: int, focal_px: float) -> Camera:
    """Return the CAMERA struct of an image with square pixels and a centered principal point.

    The center of the top-left pixel is (0, 0).
    """
    return {"fx": focal_px, "fy": focal_px, "cx": (width - 1) / 2, "cy": (height - 1) / 2}
