"""The network at work: from photographs to scores, regions, and depth with gravity."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from udfs.experts.families.builtin.decoding import objects_of
from udfs.experts.families.builtin.naming import regions_of
from udfs.experts.families.builtin.sight import Sight, enlarged, seen, vector_to_stored
from udfs.experts.families.builtin.weights import load_network
from udfs.experts.pictures import Picture, stored_size

_LARGEST_MM = 65535


class Reader:
    """A network on a device with the calibration that came with its weights."""

    def __init__(self, path: Path, device: str, pixels: int | None, revision: str) -> None:
        self.network, self.calibration = load_network(path, device, revision)
        self.pixels = pixels or self.calibration.pixels

    def see(self, pictures: Sequence[Picture]) -> list[Sight]:
        """Run the network on pictures."""
        return seen(self.network, pictures, self.pixels)

    def scores(self, sight: Sight) -> dict[str, float]:
        """Return the filter's scores."""
        with torch.inference_mode():
            chances = self.network.likeness(sight.out["pooled"]).softmax(-1)[0].tolist()
        # outside its domain the network guesses, so that only rooms are worth asking about
        return {**dict(zip(self.network.shape.likenesses, chances, strict=True)), "spatial": chances[0]}

    def regions(self, sight: Sight, picture: Picture) -> list[dict[str, Any]]:
        """Return objects as regions of stored pixels, largest first."""
        limits = self.calibration.thresholds
        with torch.inference_mode():
            found = objects_of(self.network, sight.out, sight.rgb, limits)[0]
        return regions_of(found, picture, self.network.shape, self.calibration)

    def depth(self, sight: Sight, picture: Picture, carried: dict[str, float] | None) -> dict[str, Any]:
        """Return the columns of `depths`; `carried` are the photograph's own intrinsics, px of its stored size.

        The network estimates depth over focal length, so that known intrinsics scale the depth as they must.
        """
        width, height = stored_size(picture)
        half_diagonal_px = 0.5 * float(np.hypot(width, height))
        log_focal, log_scale = (float(value) for value in sight.out["focal"][0])
        if carried:
            log_focal = float(np.log(np.sqrt(carried["fx"] * carried["fy"]) / half_diagonal_px))
        focal_px = half_diagonal_px * float(np.exp(log_focal))
        said = float(sight.out["depth"][0, 1].clamp(-4, 2).exp().mean())
        focal = 0.0 if carried else self.calibration.focal * float(np.exp(np.clip(log_scale, -5, 1)))
        return {
            "depth": _depth_png(sight, picture, log_focal),
            "depth_src": "builtin",
            "sigma_rel": self.calibration.depth * said,
            "scale_sigma_rel": float(np.hypot(self.calibration.scale * said, focal)),
            "focal_sigma_rel": focal,
            "scale_ok": True,
            "camera": carried or {"fx": focal_px, "fy": focal_px, "cx": (width - 1) / 2, "cy": (height - 1) / 2},
            "camera_src": "crawl" if carried else "model",
            **self._gravity(sight, picture),
        }

    def _gravity(self, sight: Sight, picture: Picture) -> dict[str, Any]:
        upright = sight.out["gravity"][0].double().numpy(force=True)
        angle_rad = float(sight.out["gravity_scale"][0].clamp(-5, 1).exp())
        return {
            "gravity": vector_to_stored(upright, picture).tolist(),
            "gravity_src": "model",
            "gravity_sigma_deg": self.calibration.gravity * float(np.rad2deg(angle_rad)),
        }


def _depth_png(sight: Sight, picture: Picture, log_focal: float) -> bytes:
    log_depth = enlarged(sight.out["depth"][0, 0], picture.size) + np.float32(log_focal)
    millimetres = np.clip(np.rint(1000 * np.exp(log_depth)), 1, _LARGEST_MM).astype(np.uint16)
    _, png = cv2.imencode(".png", picture.to_stored(millimetres), (cv2.IMWRITE_PNG_COMPRESSION, 1))
    return png.tobytes()
