"""What transformers itself makes of an image: one call of model and processor, without the code under test."""

from typing import Any

import numpy as np
import torch
from transformers import (
    Owlv2ForObjectDetection,
    Owlv2Processor,
    Sam2Model,
    Sam2Processor,
    SamModel,
    SamProcessor,
)

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false


def owlv2_reference(folder: str, image, names: tuple[str, ...], least: float):
    processor, model = Owlv2Processor.from_pretrained(folder), Owlv2ForObjectDetection.from_pretrained(folder).eval()
    text = [[f"a photo of a {name}" for name in names]]
    inputs = processor(text=text, images=image, return_tensors="pt")
    with torch.no_grad():
        outputs = model(**inputs)
    sizes = torch.tensor([image.size[::-1]])
    return processor.post_process_grounded_object_detection(
        outputs, threshold=least, target_sizes=sizes, text_labels=[names]
    )[0]


def sam_reference(family: str, folder: str, image: Any, boxes: np.ndarray) -> list[np.ndarray]:
    """Return the boolean upright masks (h, w) of the greatest predicted IoU, by one call of model and processor."""
    kinds = {"sam": (SamModel, SamProcessor), "sam2": (Sam2Model, Sam2Processor)}[family]
    model, processor = kinds[0].from_pretrained(folder).eval(), kinds[1].from_pretrained(folder)
    inputs = processor(images=image, input_boxes=[boxes.tolist()], return_tensors="pt")
    with torch.no_grad():
        outputs = model(**{k: v for k, v in inputs.items() if k in ("pixel_values", "input_boxes")})
    sizes = [inputs["original_sizes"], *([inputs["reshaped_input_sizes"]] if family == "sam" else [])]
    best = outputs.iou_scores[0].argmax(dim=-1)
    chosen = outputs.pred_masks[:, torch.arange(len(boxes)), best]
    return list(processor.post_process_masks(chosen[:, :, None], *sizes)[0][:, 0].numpy())
