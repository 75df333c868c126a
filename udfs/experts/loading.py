"""Load Hugging Face models as their users expect: ids or folders, pinned revisions, caches, offline mode."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from udfs.experts.expert import ExpertSpec


class ModelUnavailable(Exception):
    """A model cannot be loaded; the message names the id, the cache that lacks it and the command that fetches it."""


def pretrained(load: Callable[..., Any], spec: ExpertSpec, **options: Any) -> Any:
    """Return `load(model, revision=..)`, where `load` is a `from_pretrained` of transformers.

    Raises:
        ModelUnavailable: not in the cache and not to be downloaded, or not a model of this family.
    """
    revision = None if spec.revision == "none" or Path(spec.model).is_dir() else spec.revision
    try:
        return load(spec.model, revision=revision, **options)
    except (OSError, ValueError, KeyError) as error:
        raise ModelUnavailable(_sentence(spec, revision, error)) from error


def _sentence(spec: ExpertSpec, revision: str | None, error: Exception) -> str:
    cause = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    if Path(spec.model).is_dir():
        return f"The folder {spec.model} holds no {spec.family} model ({cause}); save one there with save_pretrained."
    from huggingface_hub.constants import HF_HUB_CACHE

    pinned = f" --revision {revision}" if revision else ""
    return (
        f"Model {spec.model}{f' at {revision}' if revision else ''} ({spec.family}) is not in the cache {HF_HUB_CACHE} "
        f"and could not be loaded ({cause}); fetch it with `hf download {spec.model}{pinned}`, or name a local folder."
    )


def dtype_of(device: str) -> Any:
    """Return the precision that models run in: half on a GPU, single on a CPU."""
    import torch

    return torch.float16 if device.startswith("cuda") else torch.float32
