"""The three slots of the `builtin` family: similarity to a room, objects with names, and depth with gravity."""

import json
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from schemas.reasons import Outcome, Reason
from udfs.experts.batching import decoded, predicted
from udfs.experts.depth_fit import DepthFit
from udfs.experts.expert import ExpertSpec, ImageExpert, ImageRow, Options, Prediction
from udfs.experts.images import UprightImage
from udfs.experts.intrinsics import INTRINSICS, known_intrinsics
from udfs.stages.rows import RowRejected

if TYPE_CHECKING:
    from udfs.experts.families.builtin.inference import Outputs

PACKAGED = Path(__file__).parents[2] / "weights" / "builtin.safetensors"
_AT_ONCE = 8


class BuiltinOptions(Options):
    """What the network sees of an image."""

    pixels: int | None = Field(default=None, ge=1, description="pixels per image; not set: as it was calibrated")


class BuiltinFilterOptions(BuiltinOptions):
    """What the filter refuses."""

    novelty: bool = Field(default=True, description="refuse images unlike the rooms that the network was trained on")


class BuiltinDepthOptions(BuiltinOptions):
    """What a calibration on true depth replaces; `spatiallake calibrate` measures all of it."""

    depth_scale: float = Field(default=1.0, gt=0, description="factor on the depth")
    focal_scale: float = Field(default=1.0, gt=0, description="factor on an estimated focal length")
    sigma_rel: float | None = Field(
        default=None, gt=0, description="relative depth error from object to object; not set: as the network estimates"
    )
    scale_sigma_rel: float | None = Field(
        default=None,
        ge=0,
        description="relative error of the whole map's scale; not set: as the network estimates",
    )
    focal_sigma_rel: float | None = Field(
        default=None, ge=0, description="relative error of an estimated focal length; not set: as the network estimates"
    )


class _Builtin(ImageExpert):
    """Runs the network on batches; `spec.model` is a weights file, or "none" for the packaged one.

    `spec.revision` pins the file by the beginning of its SHA-256, so other weights are another recipe.
    """

    options_type: ClassVar[type[Options]] = BuiltinOptions
    needs_model: ClassVar[bool] = False
    trained_on: ClassVar[str | None] = "rendered rooms"

    def load(self, device: str) -> None:
        """Read the weights; raises ModelUnavailable where there are none."""
        from udfs.experts.families.builtin.reader import Reader

        self.reader = Reader(_weights(self.spec), device, self.options.pixels, self.spec.revision)

    def predict(self, batch: Sequence[ImageRow]) -> list[Prediction | Exception]:
        """Return one prediction or exception per image, in order."""
        results: list[Prediction | Exception] = []
        for images in decoded(batch, _AT_ONCE):
            rows = batch[len(results) : len(results) + len(images)]
            items: list[Any] = [i if isinstance(i, Exception) else (i, r) for i, r in zip(images, rows, strict=True)]
            results += predicted(items, self._some)
        return results

    def _some(self, items: list[tuple[UprightImage, ImageRow]]) -> list[Prediction | Exception]:
        outputs = self.reader.outputs([image for image, _ in items])
        results: list[Prediction | Exception] = []
        for output, (image, row) in zip(outputs, items, strict=True):
            try:
                results.append(self._one(output, image, row))
            except RowRejected as rejected:
                results.append(rejected)
        return results

    @abstractmethod
    def _one(self, outputs: "Outputs", image: UprightImage, row: ImageRow) -> Prediction:
        """Return the slot's prediction for one image."""


class BuiltinFilter(_Builtin):
    """Scores how similar an image is to the rooms that the network was trained on, and to images of other things.

    `spatial`, which gates the next stage, is the probability of a room; the other scores say what else the image shows.
    An image that is unlike all rooms of the training, whatever it shows, is refused: there, scores mean nothing.
    """

    options_type: ClassVar[type[Options]] = BuiltinFilterOptions

    @classmethod
    def score_names(cls, spec: ExpertSpec) -> frozenset[str] | None:
        """Return the names in the header of the weights, None where there are no weights."""
        try:
            with _weights(spec).open("rb") as file:
                header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            return frozenset({"spatial", *json.loads(header["__metadata__"]["shape"])["likenesses"]})
        except (OSError, ValueError, KeyError):
            return None

    def _one(self, outputs: "Outputs", image: UprightImage, row: ImageRow) -> Prediction:
        scores = self.reader.scores(outputs)
        found = self.reader.unlikeness(outputs, image) if self.options.novelty else None
        if found and found[0] > found[1]:
            likest = max((name for name in scores if name != "spatial"), key=lambda name: scores[name])
            raise RowRejected(
                Outcome.FILTERED,
                Reason.NOT_LIKE_TRAINING,
                f"The image is unlike the rendered rooms that the built-in experts know (distance {found[0]:.1f}, "
                f"limit {found[1]:.1f}; of what they know, most like: {likest}), so its names and sizes would be "
                "wrong; use other experts, or the option `novelty: false` of the filter.",
            )
        return {"scores": scores}


class BuiltinRegions(_Builtin):
    """Objects with masks, labels and captions such as "red chair"."""

    def _one(self, outputs: "Outputs", image: UprightImage, row: ImageRow) -> Prediction:
        return {"regions": self.reader.regions(outputs, image)}


class BuiltinDepth(_Builtin):
    """Metric depth, gravity and, where neither crawl nor EXIF tells it, a focal length, each with its error."""

    columns: ClassVar[tuple[str, ...]] = ("bytes", *INTRINSICS)
    options_type: ClassVar[type[Options]] = BuiltinDepthOptions
    calibrated_options: ClassVar[frozenset[str]] = frozenset(
        BuiltinDepthOptions.model_fields.keys() - BuiltinOptions.model_fields.keys()
    )

    @classmethod
    def options_of_fit(cls, fit: DepthFit) -> dict[str, Any]:
        """Return the options that make the expert agree with true depth."""
        found = {name: getattr(fit, name) for name in cls.calibrated_options}
        return {name: value for name, value in found.items() if value is not None}

    def _one(self, outputs: "Outputs", image: UprightImage, row: ImageRow) -> Prediction:
        return self.reader.depth(outputs, image, known_intrinsics(row, image.size), self.options)


def _weights(spec: ExpertSpec) -> Path:
    return PACKAGED if spec.model == "none" else Path(spec.model)


SLOTS = {"filter": BuiltinFilter, "context": BuiltinRegions, "depth": BuiltinDepth}
