"""The parts of a model, by model family."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from vlm.errors import ModelUnsuited


@dataclass(frozen=True)
class Family:
    """Attributes of `model.model` that hold the parts, as dotted paths.

    `masked`: the decoder accepts 4D masks and position ids. `one_turn`: the text ends with the first answer.
    """

    vision_encoder: str
    projector: str
    decoder: str = "language_model"
    masked: bool = False
    one_turn: bool = False


_LLAVA = Family("vision_tower", "multi_modal_projector")
_IDEFICS = Family("vision_model", "connector", "text_model")
_QWEN = Family("visual", "visual.merger")

# Family by `model_type` of config.json, as transformers 5 builds them.
FAMILIES = {
    "llava": Family("vision_tower", "multi_modal_projector", masked=True),
    **dict.fromkeys(("llava_next", "llava_onevision", "vipllava", "internvl", "mistral3", "aya_vision"), _LLAVA),
    **dict.fromkeys(("cohere2_vision", "got_ocr2", "lfm2_vl", "gemma3"), _LLAVA),
    "paligemma": Family("vision_tower", "multi_modal_projector", one_turn=True),
    **dict.fromkeys(("idefics2", "idefics3", "smolvlm"), _IDEFICS),
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "glm4v"), _QWEN),
}


def family_of(model_type: str) -> Family:
    """Return the family of a `model_type`.

    Raises:
        ModelUnsuited: the family is unknown.
    """
    if model_type not in FAMILIES:
        raise ModelUnsuited(f"The model type {model_type} is not supported; use one of {', '.join(sorted(FAMILIES))}.")
    return FAMILIES[model_type]


def bare(model: Any) -> Any:
    """Return a model without its adapters, if it has any."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def part(model: Any, name: str) -> nn.Module:
    """Return a part of a model by its path below `model.model`."""
    return bare(model).model.get_submodule(name)
