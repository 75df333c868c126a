"""The three slots of the `builtin` family: likeness to a room, objects with names, and depth with gravity."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from udfs.experts.batching import decoded, predicted
from udfs.experts.expert import ExpertSpec, Photograph, Prediction
from udfs.experts.pictures import Picture

if TYPE_CHECKING:
    from udfs.experts.families.builtin.sight import Sight

PACKAGED = Path(__file__).parents[2] / "weights" / "builtin.safetensors"
_AT_ONCE = 8


class _Builtin(ABC):
    """Runs the network on batches; `spec.model` is a weights file, or "none" for the one in the package.

    `spec.revision` pins the file by the beginning of its SHA-256, so that other weights are another recipe.

    Options: `pixels`, how many the network sees of a photograph (as many as it was calibrated with).
    """

    def __init__(self, spec: ExpertSpec) -> None:
        self.revision = spec.revision
        self.path = PACKAGED if spec.model == "none" else Path(spec.model)
        self.pixels: int | None = spec.options.get("pixels")

    def load(self, device: str) -> None:
        """Read the weights; raises ModelUnavailable where there are none."""
        from udfs.experts.families.builtin.reader import Reader

        self.reader = Reader(self.path, device, self.pixels, self.revision)

    def predict(self, batch: Sequence[Photograph]) -> list[Prediction | Exception]:
        """Return one prediction or exception per photograph, in order."""
        results: list[Prediction | Exception] = []
        for pictures in decoded(batch, _AT_ONCE):
            rows = batch[len(results) : len(results) + len(pictures)]
            items: list[Any] = [p if isinstance(p, Exception) else (p, r) for p, r in zip(pictures, rows, strict=True)]
            results += predicted(items, self._some)
        return results

    def _some(self, items: list[tuple[Picture, Photograph]]) -> list[Prediction]:
        sights = self.reader.see([picture for picture, _ in items])
        return [self._one(sight, picture, row) for sight, (picture, row) in zip(sights, items, strict=True)]

    @abstractmethod
    def _one(self, sight: "Sight", picture: Picture, row: Photograph) -> Prediction:
        """Return what the slot gives of one picture."""


class BuiltinFilter(_Builtin):
    """Scores how much a photograph looks like the rooms that the network was trained on, and like what is none.

    `spatial`, which gates the next stage, is the chance of a room; the others say what the photograph is like instead.
    """

    columns: ClassVar[tuple[str, ...]] = ("bytes", "exif_orientation")

    def _one(self, sight: "Sight", picture: Picture, row: Photograph) -> Prediction:
        return {"scores": self.reader.scores(sight)}


class BuiltinRegions(_Builtin):
    """Objects with masks, labels and captions such as "red chair"."""

    columns: ClassVar[tuple[str, ...]] = ("bytes", "exif_orientation")

    def _one(self, sight: "Sight", picture: Picture, row: Photograph) -> Prediction:
        return {"regions": self.reader.regions(sight, picture)}


class BuiltinDepth(_Builtin):
    """Metric depth, gravity and, where the photograph carries no intrinsics, a focal length, each with its error."""

    columns: ClassVar[tuple[str, ...]] = ("bytes", "exif_orientation", "camera")

    def _one(self, sight: "Sight", picture: Picture, row: Photograph) -> Prediction:
        return self.reader.depth(sight, picture, row["camera"])


SLOTS = {"filter": BuiltinFilter, "context": BuiltinRegions, "depth": BuiltinDepth}
