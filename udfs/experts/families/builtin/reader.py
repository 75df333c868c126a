"""From the network's outputs to scores, regions, and depth with gravity."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch

from udfs.experts.families.builtin.decoding import objects_of
from udfs.experts.families.builtin.inference import Outputs, enlarged, outputs_of
from udfs.experts.families.builtin.naming import regions_of
from udfs.experts.families.builtin.novelty import features_of
from udfs.experts.families.builtin.weights import load_namer, load_network, load_novelty
from udfs.experts.images import UprightImage
from udfs.experts.intrinsics import Intrinsics, centered_camera

if TYPE_CHECKING:
    from udfs.experts.families.builtin.experts import BuiltinDepthOptions

_MAX_MM = 65535


class Reader:
    """A network on a device with the calibration that came with its weights."""

    def __init__(self, path: Path, device: str, pixels: int | None, revision: str) -> None:
        self.network, self.calibration = load_network(path, device, revision)
        self.namer = load_namer(path, device)
        self.novelty = load_novelty(path)
        self.pixels = pixels or self.calibration.pixels

    def outputs(self, images: Sequence[UprightImage]) -> list[Outputs]:
        """Run the network on images."""
        return outputs_of(self.network, images, self.pixels)

    def scores(self, outputs: Outputs) -> dict[str, float]:
        """Return the filter's scores."""
        with torch.inference_mode():
            probabilities = self.network.likeness(outputs.out["pooled"]).softmax(-1)[0].tolist()
        # the network was trained on rooms and guesses elsewhere, so only rooms pass
        return {**dict(zip(self.network.shape.likenesses, probabilities, strict=True)), "spatial": probabilities[0]}

    def unlikeness(self, outputs: Outputs, image: UprightImage) -> tuple[float, float] | None:
        """Return how unlike an image is to the training rooms, and the limit; None where the weights have no test."""
        if self.novelty is None:
            return None
        test, notes = self.novelty
        full = np.asarray(image.image)
        found = features_of(outputs.out, outputs.rgb, full, self.network.deep_statistics)
        return float(test.scores(found)[0]), notes.limit

    def regions(self, outputs: Outputs, image: UprightImage) -> list[dict[str, Any]]:
        """Return objects as regions, largest first."""
        limits = self.calibration.thresholds
        with torch.inference_mode():
            found = objects_of(self.network, outputs.out, outputs.rgb, limits)[0]
        return regions_of(found, image, self.network.shape, self.calibration, self.namer)

    def depth(
        self, outputs: Outputs, image: UprightImage, known: Intrinsics | None, options: "BuiltinDepthOptions"
    ) -> dict[str, Any]:
        """Return the columns of `depths`; `known` are the image's own intrinsics, px.

        The network estimates depth over focal length, so known intrinsics also set the scale of the depth. What
        `options` set replaces the network's own scales and errors.
        """
        width, height = image.size
        half_diagonal_px = 0.5 * float(np.hypot(width, height))
        log_focal, log_scale = (float(value) for value in outputs.out["focal"][0])
        log_focal += float(np.log(options.focal_scale))
        if known:
            log_focal = float(np.log(np.sqrt(known.camera["fx"] * known.camera["fy"]) / half_diagonal_px))
        focal_px = half_diagonal_px * float(np.exp(log_focal))
        noise = float(outputs.out["depth"][0, 1].clamp(-4, 2).exp().mean())
        learned_sigma_rel = self.calibration.focal * float(np.exp(np.clip(log_scale, -5, 1)))
        focal = known.focal_sigma_rel if known else _set(options.focal_sigma_rel, learned_sigma_rel)
        return {
            "depth": _depth_png(outputs, image, log_focal + float(np.log(options.depth_scale))),
            "depth_src": "builtin",
            "sigma_rel": _set(options.sigma_rel, self.calibration.depth * noise),
            "scale_sigma_rel": float(np.hypot(_set(options.scale_sigma_rel, self.calibration.scale * noise), focal)),
            "focal_sigma_rel": focal,
            "scale_ok": True,
            "camera": known.camera if known else centered_camera(width, height, focal_px),
            "camera_src": known.source if known else "model",
            **self._gravity(outputs),
        }

    def _gravity(self, outputs: Outputs) -> dict[str, Any]:
        angle_rad = float(outputs.out["gravity_scale"][0].clamp(-5, 1).exp())
        return {
            "gravity": outputs.out["gravity"][0].double().tolist(),
            "gravity_src": "model",
            "gravity_sigma_deg": self.calibration.gravity * float(np.rad2deg(angle_rad)),
        }


def _set(option: float | None, own: float) -> float:
    return own if option is None else option


def _depth_png(outputs: Outputs, image: UprightImage, log_scale: float) -> bytes:
    log_depth = enlarged(outputs.out["depth"][0, 0], image.size) + np.float32(log_scale)
    depth_mm = np.clip(np.rint(1000 * np.exp(log_depth)), 1, _MAX_MM).astype(np.uint16)
    _, png = cv2.imencode(".png", depth_mm, (cv2.IMWRITE_PNG_COMPRESSION, 1))
    return png.tobytes()
