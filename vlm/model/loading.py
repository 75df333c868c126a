"""Models from folders and Hugging Face ids, ready for training or inference."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor
from transformers.utils import logging

from vlm.errors import ModelUnavailable
from vlm.model.families import Family, family_of, part
from vlm.model.settings import SequenceSettings

_CONFIG_KEY = "spatiallake"


@dataclass(frozen=True)
class VisionLanguageModel:
    """A model with its processor, its family and its sequence settings."""

    model: Any
    processor: Any
    family: Family
    sequence: SequenceSettings = field(default_factory=SequenceSettings)

    @property
    def vision_encoder(self) -> torch.nn.Module:
        """Return the vision encoder."""
        return part(self.model, self.family.vision_encoder)

    @property
    def projector(self) -> torch.nn.Module:
        """Return the projector from visual features to embeddings."""
        return part(self.model, self.family.projector)

    @property
    def decoder(self) -> torch.nn.Module:
        """Return the language model without its head."""
        return part(self.model, self.family.decoder)

    def save(self, folder: str | Path) -> None:
        """Save model, processor and sequence settings for `load_model`."""
        logging.disable_progress_bar()
        setattr(self.model.config, _CONFIG_KEY, self.sequence.model_dump())
        self.model.save_pretrained(folder)
        self.processor.save_pretrained(folder)


def load_model(
    place: str,
    revision: str | None = None,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    attention: str = "sdpa",
) -> VisionLanguageModel:
    """Return an image-text-to-text model from a folder or a Hugging Face id.

    Raises:
        ModelUnavailable: it does not exist, is another kind of model, or lacks weights.
        ModelUnsuited: the model family is not supported.
    """
    model = whole(AutoModelForImageTextToText, place, revision, dtype=dtype, attn_implementation=attention)
    processor = pretrained(AutoProcessor.from_pretrained, place, revision)
    sequence = getattr(model.config, _CONFIG_KEY, None) or {}
    family = family_of(model.config.model_type)
    return VisionLanguageModel(model.to(device).eval(), processor, family, SequenceSettings.model_validate(sequence))


def pretrained(load: Callable[..., Any], place: str, revision: str | None = None, **options: Any) -> Any:
    """Return `load(place, revision=..)`, where `load` is a `from_pretrained` of transformers.

    Raises:
        ModelUnavailable: it does not exist or is something else.
    """
    logging.disable_progress_bar()
    try:
        return load(place, revision=None if Path(place).is_dir() else revision, **options)
    except (OSError, ValueError, KeyError, ImportError) as error:
        cause = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        what = getattr(load, "__self__", load).__name__
        remedy = _remedy(error, place, revision)
        raise ModelUnavailable(f"{place} cannot be loaded by {what} ({cause.rstrip('.')}); {remedy}.") from error


def _remedy(error: Exception, place: str, revision: str | None) -> str:
    if isinstance(error, ImportError):
        return "install that package, or choose another model or model.attention"
    if Path(place).is_dir():
        return "save a model there with save_pretrained"
    return f"fetch it with `hf download {place}{f' --revision {revision}' if revision else ''}`, or name a folder"


def whole(kind: Any, place: str, revision: str | None = None, **options: Any) -> Any:
    """Return a model, all of whose parameters were loaded.

    Raises:
        ModelUnavailable: it does not exist, is something else, or lacks weights.
    """
    model, report = pretrained(kind.from_pretrained, place, revision, output_loading_info=True, **options)
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelUnavailable(
            f"The weights of {place} lack {len(missing)} parameters of a {model.config.model_type}, such as "
            f"{missing[0]}, which would be random; download or save the whole model again."
        )
    return model
