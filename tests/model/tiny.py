"""Tiny vision encoders, decoders and conversations; weights are random and large enough that every token matters."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    SiglipImageProcessor,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from vlm.examples import Example, Turn
from vlm.model.settings import ModelSettings, SequenceSettings
from vlm.model.tiny import TURN_TOKENS, bytes_tokenizer

SIZE = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
EYE = {**SIZE, "image_size": 32, "patch_size": 8}


def write_decoder(folder: Path, kind: str = "llama", template: str | None = None) -> str:
    torch.manual_seed(1)
    tokenizer = bytes_tokenizer(*TURN_TOKENS)
    tokenizer.chat_template = template
    sizes = {**SIZE, "vocab_size": len(tokenizer), "initializer_range": 0.3, "bos_token_id": 1, "eos_token_id": 2}
    if kind == "llama":
        LlamaForCausalLM(LlamaConfig(**sizes)).save_pretrained(folder)
    else:
        tied = Qwen2Config(**sizes, num_key_value_heads=1, tie_word_embeddings=True)
        Qwen2ForCausalLM(tied).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def write_encoder(folder: Path, kind: str = "clip") -> str:
    torch.manual_seed(2)
    if kind == "clip":
        CLIPVisionModel(CLIPVisionConfig(**EYE, initializer_range=0.3)).save_pretrained(folder)
        sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
        CLIPImageProcessor(**sizes).save_pretrained(folder)
    else:
        SiglipVisionModel(SiglipVisionConfig(**EYE)).save_pretrained(folder)
        SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return str(folder)


def image(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8)
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    return held.getvalue()


def example(name: str, *said: tuple[str, str], seed: int | None = 0, stream: str = "spatial") -> Example:
    turns = tuple(Turn(*one) for one in said)
    return Example(stream, name, name, None if seed is None else image(seed), turns, 10)


def mixed_examples() -> list[Example]:
    """Several turns, one turn, and none with an image."""
    return [
        example("a", ("How far is 2 m?", "2 m"), ("Is it red?", "No, it is 2 m."), ("Left?", "Yes"), seed=1),
        example("b", ("Where?", "There"), seed=2),
        example("c", ("Who are you?", "A model"), ("Sure?", "Yes"), seed=None, stream="general"),
        example("d", ("What is it?", "é ü 5 m"), ("And now?", "Nothing"), seed=3),
    ]


def settings_of(vision_encoder: str, decoder: str, **changes: object) -> ModelSettings:
    names = SequenceSettings.model_fields
    sequence = {name: value for name, value in changes.items() if name in names}
    rest = {name: value for name, value in changes.items() if name not in names}
    return ModelSettings.model_validate(
        {"vision_encoder": vision_encoder, "decoder": decoder, "sequence": sequence, **rest}
    )
