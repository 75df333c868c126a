"""What the experts that see a photograph as a whole share: options, preparation ahead, batches of one shape."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from schemas.reasons import Outcome, Reason
from udfs.experts.batching import BatchSizes, ahead, predicted
from udfs.experts.expert import ExpertSpec, Photograph, Prediction
from udfs.experts.pictures import Picture, picture_of
from udfs.stages.rows import RowRejected

# Pictures are prepared this many batches ahead, so that those of one shape find each other.
_BATCHES_AHEAD = 2
_MOST_THREADS = 16
# Processors that keep the aspect ratio round the short side of thinner pictures to nothing.
_THIN_PX, _THIN_RATIO = 32, 20


class WholeImageOptions(BaseModel):
    """Options of every family here; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: int = Field(default=16, gt=0, description="pictures at once; halved when memory runs out")


@dataclass(frozen=True)
class Prepared:
    """A photograph as its model takes it.

    `inputs` are the processor's tensors with a leading axis of one picture, `size` is upright width and height in px,
    and `photograph` holds the expert's columns without the bytes.
    """

    inputs: Mapping[str, Any]
    size: tuple[int, int]
    orientation: int
    photograph: Photograph

    @property
    def shape(self) -> Hashable:
        """Return what pictures of one batch have in common: the shapes of their tensors."""
        return tuple(sorted((name, tuple(value.shape)) for name, value in self.inputs.items()))


class WholeImageExpert(ABC):
    """Prepares pictures in threads while the model works, and runs those of one shape together.

    A family says what its processor makes of a picture (`inputs_of`) and what the model makes of a batch of these
    (`predictions_of`); `load_model` runs once per worker process.
    """

    columns: ClassVar[tuple[str, ...]] = ("bytes", "exif_orientation")
    options_type: ClassVar[type[WholeImageOptions]] = WholeImageOptions

    def __init__(self, spec: ExpertSpec) -> None:
        self.spec = spec
        self.options: Any = self.options_type.model_validate(spec.options)
        self.device = "cpu"
        self.model: Any = None
        self._sizes = BatchSizes(self.options.batch_size)

    @classmethod
    def resolved(cls, spec: ExpertSpec) -> ExpertSpec:
        """Return the spec with every option written out.

        Raises:
            ValueError: an option that the family does not have or that is out of its range, or no model.
        """
        if spec.model == "none":
            raise ValueError(f"Family {spec.family} needs a `model`: a Hugging Face id with `revision`, or a folder.")
        return spec.model_copy(update={"options": cls.options_type.model_validate(spec.options).model_dump()})

    def load(self, device: str) -> None:
        """Load processor and weights onto `device`; raises ModelUnavailable."""
        self.device = device
        self.load_model()

    def predict(self, batch: Sequence[Photograph]) -> list[Prediction | Exception]:
        """Return one prediction or exception per photograph, in order."""
        # On a GPU the CPU cores have nothing else to do; on a CPU the model needs them.
        threads = min(_MOST_THREADS, os.cpu_count() or 1) if self.device.startswith("cuda") else 1
        results: list[Prediction | Exception] = []
        for prepared in ahead(batch, self.prepared, _BATCHES_AHEAD * self.options.batch_size, threads):
            results += predicted(prepared, self.predict_prepared, self._sizes, lambda one: one.shape)
        return results

    def prepared(self, photograph: Photograph) -> Prepared:
        """Return a photograph as the model takes it: the work of the CPU, safe in threads.

        Raises:
            RowRejected: the picture cannot be decoded, or is too thin for the processor.
        """
        picture = picture_of(photograph)
        rest = {name: value for name, value in photograph.items() if name not in ("bytes", "picture")}
        try:
            inputs = dict(self.inputs_of(picture))
        except Exception as error:  # processors raise anything on sides that they round to nothing
            if not _is_thin(picture):
                raise
            raise _too_thin(picture, self.spec, error) from error
        return Prepared(inputs, picture.size, picture.orientation, rest)

    def predict_prepared(self, items: list[Prepared]) -> list[Prediction | Exception]:
        """Return one prediction or exception per item; the items are of one shape and go through the model at once."""
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
    def inputs_of(self, picture: Picture) -> Mapping[str, Any]:
        """Return the processor's tensors of one picture."""

    @abstractmethod
    def predictions_of(self, inputs: Mapping[str, Any], items: Sequence[Prepared]) -> list[Prediction | Exception]:
        """Return one prediction or exception per item; `inputs` are the items' tensors, joined, on the device."""


def _is_thin(picture: Picture) -> bool:
    short, long = sorted(picture.size)
    return short < _THIN_PX or long > _THIN_RATIO * short


def _too_thin(picture: Picture, spec: ExpertSpec, error: Exception) -> RowRejected:
    width, height = picture.size
    cause = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
    sentence = f"The photograph of {width} x {height} px is too thin for {spec.model} ({cause}); crop or enlarge it."
    return RowRejected(Outcome.FILTERED, Reason.PICTURE_TOO_THIN, sentence)


def each(items: Sequence[Prepared], predict: Callable[[int, Prepared], Prediction]) -> list[Prediction | Exception]:
    """Return `predict(index, item)` of each item, or the rejection that it raised."""
    results: list[Prediction | Exception] = []
    for index, item in enumerate(items):
        try:
            results.append(predict(index, item))
        except RowRejected as error:
            results.append(error)
    return results


def invalid_output(spec: ExpertSpec, found: str) -> RowRejected:
    """Return the rejection of a picture for which a model gave no numbers, or impossible ones."""
    sentence = f"Model {spec.model} gave {found} for this photograph; look at it, or use another model."
    return RowRejected(Outcome.FAILED, Reason.MODEL_OUTPUT_INVALID, sentence)
