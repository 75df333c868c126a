"""A model of a local folder or a Hugging Face id, run in this process."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from vlm.evaluation.predictors.predictor import Output, PredictorUnusable
from vlm.evaluation.predictors.views import Shown

if TYPE_CHECKING:
    from vlm.model.loading import VisionLanguageModel


class CheckpointSettings(BaseModel):
    """Weights, device and limits of a local model."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    place: str = Field(description="folder or Hugging Face id")
    revision: str | None = Field(default=None, description="commit of a Hugging Face id")
    device: str | None = Field(default=None, description="cpu, cuda, cuda:1, ..; none: a GPU if there is one")
    batch: int = Field(default=16, ge=1, description="questions per batch")
    max_new_tokens: int = Field(default=256, ge=1, description="maximum length of an answer")


class Checkpoint:
    """Answers items in batches with an image-text-to-text model."""

    def __init__(self, name: str, settings: CheckpointSettings) -> None:
        self.model = name
        self.batch = settings.batch
        self._settings = settings

    def identity(self) -> str:
        """Return what answers depend on: the weights (a digest for a folder) and the settings.

        Raises:
            PredictorUnusable: an id has no revision, or the device does not exist.
        """
        own = self._settings
        folder = Path(own.place)
        if not folder.is_dir() and own.revision is None:
            raise PredictorUnusable(
                f"{own.place} is not a folder; a Hugging Face id needs --revision with the hash of a commit."
            )
        weights = _digest(folder) if folder.is_dir() else f"{own.place}@{own.revision}"
        return f"{weights} {self._device} {own.batch} {own.max_new_tokens}"

    def predict(self, batches: Iterable[Sequence[Shown]]) -> Iterator[list[Output]]:
        """Yield the answers of each batch.

        Raises:
            PredictorUnusable: the model cannot be loaded or used.
        """
        for batch in batches:
            yield [Output(one, text) for one, text in zip(batch, self._answers(batch), strict=True)]

    def _answers(self, asked: Sequence[Shown]) -> list[str]:
        from vlm.errors import ModelError
        from vlm.model.generate import answers

        images = [one.images for one in asked]
        try:
            return answers(self._loaded, images, [one.prompt for one in asked], self._settings.max_new_tokens)
        except ModelError as error:
            raise PredictorUnusable(str(error)) from error

    @cached_property
    def _device(self) -> str:
        import torch

        found = self._settings.device or ("cuda" if torch.cuda.is_available() else "cpu")
        if found.startswith("cuda") and not torch.cuda.is_available():
            raise PredictorUnusable(f"--device {found} needs a GPU, and there is none; omit the option or use cpu.")
        return found

    @cached_property
    def _loaded(self) -> "VisionLanguageModel":
        import torch

        from vlm.model.loading import load_model

        dtype = torch.bfloat16 if self._device.startswith("cuda") else torch.float32
        return load_model(self._settings.place, self._settings.revision, self._device, dtype)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(one for one in folder.iterdir() if one.is_file()):
        with file.open("rb") as held:
            digest.update(f"{file.name} {hashlib.file_digest(held, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
