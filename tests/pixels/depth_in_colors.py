"""A depth family with exact depth of what it sees: it reads the meters from the colors, upright or not at all."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from udfs.experts.batching import decoded
from udfs.experts.expert import ImageExpert
from udfs.pixels.maps import encoded_map


def colors(depth_mm: np.ndarray) -> np.ndarray:
    """Return an image (h, w, 3) that holds a depth map, uint16 mm."""
    return np.stack([depth_mm >> 8, depth_mm & 255, np.zeros_like(depth_mm)], axis=-1).astype(np.uint8)


class DepthInColors(ImageExpert):
    """Depth as in the colors; intrinsics and gravity as the crawl carries them."""

    columns: ClassVar[tuple[str, ...]] = ("bytes", "camera", "gravity")
    isolated: ClassVar[bool] = False
    needs_model: ClassVar[bool] = False

    def load(self, device: str) -> None: ...

    def predict(self, batch: Sequence[Any]) -> list[Any]:
        images: list[Any]
        (images,) = decoded(batch, len(batch))
        return [self._one(np.asarray(image.image), row) for image, row in zip(images, batch, strict=True)]

    def _one(self, rgb: np.ndarray, row: Any) -> dict[str, Any]:
        depth_mm = (rgb[..., 0].astype(np.uint16) << 8) + rgb[..., 1]
        known = row["gravity"] is not None
        return {
            "depth": encoded_map(depth_mm),
            "depth_src": "colors",
            "sigma_rel": 0.01,
            "scale_sigma_rel": 0.0,
            "focal_sigma_rel": 0.0,
            "scale_ok": True,
            "camera": row["camera"],
            "camera_src": "crawl",
            "gravity": row["gravity"],
            "gravity_src": "imu" if known else "none",
            "gravity_sigma_deg": 1.0 if known else None,
        }


SLOTS = {"depth": DepthInColors}
