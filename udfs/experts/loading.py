"""Load Hugging Face models: ids or local folders, pinned revisions, caches, offline mode."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from udfs.experts.expert import ExpertSpec
from udfs.experts.pinning import folder_digest
from udfs.experts.stored_weights import local_copy
from udfs.storage.files import MissingFile
from udfs.storage.locations import is_s3


class ModelUnavailable(Exception):
    """A model cannot be loaded; the message names the id, the cache that lacks it and the command that fetches it."""


def pretrained(load: Callable[..., Any], spec: ExpertSpec, **options: Any) -> Any:
    """Return `load(model, revision=..)`, where `load` is a `from_pretrained` of transformers.

    Raises:
        ModelUnavailable: the model is neither cached nor downloadable, is not of this family, or is a folder whose
            content differs from the recipe's.
    """
    place = _copied(spec) if is_s3(spec.model) else spec.model
    folder = Path(place) if Path(place).is_dir() else None
    if folder and spec.revision.startswith("sha256:") and folder_digest(folder) != spec.revision:
        raise ModelUnavailable(
            f"The folder {spec.model} differs from the recipe's ({spec.revision}); put the same files there on every "
            "worker, or restart the run after a change."
        )
    revision = None if folder or spec.revision == "none" else spec.revision
    try:
        return load(place, revision=revision, **options)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelUnavailable(_sentence(spec, revision, error)) from error


def _copied(spec: ExpertSpec) -> str:
    try:
        return str(local_copy(spec.model, spec.revision if spec.revision.startswith("sha256:") else None))
    except (ValueError, MissingFile) as error:
        raise ModelUnavailable(str(error)) from error


def pretrained_model(load: Callable[..., Any], spec: ExpertSpec, device: str, types: Collection[str] = ()) -> Any:
    """Return the model on `device` for inference, half precision on a GPU.

    `types` are the `model_type`s of `config.json` that the family accepts; empty: all.

    Raises:
        ModelUnavailable: as `pretrained`, a model of another type, or incomplete weights.
    """
    from transformers import AutoConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    dtype = dtype_of(device, pretrained(AutoConfig.from_pretrained, spec).dtype)
    model, report = pretrained(load, spec, dtype=dtype, output_loading_info=True)
    if types and model.config.model_type not in types:
        raise ModelUnavailable(
            f"Model {spec.model} is a {model.config.model_type} and the family {spec.family} accepts "
            f"{' or '.join(types)}; name another model or another family."
        )
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelUnavailable(
            f"The weights of {spec.model} lack {len(missing)} parameters of a {model.config.model_type}, such as "
            f"{missing[0]}, which would be random; fetch or save the whole model again."
        )
    return model.to(device).eval()


def _sentence(spec: ExpertSpec, revision: str | None, error: Exception) -> str:
    cause = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    if Path(spec.model).is_dir():
        return f"The folder {spec.model} holds no {spec.family} model ({cause}); save one there with save_pretrained."
    from huggingface_hub.constants import HF_HUB_CACHE, HF_HUB_OFFLINE

    pinned = f" --revision {revision}" if revision else ""
    offline = " and HF_HUB_OFFLINE forbids downloading it" if HF_HUB_OFFLINE else ""
    return (
        f"Model {spec.model}{f' at {revision}' if revision else ''} ({spec.family}) cannot be loaded from the cache "
        f"{HF_HUB_CACHE}{offline} ({cause}); fetch it with `hf download {spec.model}{pinned}`, or name a local folder."
    )


def dtype_of(device: str, saved: Any = None) -> Any:
    """Return the precision that models run in: half on a GPU, single on a CPU.

    Weights `saved` as bfloat16 stay bfloat16, since their activations can exceed the range of float16.
    """
    import torch

    if not device.startswith("cuda"):
        return torch.float32
    return torch.bfloat16 if saved == torch.bfloat16 else torch.float16
