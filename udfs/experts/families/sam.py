"""The `sam` family: masks from boxes by Segment Anything (https://arxiv.org/abs/2304.02643)."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from udfs.experts.expert import Options
from udfs.experts.images import UprightImage
from udfs.experts.loading import pretrained
from udfs.experts.regions import Rle, Segmenter, encoded, without_nan


class BoxPromptOptions(Options):
    """`boxes_at_once`: boxes of one image that are decoded together."""

    boxes_at_once: int = Field(default=32, ge=1)


class SamSegmenter(Segmenter):
    """Of the masks that the model proposes for a box, the one with the best predicted IoU, at full size.

    Images are encoded together. Masks are scaled to full size one at a time, by transformers' own processor, so that
    memory does not grow with the boxes of a large image.
    """

    options_type: ClassVar[type[Options]] = BoxPromptOptions

    def load(self, device: str) -> None:
        """Load model and processor onto `device`."""
        from transformers import SamModel, SamProcessor

        self.device = device
        self.processor = pretrained(SamProcessor.from_pretrained, self.spec)
        self.model = self.load_model(SamModel.from_pretrained, device)

    def segment(self, images: Sequence[UprightImage], boxes_px: Sequence[NDArray[np.float64]]) -> list[list[Rle]]:
        """Return, per image, one COCO RLE of the image per box of (n, 4), n at least 1."""
        import torch

        inputs = [
            self.processor(images=image.image, input_boxes=[boxes.tolist()], return_tensors="pt")
            for image, boxes in zip(images, boxes_px, strict=True)
        ]
        pixels = torch.cat([one["pixel_values"] for one in inputs]).to(self.device, self.model.dtype)
        with torch.inference_mode():
            embeddings = self.model.get_image_embeddings(pixels)
            return [
                self._masks(image, prepared, self.embedding_of(embeddings, index))
                for index, (image, prepared) in enumerate(zip(images, inputs, strict=True))
            ]

    def embedding_of(self, embeddings: Any, index: int) -> Any:
        """Return the encoding of one image of the batch."""
        return embeddings[index : index + 1]

    def full_size(self, mask: Any, inputs: Any) -> Any:
        """Return a mask (1, 1, h, w) of the model as boolean at the image's size."""
        return self.processor.post_process_masks([mask], inputs["original_sizes"], inputs["reshaped_input_sizes"])[0]

    def _masks(self, image: UprightImage, inputs: Any, embedding: Any) -> list[Rle]:
        import torch

        boxes = inputs["input_boxes"].to(self.device, self.model.dtype)
        rles: list[Rle] = []
        for some in boxes.split(self.options.boxes_at_once, dim=1):
            outputs = self.model(image_embeddings=embedding, input_boxes=some)
            best = without_nan(outputs.iou_scores[0], "the quality of masks").argmax(dim=-1).tolist()
            offered = outputs.pred_masks[0].float()
            for one, choice in zip(offered, best, strict=True):
                if torch.isnan(one[choice]).any():
                    raise ValueError("The model gave NaN for a mask; inspect the image, or use single precision.")
                full = self.full_size(one[choice][None, None], inputs)
                rles.append(encoded(full[0, 0].cpu().numpy()))
        return rles


SLOTS = {"segmenter": SamSegmenter}
