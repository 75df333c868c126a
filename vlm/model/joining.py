"""Composing a LLaVA model from any ViT and language model, with a new projector between them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PretrainedConfig,
    PreTrainedModel,
)

from vlm.errors import ModelUnsuited
from vlm.model.families import family_of
from vlm.model.loading import VisionLanguageModel, pretrained, whole

_IMAGE = "<image>"
_WEIGHTS = ("*.safetensors", "*.bin", "*.safetensors.index.json")


def join_model(
    vision_encoder: str, decoder: str, seed: int = 0, dtype: torch.dtype = torch.float32, attention: str = "sdpa"
) -> VisionLanguageModel:
    """Return a LLaVA model of the vision encoder and decoder in two folders; missing weights are random.

    The encoder's configuration needs `hidden_size` and `patch_size`. `extra_tokens` is the number of tokens that it
    appends to those of the patches. An encoder class of your own has to be registered with transformers' Auto classes.

    Raises:
        ModelUnavailable: a folder lacks a configuration, image processor or tokenizer, or has other weights.
        ModelUnsuited: the vision encoder does not output one token per patch.
    """
    images = pretrained(AutoImageProcessor.from_pretrained, vision_encoder)
    tokenizer = pretrained(AutoTokenizer.from_pretrained, decoder)
    vision, text = _vision_config(vision_encoder), pretrained(AutoConfig.from_pretrained, decoder)
    tokenizer.add_special_tokens({"additional_special_tokens": [_IMAGE]}, replace_extra_special_tokens=False)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    torch.manual_seed(seed)
    # A saved model should not contain paths of this machine.
    vision.name_or_path = text.name_or_path = ""
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids(_IMAGE),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        tie_word_embeddings=text.tie_word_embeddings,
        dtype=dtype,
    )
    config._attn_implementation = attention
    model = _empty(config, dtype)
    _load_vision_encoder(model, vision_encoder, vision)
    _load_decoder(model, decoder)
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    additional = _additional_tokens(model.model.vision_tower, images, vision.patch_size)
    config.vision_feature_select_strategy = "default" if additional > _extra_tokens(vision) else "full"
    processor = LlavaProcessor(
        images,
        tokenizer,
        patch_size=vision.patch_size,
        vision_feature_select_strategy=config.vision_feature_select_strategy,
        num_additional_image_tokens=additional,
        chat_template=tokenizer.chat_template,
    )
    return VisionLanguageModel(model.eval(), processor, family_of(config.model_type))


def _empty(config: LlavaConfig, dtype: torch.dtype) -> Any:
    # Any, since type checkers cannot follow the decorator of `to`.
    model: Any = LlavaForConditionalGeneration(config)
    return model.to(dtype)


def _vision_config(place: str) -> PretrainedConfig:
    config = pretrained(AutoConfig.from_pretrained, place)
    # CLIP and SigLIP folders also hold a text model.
    config = getattr(config, "vision_config", config)
    if not hasattr(config, "patch_size") or not hasattr(config, "hidden_size"):
        raise ModelUnsuited(
            f"The vision encoder {place} is a {config.model_type} without patch_size and hidden_size; use a model with "
            "one token per patch, such as a ViT, CLIP, SigLIP or DINOv2."
        )
    return config


def _has_weights(place: str) -> bool:
    return any(any(Path(place).glob(pattern)) for pattern in _WEIGHTS)


def _load_vision_encoder(model: LlavaForConditionalGeneration, place: str, config: PretrainedConfig) -> None:
    if _has_weights(place):
        own = type(model.model.vision_tower)
        loaded = whole(own, place, config=config) if issubclass(own, PreTrainedModel) else whole(AutoModel, place)
        _copy(loaded, model.model.vision_tower)


def _load_decoder(model: LlavaForConditionalGeneration, place: str) -> None:
    if _has_weights(place):
        loaded: Any = whole(AutoModelForCausalLM, place)
        _copy(loaded.base_model, model.model.language_model)
        _copy(loaded.get_output_embeddings(), model.lm_head)


def _copy(source: nn.Module, target: nn.Module) -> None:
    target.load_state_dict(source.state_dict())


def _extra_tokens(vision_encoder: PretrainedConfig) -> int:
    return getattr(vision_encoder, "extra_tokens", 0)


def _additional_tokens(vision_encoder: PreTrainedModel, images: Any, patch_px: int) -> int:
    """Return the number of tokens beyond those of patches, such as 1 for the class token of a ViT."""
    blank = np.zeros((64, 64, 3), np.uint8)
    pixels = images(blank, return_tensors="pt")["pixel_values"].to(vision_encoder.dtype)
    with torch.no_grad():
        found = vision_encoder.eval()(pixels).last_hidden_state.shape[1]
    patches = (pixels.shape[-2] // patch_px) * (pixels.shape[-1] // patch_px)
    if found - patches - _extra_tokens(vision_encoder.config) not in (0, 1):
        raise ModelUnsuited(
            f"The vision encoder outputs {found} tokens for {patches} patches of {patch_px} px; use one with one token "
            "per patch, with or without a class token."
        )
    return found - patches
