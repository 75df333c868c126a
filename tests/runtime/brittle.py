"""A family of one's own: a small convolutional scorer that some images crash, hang, break or turn to NaN.

An image's top left pixel is its mark. The weights are a safetensors file; `log` names a file that gets a line for every
load and every batch; `seconds` is slept per image.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from udfs.experts.batching import decoded
from udfs.experts.expert import ImageExpert, Options
from udfs.experts.images import DECODED

CRASH, HANG, NOT_FINITE, DEVICE_LOST = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)


def network() -> Any:
    import torch

    layers = [torch.nn.Conv2d(3, 8, 3, stride=2), torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3, stride=2)]
    return torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 1))


class BrittleOptions(Options):
    seconds: float = Field(default=0.0, ge=0)
    log: str | None = None


class BrittleFilter(ImageExpert):
    options_type: ClassVar[type[Options]] = BrittleOptions
    needs_model: ClassVar[bool] = False
    device_lost = False

    def load(self, device: str) -> None:
        from safetensors.torch import load_file

        self.device = device
        self.network = network().eval()
        self.network.load_state_dict(load_file(self.spec.model))
        self._log("load")

    def predict(self, batch: Any) -> list[Any]:
        self._log(f"batch {len(batch)}, {sum(DECODED in row for row in batch)} decoded ahead")
        return [self._one(image) for chunk in decoded(batch, 8) for image in chunk]

    def _one(self, image: Any) -> Any:
        import torch

        if isinstance(image, Exception):
            return image
        pixels = np.asarray(image.image)
        mark = tuple(int(value) for value in pixels[0, 0])
        time.sleep(self.options.seconds)
        if mark == CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        if mark == HANG:
            time.sleep(3600)
        self.device_lost = self.device_lost or mark == DEVICE_LOST
        if self.device_lost:
            return torch.AcceleratorError("CUDA error: device-side assert triggered")
        with torch.inference_mode():
            score = self.network(torch.from_numpy(pixels / 255.0).float().permute(2, 0, 1)[None]).sigmoid().item()
        return {"scores": {"spatial": float("nan") if mark == NOT_FINITE else score}}

    def _log(self, event: str) -> None:
        log = self.options.log
        if log:
            with Path(log).open("a") as lines:
                lines.write(f"{os.getpid()} {os.getppid()} {self.device} {event}\n")


SLOTS = {"filter": BrittleFilter}
