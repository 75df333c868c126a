"""The parts that a `composed` expert is made of: what each is given and what it gives back.

Boxes are (x0, y0, x1, y1) in px of the upright picture, where the top-left pixel spans 0 to 1.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict

from udfs.experts.batching import predicted
from udfs.experts.expert import ExpertSpec
from udfs.experts.loading import pretrained_model
from udfs.experts.pictures import Picture

ItemT = TypeVar("ItemT")
KeyT = TypeVar("KeyT", bound=Hashable)
ResultT = TypeVar("ResultT")
Rle = Any  # what pycocotools encodes a mask to: its size and its counts


class PartOptions(BaseModel):
    """Options of one family; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Detections:
    """What was found in one picture: `boxes_px` (n, 4), `scores` (n,) in [0, 1] and n names of the vocabulary."""

    boxes_px: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: tuple[str, ...]

    def only(self, kept: Sequence[int]) -> "Detections":
        """Return the detections with these indices, in this order."""
        chosen = np.asarray(kept, dtype=np.intp)
        return Detections(self.boxes_px[chosen], self.scores[chosen], tuple(self.labels[i] for i in kept))


@dataclass(frozen=True)
class View:
    """One region of an upright picture, as a captioner sees it."""

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


class Part(ABC):
    """A model that fills a slot of `composed`: it is made of its spec, and loaded once per worker process."""

    options_type: ClassVar[type[PartOptions]] = PartOptions

    def __init__(self, spec: ExpertSpec) -> None:
        self.spec = spec
        self.options: Any = self.options_type.model_validate(spec.options)

    @classmethod
    def resolved(cls, spec: ExpertSpec) -> ExpertSpec:
        """Return the spec with the defaults of its options written out; raises ValueError for a bad option."""
        return spec.model_copy(update={"options": cls.options_type.model_validate(spec.options).model_dump()})

    @abstractmethod
    def load(self, device: str) -> None:
        """Load model and processor onto `device`."""

    def load_model(self, load: Callable[..., Any], device: str) -> Any:
        """Return the model for inference on `device`, half precision on a GPU; `load` is its `from_pretrained`."""
        return pretrained_model(load, self.spec, device)


class Detector(Protocol):
    """Slot `detector`: finds what a vocabulary names."""

    def detect(self, images: Sequence[Image.Image], vocabularies: Sequence[tuple[str, ...]]) -> list[Detections]:
        """Return the detections of each picture in its own vocabulary."""
        ...


class Segmenter(Protocol):
    """Slot `segmenter`: draws the mask of what a box holds."""

    def segment(self, pictures: Sequence[Picture], boxes_px: Sequence[NDArray[np.float64]]) -> list[list[Rle]]:
        """Return, per picture, one COCO RLE of the stored pixels per box of (n, 4), n at least 1."""
        ...


class Captioner(Protocol):
    """Slot `captioner`: says what a region shows."""

    def caption(self, views: Sequence[View]) -> list[tuple[str, str]]:
        """Return a short text and a long one per view, as the model says them; empty where it says nothing."""
        ...


class Tagger(Protocol):
    """Slot `tagger`: lists what a picture shows."""

    def tag(self, images: Sequence[Image.Image]) -> list[str]:
        """Return one list per picture, as the model writes it: names between commas or on lines."""
        ...


class Embedder(Protocol):
    """Slot `embedder`: measures how alike regions are."""

    def similarities(self, texts: Sequence[str], views: Sequence[View]) -> NDArray[np.float64]:
        """Return the (n, n) similarities in [-1, 1] of n regions, from what they are called and how they look."""
        ...


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


def sound(values: Any, what: str) -> Any:
    """Return a tensor in single precision on the CPU.

    Raises:
        ValueError: it holds NaN.
    """
    values = values.detach().float().cpu()
    if values.isnan().any():
        raise ValueError(f"The model gave NaN for {what}; look at the picture, or run the model in single precision.")
    return values
