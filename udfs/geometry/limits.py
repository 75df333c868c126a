"""Thresholds of the lifting; each changes results, so each is part of the recipe."""

from dataclasses import dataclass

from udfs.margins import MAX_OCCLUSION


@dataclass(frozen=True)
class Limits:
    """Thresholds; lengths in m, shares in [0, 1]. Reasons and measurements are in docs/geometry.md."""

    min_points: int = 50
    min_points_sparse: int = 12
    sparse_share: float = 0.30
    denoise_from_rel: float = 0.003
    support_area_m2: float = 0.10
    floor_below_camera_m: float = 0.25
    floor_beneath_share: float = 0.01
    gravity_sigma_max_deg: float = 10.0
    occlusion_max: float = MAX_OCCLUSION
