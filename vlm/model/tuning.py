"""Fine-tuning: frozen parts, low-rank adapters and gradient checkpointing."""

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from vlm.errors import ModelUnsuited
from vlm.model.joining import join_model
from vlm.model.loading import VisionLanguageModel, load_model
from vlm.model.settings import LoraSettings, ModelSettings


def open_model(settings: ModelSettings, seed: int = 0) -> VisionLanguageModel:
    """Return the model of the settings, its untrained parts frozen; `seed` determines new weights.

    Raises:
        ModelUnavailable: the model cannot be loaded.
        ModelUnsuited: the model family is not supported, or does not support a setting.
    """
    dtype = getattr(torch, settings.weights)
    if settings.model:
        vlm = load_model(settings.model, settings.revision, dtype=dtype, attention=settings.attention)
    else:
        vlm = join_model(str(settings.vision_encoder), str(settings.decoder), seed, dtype, settings.attention)
    vlm = replace(vlm, sequence=settings.sequence)
    if settings.freeze_vision_encoder:
        vlm.vision_encoder.requires_grad_(False)
        vlm.projector.requires_grad_(True)
    if settings.freeze_decoder or settings.lora:
        vlm.decoder.requires_grad_(False)
        vlm.model.get_output_embeddings().requires_grad_(False)
    if settings.lora:
        torch.manual_seed(seed)
        vlm = replace(vlm, model=_with_adapters(vlm, settings.lora))
    if settings.gradient_checkpointing:
        vlm.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return vlm


def merged(vlm: VisionLanguageModel) -> VisionLanguageModel:
    """Return a copy with the adapters merged into the weights."""
    from copy import deepcopy

    from peft import PeftModel

    if not isinstance(vlm.model, PeftModel):
        return vlm
    return replace(vlm, model=deepcopy(vlm.model).merge_and_unload())


def _with_adapters(vlm: VisionLanguageModel, settings: LoraSettings) -> Any:
    from peft import LoraConfig, get_peft_model

    trained = [name for name, weight in vlm.model.named_parameters() if weight.requires_grad]
    prefix = f"model.{vlm.family.decoder}."
    linear = [
        name
        for name, layer in vlm.model.named_modules()
        if isinstance(layer, nn.Linear)
        and name.startswith(prefix)
        and (not settings.targets or name.rsplit(".", 1)[-1] in settings.targets)
    ]
    if not linear:
        raise ModelUnsuited(
            f"The decoder has no linear layer named {', '.join(settings.targets)}; correct model.lora.targets."
        )
    adapted = get_peft_model(
        vlm.model,
        LoraConfig(r=settings.rank, lora_alpha=settings.alpha, lora_dropout=settings.dropout, target_modules=linear),
    )
    # peft freezes everything except its adapters.
    wanted = set(trained)
    for name, weight in adapted.get_base_model().named_parameters():
        if name in wanted:
            weight.requires_grad_(True)
    return adapted
