"""Base of the experts that see the whole image: options, preparation ahead, batches of one shape."""

import os
from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from schemas.reasons import Outcome, Reason
from udfs.experts.batching import BatchSizes, ahead, predicted
from udfs.experts.expert import ExpertSpec, ImageExpert, ImageRow, Options, Prediction
from udfs.experts.images import DECODED, UprightImage, upright_image
from udfs.stages.rows import RowRejected

# Images are prepared this many batches ahead, so that those of one shape can be batched together.
_BATCHES_AHEAD = 2
_MAX_THREADS = 16
# Processors that keep the aspect ratio round the short side of thinner images to nothing.
_THIN_PX, _THIN_RATIO = 32, 20


class WholeImageOptions(Options):
    """Options of every family here."""

    batch_size: int = Field(default=16, gt=0, description="images at once; halved when memory runs out")


@dataclass(frozen=True)
class Prepared:
    """An image as its model takes it.

    `inputs` are the processor's tensors with a leading axis of one image, `size` is width and height in px, and `row`
    holds the expert's columns without the bytes.
    """

    inputs: Mapping[str, Any]
    size: tuple[int, int]
    row: ImageRow

    @property
    def shape(self) -> Hashable:
        """Return what images of one batch have in common: the shapes of their tensors."""
        return tuple(sorted((name, tuple(value.shape)) for name, value in self.inputs.items()))


class WholeImageExpert(ImageExpert):
    """Prepares images in threads while the model works, and runs those of one shape together.

    A family says how its processor prepares an image (`inputs_of`) and how the model's output for a batch becomes
    predictions (`predictions_of`); `load_model` runs once per worker process.
    """

    options_type: ClassVar[type[Options]] = WholeImageOptions

    def __init__(self, spec: ExpertSpec) -> None:
        super().__init__(spec)
        self.model: Any = None
        self._sizes = BatchSizes(self.options.batch_size)

    def load(self, device: str) -> None:
        """Load processor and weights onto `device`; raises ModelUnavailable."""
        self.device = device
        self.load_model()

    def predict(self, batch: Sequence[ImageRow]) -> list[Prediction | Exception]:
        """Return one prediction or exception per image, in order."""
        # On a GPU the CPU cores have nothing else to do; on a CPU the model needs them.
        threads = min(_MAX_THREADS, os.cpu_count() or 1) if self.device.startswith("cuda") else 1
        results: list[Prediction | Exception] = []
        for prepared in ahead(batch, self.prepared, _BATCHES_AHEAD * self.options.batch_size, threads):
            results += predicted(prepared, self.predict_prepared, self._sizes, lambda item: item.shape)
        return results

    def prepared(self, row: ImageRow) -> Prepared:
        """Return an image as the model takes it: CPU work, thread-safe.

        Raises:
            RowRejected: the image cannot be decoded, or is too thin for the processor.
        """
        image = upright_image(row)
        rest = {name: value for name, value in row.items() if name not in ("bytes", DECODED)}
        try:
            inputs = dict(self.inputs_of(image))
        except Exception as error:  # processors raise anything on sides that they round to nothing
            if not _is_thin(image):
                raise
            raise _too_thin(image, self.spec, error) from error
        return Prepared(inputs, image.size, rest)

    def predict_prepared(self, items: list[Prepared]) -> list[Prediction | Exception]:
        """Return one prediction or exception per item; the items have one shape and pass through the model at once."""
        import torch

        inputs = {}
        for name in items[0].inputs:
            value = torch.cat([item.inputs[name] for item in items])
            inputs[name] = value.to(self.device, self.model.dtype if value.is_floating_point() else None)
        with torch.inference_mode():
            return self.predictions_of(inputs, items)

    @abstractmethod
    def load_model(self) -> None:
        """Load the processor, and weights onto `self.device` as `self.model`."""

    @abstractmethod
    def inputs_of(self, image: UprightImage) -> Mapping[str, Any]:
        """Return the processor's tensors of one image."""

    @abstractmethod
    def predictions_of(self, inputs: Mapping[str, Any], items: Sequence[Prepared]) -> list[Prediction | Exception]:
        """Return one prediction or exception per item; `inputs` are the items' tensors, concatenated, on the device."""


def _is_thin(image: UprightImage) -> bool:
    short, long = sorted(image.size)
    return short < _THIN_PX or long > _THIN_RATIO * short


def _too_thin(image: UprightImage, spec: ExpertSpec, error: Exception) -> RowRejected:
    width, height = image.size
    cause = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
    sentence = f"The image of {width} x {height} px is too thin for {spec.model} ({cause}); crop or enlarge it."
    return RowRejected(Outcome.FILTERED, Reason.IMAGE_TOO_THIN, sentence)


def each(items: Sequence[Prepared], predict: Callable[[int, Prepared], Prediction]) -> list[Prediction | Exception]:
    """Return `predict(index, item)` of each item, or the rejection that it raised."""
    results: list[Prediction | Exception] = []
    for index, item in enumerate(items):
        try:
            results.append(predict(index, item))
        except RowRejected as error:
            results.append(error)
    return results


def invalid_output(spec: ExpertSpec, output: str) -> RowRejected:
    """Return the rejection of an image for which a model gave NaN, infinity or an impossible value."""
    sentence = f"Model {spec.model} gave {output} for this image; inspect the image, or use another model."
    return RowRejected(Outcome.FAILED, Reason.MODEL_OUTPUT_INVALID, sentence)
