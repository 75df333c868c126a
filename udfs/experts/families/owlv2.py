"""The `owlv2` family: open-vocabulary boxes by OWLv2 (https://arxiv.org/abs/2306.09683)."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from PIL import Image
from pydantic import Field

from udfs.experts.expert import Options
from udfs.experts.loading import pretrained
from udfs.experts.regions import Detections, Detector, by_key, without_nan


class Owlv2Options(Options):
    """`min_score`: smallest score of a detection; `prompt`: the template of a name, as the models were trained.

    Images larger than `longest_edge_px` are shrunk first: OWLv2's own processor blurs every pixel of the padded square
    with a window that grows with the image, which takes minutes for large images.
    """

    min_score: float = Field(default=0.2, ge=0, le=1)
    prompt: str = Field(default="a photo of a {}", pattern=r"\{\}")
    longest_edge_px: int | None = Field(default=None, ge=1)


class Owlv2Detector(Detector):
    """Boxes and scores as transformers' processor gives them, per image and name of its vocabulary."""

    options_type: ClassVar[type[Options]] = Owlv2Options

    def load(self, device: str) -> None:
        """Load model and processor onto `device`."""
        from transformers import Owlv2ForObjectDetection, Owlv2Processor

        self.device = device
        self.processor = pretrained(Owlv2Processor.from_pretrained, self.spec)
        self.model = self.load_model(Owlv2ForObjectDetection.from_pretrained, device)

    def detect(self, images: Sequence[Image.Image], vocabularies: Sequence[tuple[str, ...]]) -> list[Detections]:
        """Return the detections of each image in its own vocabulary."""
        found: dict[int, Detections] = {}
        # A vocabulary padded to another's length would be matched with its padding.
        for vocabulary, indices in by_key(vocabularies).items():
            same = [images[index] for index in indices]
            found.update(zip(indices, self._detect(same, vocabulary), strict=True))
        return [found[index] for index in range(len(images))]

    def _detect(self, images: list[Image.Image], vocabulary: tuple[str, ...]) -> list[Detections]:
        import torch

        prompts = [self.options.prompt.format(name) for name in vocabulary]
        shrunk = [self._shrunk(image) for image in images]
        inputs = self.processor(text=[prompts] * len(images), images=shrunk, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            outputs = self.model(**inputs.to(self.device, self.model.dtype))
        outputs.logits = without_nan(outputs.logits, "the scores of names")
        outputs.pred_boxes = without_nan(outputs.pred_boxes, "boxes")
        found: list[dict[str, Any]] = self.processor.post_process_grounded_object_detection(
            outputs,
            threshold=self.options.min_score,
            target_sizes=[(image.height, image.width) for image in images],
            text_labels=[vocabulary] * len(images),
        )
        return [
            Detections(
                result["boxes"].numpy().astype(np.float64),
                result["scores"].numpy().astype(np.float64),
                tuple(result["text_labels"]),
            )
            for result in found
        ]

    def _shrunk(self, image: Image.Image) -> Image.Image:
        longest_px = self.options.longest_edge_px
        if longest_px is None or max(image.size) <= longest_px:
            return image
        small = image.copy()
        small.thumbnail((longest_px, longest_px))
        return small


SLOTS = {"detector": Owlv2Detector}
