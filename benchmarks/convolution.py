"""An expert family for benchmarks: a convolutional network with random weights, about 30 ms per image on one core."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from udfs.experts.batching import decoded, predicted
from udfs.experts.expert import ImageExpert, ImageRow, Prediction
from udfs.experts.images import UprightImage

_SIZE = (192, 144)
_BATCH = 16
_CHANNELS = 40


class Convolution(ImageExpert):
    """Maps of one value per pixel, at `_SIZE`; the slots make scores, a region or depth of them."""

    needs_model: ClassVar[bool] = False

    def load(self, device: str) -> None:
        """Create the network on `device`."""
        import torch

        torch.manual_seed(0)
        widths = [3, _CHANNELS, _CHANNELS, _CHANNELS, _CHANNELS]
        layers: list[Any] = []
        for before, after in pairwise(widths):
            layers += [torch.nn.Conv2d(before, after, 3, padding=1), torch.nn.ReLU()]
        self.network = torch.nn.Sequential(*layers, torch.nn.Conv2d(_CHANNELS, 1, 1)).eval().to(device)
        self.device = device

    def predict(self, batch: Sequence[ImageRow]) -> list[Prediction | Exception]:
        """Return one prediction or exception per image, in order."""
        predictions: list[Prediction | Exception] = []
        for images in decoded(batch, _BATCH):
            predictions += predicted(images, self.of_images)
        return predictions

    def of_images(self, images: list[UprightImage]) -> list[Prediction]:
        """Return the predictions of decoded images."""
        import torch

        small = np.stack([np.asarray(image.image.resize(_SIZE)) for image in images])
        with torch.inference_mode():
            tensor = torch.from_numpy(small).to(self.device).permute(0, 3, 1, 2).float().div_(255.0)
            maps = self.network(tensor).sigmoid().squeeze(1).cpu().numpy()
        return [self._prediction(values, image) for values, image in zip(maps, images, strict=True)]

    def _prediction(self, values: Any, image: UprightImage) -> Prediction:
        return {"scores": {"spatial": 1.0, "mean": float(values.mean())}}


class ConvolutionRegions(Convolution):
    """One region: the pixels above the map's median."""

    def _prediction(self, values: Any, image: UprightImage) -> Prediction:
        mask = cv2.resize(values, image.size) > np.median(values)
        rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
        width, height = image.size
        region = {"region_id": 1, "label": "thing", "captions": ["thing"], "score": 1.0}
        place = {"bbox_px": [0, 0, width, height], "area_px": int(mask.sum()), "rle": str(rle["counts"], "ascii")}  # pyright: ignore[reportArgumentType]
        return {"regions": [{**region, **place}]}


class ConvolutionDepth(Convolution):
    """The map as depth between 1 and 2 m."""

    def _prediction(self, values: Any, image: UprightImage) -> Prediction:
        depth_mm = cv2.resize(1000.0 + 1000.0 * values, image.size).astype(np.uint16)
        width, height = image.size
        camera = {"fx": float(width), "fy": float(width), "cx": width / 2 - 0.5, "cy": height / 2 - 0.5}
        return {
            "depth": cv2.imencode(".png", depth_mm)[1].tobytes(),
            "depth_src": "convolution",
            "sigma_rel": 0.1,
            "scale_ok": True,
            "camera": camera,
            "camera_src": "prior",
            "gravity": None,
            "gravity_src": "none",
            "gravity_sigma_deg": None,
        }


SLOTS = {"filter": Convolution, "context": ConvolutionRegions, "depth": ConvolutionDepth}
