"""What `spatiallake calibrate` finds of a depth expert on images with true depth."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DepthFit:
    """Factors and errors that make a depth expert agree with true depth.

    `depth_scale` multiplies its depth. `sigma_rel` is the relative 1-sigma depth error from object to object that is
    left then, `scale_sigma_rel` that of the scale of a whole map. Where the true intrinsics are known, `focal_scale`
    multiplies the focal length that the expert estimates, `focal_sigma_rel` is its relative error then, and `fov_deg` ±
    `fov_sigma_deg` is the field of view of the images' long side.
    """

    depth_scale: float
    sigma_rel: float
    scale_sigma_rel: float
    focal_scale: float | None = None
    focal_sigma_rel: float | None = None
    fov_deg: float | None = None
    fov_sigma_deg: float | None = None
