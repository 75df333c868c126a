"""A model of a local folder or a Hugging Face id, asked in this process."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from vlm.evaluation.predictors.predictor import PredictorUnusable, Said
from vlm.evaluation.predictors.views import Shown

if TYPE_CHECKING:
    from vlm.model.loading import VisionLanguageModel


class CheckpointSettings(BaseModel):
    """Which weights answer, where, and how long."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    place: str = Field(description="folder or Hugging Face id")
    revision: str | None = Field(default=None, description="commit of a Hugging Face id")
    device: str | None = Field(default=None, description="cpu, cuda, cuda:1, ..; none: a GPU where there is one")
    batch: int = Field(default=16, ge=1, description="questions answered together")
    max_new_tokens: int = Field(default=256, ge=1, description="longest answer")


class Checkpoint:
    """Answers items with any model for images and text, a batch at a time."""

    def __init__(self, name: str, settings: CheckpointSettings) -> None:
        self.model = name
        self.batch = settings.batch
        self._settings = settings

    def identity(self) -> str:
        """Return the weights, by their content where they are a folder, and all that changes what they say.

        Raises:
            PredictorUnusable: an id without a revision, or no device such as is named.
        """
        own = self._settings
        folder = Path(own.place)
        if not folder.is_dir() and own.revision is None:
            raise PredictorUnusable(
                f"{own.place} is no folder; as a Hugging Face id it needs --revision with the digits of a commit."
            )
        weights = _digest(folder) if folder.is_dir() else f"{own.place}@{own.revision}"
        return f"{weights} {self._device} {own.batch} {own.max_new_tokens}"

    def predict(self, batches: Iterable[Sequence[Shown]]) -> Iterator[list[Said]]:
        """Yield the answers of each batch.

        Raises:
            PredictorUnusable: the model cannot be loaded or cannot be asked.
        """
        for batch in batches:
            fit = [one for one in batch if len(one.images) <= 1]
            yield [Said(one, text) for one, text in zip(fit, self._answers(fit), strict=True)] + [
                Said(one, fault=f"Item {one.item_id} has {len(one.images)} images, and {self.model} is shown one.")
                for one in batch
                if len(one.images) > 1
            ]

    def _answers(self, asked: Sequence[Shown]) -> list[str]:
        from vlm.errors import ModelError
        from vlm.model.generate import answers

        images = [one.images[0] if one.images else None for one in asked]
        try:
            return answers(self._loaded, images, [one.prompt for one in asked], self._settings.max_new_tokens)
        except ModelError as error:
            raise PredictorUnusable(str(error)) from error

    @cached_property
    def _device(self) -> str:
        import torch

        found = self._settings.device or ("cuda" if torch.cuda.is_available() else "cpu")
        if found.startswith("cuda") and not torch.cuda.is_available():
            raise PredictorUnusable(f"There is no GPU for --device {found}; leave it out or name cpu.")
        return found

    @cached_property
    def _loaded(self) -> "VisionLanguageModel":
        import torch

        from vlm.model.loading import load_model

        dtype = torch.bfloat16 if self._device.startswith("cuda") else torch.float32
        return load_model(self._settings.place, self._settings.revision, self._device, dtype)


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(one for one in folder.iterdir() if one.is_file()):
        with file.open("rb") as held:
            found.update(f"{file.name} {hashlib.file_digest(held, 'sha256').hexdigest()}\n".encode())
    return found.hexdigest()
