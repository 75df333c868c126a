"""A vision encoder and a decoder joined by a projector that is new: the LLaVA family from any ViT and language model."""

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
    """Return a LLaVA of the vision encoder and the decoder of two folders; a folder without weights is begun at random.

    Raises:
        ModelUnavailable: a folder without configuration, image processor or tokenizer, or with other weights.
        ModelUnsuited: a vision encoder that does not give one token for every patch.
    """
    images = pretrained(AutoImageProcessor.from_pretrained, vision_encoder)
    tokenizer = pretrained(AutoTokenizer.from_pretrained, decoder)
    seeing, speaking = _vision_config(vision_encoder), pretrained(AutoConfig.from_pretrained, decoder)
    tokenizer.add_special_tokens({"additional_special_tokens": [_IMAGE]}, replace_extra_special_tokens=False)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    torch.manual_seed(seed)
    # Where the parts lay on this machine is nothing that a model should be kept with.
    seeing.name_or_path = speaking.name_or_path = ""
    config = LlavaConfig(
        vision_config=seeing,
        text_config=speaking,
        image_token_index=tokenizer.convert_tokens_to_ids(_IMAGE),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        tie_word_embeddings=speaking.tie_word_embeddings,
        dtype=dtype,
    )
    config._attn_implementation = attention
    model = _empty(config, dtype)
    _load_vision_encoder(model, vision_encoder, seeing)
    _load_decoder(model, decoder)
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    beside = _tokens_beside_patches(model.model.vision_tower, images, seeing.patch_size)
    config.vision_feature_select_strategy = "default" if beside > _extra_tokens(seeing) else "full"
    processor = LlavaProcessor(
        images,
        tokenizer,
        patch_size=seeing.patch_size,
        vision_feature_select_strategy=config.vision_feature_select_strategy,
        num_additional_image_tokens=beside,
        chat_template=tokenizer.chat_template,
    )
    return VisionLanguageModel(model.eval(), processor, family_of(config.model_type))


def _empty(config: LlavaConfig, dtype: torch.dtype) -> Any:
    # Not typed as what it is: its `to` is decorated beyond what a type checker follows.
    model: Any = LlavaForConditionalGeneration(config)
    return model.to(dtype)


def _vision_config(place: str) -> PretrainedConfig:
    config = pretrained(AutoConfig.from_pretrained, place)
    # CLIP and SigLIP folders hold a text model, too.
    config = getattr(config, "vision_config", config)
    if not hasattr(config, "patch_size") or not hasattr(config, "hidden_size"):
        raise ModelUnsuited(
            f"The vision encoder {place} is a {config.model_type} without patch_size and hidden_size; name a model that gives "
            "one token for every patch, such as a ViT, CLIP, SigLIP or DINOv2."
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


def _tokens_beside_patches(vision_encoder: PreTrainedModel, images: Any, patch_px: int) -> int:
    """Return how many tokens are of no patch: one in a ViT with a class token, which is the first."""
    blank = np.zeros((64, 64, 3), np.uint8)
    pixels = images(blank, return_tensors="pt")["pixel_values"].to(vision_encoder.dtype)
    with torch.no_grad():
        found = vision_encoder.eval()(pixels).last_hidden_state.shape[1]
    patches = (pixels.shape[-2] // patch_px) * (pixels.shape[-1] // patch_px)
    if found - patches - _extra_tokens(vision_encoder.config) not in (0, 1):
        raise ModelUnsuited(
            f"The vision encoder gives {found} tokens for {patches} patches of {patch_px} px; name one that gives one for every "
            "patch, with or without a class token before them."
        )
    return found - patches
