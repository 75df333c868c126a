"""The settings of lifting: thresholds of the geometry, each of which changes results and with them the recipe."""

from typing import Any

from pydantic import Field

from schemas.settings import Settings
from udfs.margins import MAX_OCCLUSION


class LiftSettings(Settings):
    """Thresholds of lifting; lengths in m, shares in [0, 1]. Reasons and measurements are in docs/geometry.md."""

    min_points: int = Field(default=50, ge=3, description="fewest clean points of an object on a dense depth map")
    min_points_sparse: int = Field(default=12, ge=3, description="fewest clean points on a sparse depth map")
    sparse_share: float = Field(default=0.30, ge=0, le=1, description="a map with fewer valid pixels is sparse")
    denoise_from_rel: float = Field(default=0.003, ge=0, description="relative noise above which depth is denoised")
    support_area_m2: float = Field(default=0.10, ge=0, description="smallest visible area of a supporting surface")
    floor_below_camera_m: float = Field(default=0.25, ge=0, description="smallest height of the camera above a floor")
    floor_beneath_share: float = Field(default=0.01, ge=0, le=1, description="largest share of points below a floor")
    gravity_sigma_max_deg: float = Field(default=10.0, ge=0, description="a less certain gravity is not used")
    places: bool = Field(
        default=False, description="measure walls, table tops, doorways, free space and lines of sight"
    )
    occlusion_max: float = Field(
        default=MAX_OCCLUSION, ge=0, le=1, description="sizes of more occluded objects are not asked"
    )

    def changes(self) -> dict[str, Any]:
        """Return what the recipe hashes: without places that are not measured, so that older recipes stay the same."""
        return self.model_dump(exclude=set() if self.places else {"places"})
