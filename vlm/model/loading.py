"""Models from folders and ids, ready to be trained or asked."""

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
    """A model with its processor, its family, and how it is to be spoken to."""

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
        """Return what turns features of the vision encoder to embeddings."""
        return part(self.model, self.family.projector)

    @property
    def decoder(self) -> torch.nn.Module:
        """Return the language model, without its head."""
        return part(self.model, self.family.decoder)

    def save(self, folder: str | Path) -> None:
        """Write model, processor and sequence settings as `load_model` reads them."""
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
    """Return an image-text-to-text model of a folder or a Hugging Face id.

    Raises:
        ModelUnavailable: not there, not such a model, or weights that lack parameters.
        ModelUnsuited: a family whose parts are not known.
    """
    model = whole(AutoModelForImageTextToText, place, revision, dtype=dtype, attn_implementation=attention)
    processor = pretrained(AutoProcessor.from_pretrained, place, revision)
    said = getattr(model.config, _CONFIG_KEY, None) or {}
    family = family_of(model.config.model_type)
    return VisionLanguageModel(model.to(device).eval(), processor, family, SequenceSettings.model_validate(said))


def pretrained(load: Callable[..., Any], place: str, revision: str | None = None, **options: Any) -> Any:
    """Return `load(place, revision=..)`, where `load` is a `from_pretrained` of transformers.

    Raises:
        ModelUnavailable: nothing there, or something else.
    """
    logging.disable_progress_bar()
    try:
        return load(place, revision=None if Path(place).is_dir() else revision, **options)
    except (OSError, ValueError, KeyError, ImportError) as error:
        cause = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        remedy = (
            "save one there with save_pretrained"
            if Path(place).is_dir()
            else f"fetch it with `hf download {place}{f' --revision {revision}' if revision else ''}`, or name a folder"
        )
        what = getattr(load, "__self__", load).__name__
        raise ModelUnavailable(f"{place} cannot be loaded by {what} ({cause}); {remedy}.") from error


def whole(kind: Any, place: str, revision: str | None = None, **options: Any) -> Any:
    """Return a model none of whose parameters is left at random.

    Raises:
        ModelUnavailable: nothing there, something else, or weights that lack parameters.
    """
    model, report = pretrained(kind.from_pretrained, place, revision, output_loading_info=True, **options)
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelUnavailable(
            f"The weights of {place} lack {len(missing)} parameters of a {model.config.model_type}, such as "
            f"{missing[0]}; they would be random, so fetch or save the whole model again."
        )
    return model
