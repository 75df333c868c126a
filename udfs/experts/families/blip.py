"""The `blip` family: captions of regions by BLIP (https://arxiv.org/abs/2201.12086)."""

from collections.abc import Sequence
from typing import ClassVar

from PIL import Image
from pydantic import Field

from udfs.experts.expert import Options
from udfs.experts.loading import pretrained
from udfs.experts.regions import Captioner, RegionView, in_batches


class BlipOptions(Options):
    """`crop_margin` widens crops by a share of the box on every side."""

    crop_margin: float = Field(default=0.1, ge=0)
    max_new_tokens: int = Field(default=30, ge=1)
    batch_size: int = Field(default=16, ge=1)


class BlipCaptioner(Captioner):
    """One caption of the crop, used as the long caption and, cut to its noun phrase, as the short one."""

    options_type: ClassVar[type[Options]] = BlipOptions

    def load(self, device: str) -> None:
        """Load model and processor onto `device`."""
        from transformers import BlipForConditionalGeneration, BlipProcessor

        self.device = device
        self.processor = pretrained(BlipProcessor.from_pretrained, self.spec)
        self.model = self.load_model(BlipForConditionalGeneration.from_pretrained, device)

    def caption(self, views: Sequence[RegionView]) -> list[tuple[str, str]]:
        """Return the caption of each view twice."""
        crops = [view.crop(self.options.crop_margin) for view in views]
        return [(text, text) for text in in_batches(crops, self.options.batch_size, self._captions)]

    def _captions(self, crops: list[Image.Image]) -> list[str]:
        import torch

        inputs = self.processor(images=crops, return_tensors="pt").to(self.device, self.model.dtype)
        with torch.inference_mode():
            tokens = self.model.generate(
                **inputs, do_sample=False, num_beams=1, max_new_tokens=self.options.max_new_tokens
            )
        return [text.strip() for text in self.processor.batch_decode(tokens, skip_special_tokens=True)]


SLOTS = {"captioner": BlipCaptioner}
