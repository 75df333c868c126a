"""Regions of an image: the parts that a `composed` expert is made of, and masks that share no pixel.

Boxes are (x0, y0, x1, y1) in px of the upright image, where the top-left pixel spans 0 to 1.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from udfs.experts.batching import predicted
from udfs.experts.expert import Expert
from udfs.experts.images import UprightImage
from udfs.experts.loading import pretrained_model

ItemT = TypeVar("ItemT")
KeyT = TypeVar("KeyT", bound=Hashable)
ResultT = TypeVar("ResultT")
Rle = Any  # pycocotools' encoding of a mask: its size and its counts


@dataclass(frozen=True)
class Detections:
    """Detections in one image: `boxes_px` (n, 4), `scores` (n,) in [0, 1] and n names of the vocabulary."""

    boxes_px: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: tuple[str, ...]

    def only(self, kept: Sequence[int]) -> "Detections":
        """Return the detections with these indices, in this order."""
        chosen = np.asarray(kept, dtype=np.intp)
        return Detections(self.boxes_px[chosen], self.scores[chosen], tuple(self.labels[i] for i in kept))


@dataclass(frozen=True)
class RegionView:
    """One region of an upright image, as a captioner sees it."""

    image: Image.Image
    box_px: tuple[float, float, float, float]

    def crop(self, margin: float) -> Image.Image:
        """Return the pixels that the box touches, widened by `margin` of its width and height on every side."""
        left, top, right, bottom = self.box_px
        aside, above = margin * (right - left), margin * (bottom - top)
        x0 = min(max(0, math.floor(left - aside)), self.image.width - 1)
        y0 = min(max(0, math.floor(top - above)), self.image.height - 1)
        x1 = max(x0 + 1, min(self.image.width, math.ceil(right + aside)))
        y1 = max(y0 + 1, min(self.image.height, math.ceil(bottom + above)))
        return self.image.crop((x0, y0, x1, y1))


class Part(Expert):
    """A model that fills a slot of `composed`."""

    def load_model(self, load: Callable[..., Any], device: str) -> Any:
        """Return the model on `device` for inference, half precision on a GPU; raises ModelUnavailable."""
        return pretrained_model(load, self.spec, device)


class Detector(Part):
    """Slot `detector`: finds the objects that a vocabulary names."""

    @abstractmethod
    def detect(self, images: Sequence[Image.Image], vocabularies: Sequence[tuple[str, ...]]) -> list[Detections]:
        """Return the detections of each image in its own vocabulary."""


class Segmenter(Part):
    """Slot `segmenter`: masks of the objects in boxes."""

    @abstractmethod
    def segment(self, images: Sequence[UprightImage], boxes_px: Sequence[NDArray[np.float64]]) -> list[list[Rle]]:
        """Return, per image, one COCO RLE of the image per box of (n, 4), n at least 1."""


class Captioner(Part):
    """Slot `captioner`: describes regions."""

    @abstractmethod
    def caption(self, views: Sequence[RegionView]) -> list[tuple[str, str]]:
        """Return the model's short and long text per view, each possibly empty."""


class Tagger(Part):
    """Slot `tagger`: lists the objects of an image."""

    @abstractmethod
    def tag(self, images: Sequence[Image.Image]) -> list[str]:
        """Return one list per image as the model writes it, names separated by commas or on lines."""


class Embedder(Part):
    """Slot `embedder`: measures how similar regions are."""

    @abstractmethod
    def similarities(self, texts: Sequence[str], views: Sequence[RegionView]) -> NDArray[np.float64]:
        """Return the (n, n) similarities in [-1, 1] of n regions, from their names and their looks."""


def by_key(keys: Iterable[KeyT]) -> dict[KeyT, list[int]]:
    """Return the indices of equal keys, in order."""
    indices: dict[KeyT, list[int]] = {}
    for index, key in enumerate(keys):
        indices.setdefault(key, []).append(index)
    return indices


def in_batches(
    items: Sequence[ItemT], at_once: int, predict: Callable[[list[ItemT]], Sequence[ResultT]]
) -> list[ResultT]:
    """Return `predict` of all items, `at_once` at a time and fewer where memory runs out; the first error is raised."""
    results: list[ResultT] = []
    for start in range(0, len(items), at_once):
        for result in predicted(items[start : start + at_once], predict):
            if isinstance(result, Exception):
                raise result
            results.append(result)
    return results


def without_nan(values: Any, what: str) -> Any:
    """Return a tensor in single precision on the CPU.

    Raises:
        ValueError: it holds NaN.
    """
    values = values.detach().float().cpu()
    if values.isnan().any():
        raise ValueError(f"The model gave NaN for {what}; inspect the image, or run the model in single precision.")
    return values


def clipped(found: Detections, size: tuple[int, int]) -> Detections:
    """Return detections with boxes clipped to the image's `size` (width, height) px; empty boxes are left out.

    Raises:
        ValueError: a box or a score is not finite.
    """
    if not (np.isfinite(found.boxes_px).all() and np.isfinite(found.scores).all()):
        raise ValueError("The detector gave a box or a score that is not finite; inspect the image.")
    boxes = np.clip(found.boxes_px, 0.0, np.tile(np.asarray(size, dtype=np.float64), 2))
    filled = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return Detections(boxes, found.scores, found.labels).only(np.flatnonzero(filled).tolist())


def suppressed(found: Detections, max_iou: float, max_boxes: int) -> Detections:
    """Return the best detections first: of boxes whose IoU exceeds `max_iou`, whatever their names, the best one."""
    import torch
    from torchvision.ops import nms

    kept = nms(torch.from_numpy(found.boxes_px), torch.from_numpy(found.scores), max_iou)
    return found.only(kept.tolist()[:max_boxes])


def encoded(mask: NDArray[np.bool_]) -> Rle:
    """Return the COCO RLE of a mask (h, w)."""
    return coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))


def distinct(masks: Sequence[Rle], max_iou: float) -> list[int]:
    """Return the indices of masks that are not empty and whose IoU with every earlier one is at most `max_iou`."""
    kept: list[int] = []
    for index, mask in enumerate(masks):
        if not coco_mask.area(mask):
            continue
        before = [masks[i] for i in kept]
        if not before or np.max(coco_mask.iou([mask], before, [0] * len(before))) <= max_iou:
            kept.append(index)
    return kept


def instance_map(masks: Sequence[Rle]) -> NDArray[np.uint16]:
    """Return a map (h, w): 0, or 1 + the index of the smallest mask that holds the pixel.

    So a mug in front of a table keeps its pixels and the table loses them; of equal masks the earlier keeps them.
    """
    height, width = masks[0]["size"]
    owner = np.zeros((height, width), dtype=np.uint16)
    areas = [int(coco_mask.area(mask)) for mask in masks]
    for index in sorted(range(len(masks)), key=lambda i: (-areas[i], -i)):
        owner[coco_mask.decode(masks[index]).astype(bool)] = index + 1
    return owner


def areas_of(labels: NDArray[Any]) -> dict[int, int]:
    """Return the number of pixels of every non-zero id of an instance map."""
    ids, counts = np.unique(labels, return_counts=True)
    return {int(label): int(count) for label, count in zip(ids, counts, strict=True) if label}
