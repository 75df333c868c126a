"""The `clip_embedder` family: how similar regions are, by CLIP (https://arxiv.org/abs/2103.00020)."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from udfs.experts.expert import Options
from udfs.experts.loading import pretrained
from udfs.experts.regions import Embedder, RegionView, in_batches, without_nan


class ClipEmbedderOptions(Options):
    """`crops`: also compare how regions look; `crop_margin` widens crops by a share of the box on every side."""

    crops: bool = False
    crop_margin: float = Field(default=0.1, ge=0)
    batch_size: int = Field(default=64, ge=1)


class ClipEmbedder(Embedder):
    """Cosines of the embeddings of region names, or of crops where those are more similar."""

    options_type: ClassVar[type[Options]] = ClipEmbedderOptions

    def load(self, device: str) -> None:
        """Load model and processor onto `device`."""
        from transformers import CLIPModel, CLIPProcessor

        self.device = device
        self.processor = pretrained(CLIPProcessor.from_pretrained, self.spec)
        self.model = self.load_model(CLIPModel.from_pretrained, device)

    def similarities(self, texts: Sequence[str], views: Sequence[RegionView]) -> NDArray[np.float64]:
        """Return the (n, n) similarities in [-1, 1] of n regions, the greater of both where crops are compared."""
        similar = _cosines(in_batches(texts, self.options.batch_size, self._of_texts))
        if not self.options.crops:
            return similar
        crops = [view.crop(self.options.crop_margin) for view in views]
        return np.maximum(similar, _cosines(in_batches(crops, self.options.batch_size, self._of_crops)))

    def _of_texts(self, texts: list[str]) -> Any:
        import torch

        inputs = self.processor(text=texts, padding=True, truncation=True, return_tensors="pt").to(self.device)
        with torch.inference_mode():
            outputs = self.model.get_text_features(**inputs)
        return without_nan(outputs.pooler_output, "the embedding of a caption").numpy()

    def _of_crops(self, crops: list[Image.Image]) -> Any:
        import torch

        inputs = self.processor(images=crops, return_tensors="pt").to(self.device, self.model.dtype)
        with torch.inference_mode():
            outputs = self.model.get_image_features(**inputs)
        return without_nan(outputs.pooler_output, "the embedding of a crop").numpy()


def _cosines(vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    rows = np.asarray(vectors, dtype=np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.clip(rows @ rows.T, -1.0, 1.0)


SLOTS = {"embedder": ClipEmbedder}
