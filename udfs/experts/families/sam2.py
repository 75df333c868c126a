"""The `sam2` family: masks from boxes by Segment Anything 2 (https://arxiv.org/abs/2408.00714)."""

from typing import Any

from udfs.experts.families.sam import SamSegmenter
from udfs.experts.loading import pretrained


class Sam2Segmenter(SamSegmenter):
    """As `sam`; an encoding has several levels, and images fill the model's square without padding."""

    def load(self, device: str) -> None:
        """Load model and processor onto `device`."""
        from transformers import Sam2Model, Sam2Processor

        self.device = device
        self.processor = pretrained(Sam2Processor.from_pretrained, self.spec)
        self.model = self.load_model(Sam2Model.from_pretrained, device)

    def embedding_of(self, embeddings: Any, index: int) -> Any:
        """Return the encoding of one image of the batch, level by level."""
        return [level[index : index + 1] for level in embeddings]

    def full_size(self, mask: Any, inputs: Any) -> Any:
        """Return a mask (1, 1, h, w) of the model as boolean at the image's size."""
        return self.processor.post_process_masks([mask], inputs["original_sizes"])[0]


SLOTS = {"segmenter": Sam2Segmenter}
