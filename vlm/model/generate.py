"""Batched greedy answers of a model to questions about images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DynamicCache

from vlm.examples import Turn, decoded
from vlm.model.attention import attention_mask, mask_for
from vlm.model.loading import VisionLanguageModel
from vlm.model.prompts import Prompts
from vlm.model.sequences import processed

ImageInput = bytes | NDArray[np.uint8]
Shown = ImageInput | Sequence[ImageInput] | None


@torch.inference_mode()
def answers(
    vlm: VisionLanguageModel, images: Sequence[Shown], questions: Sequence[str], max_new_tokens: int = 64
) -> list[str]:
    """Return the greedy answer to each question; every question has one image, several in order, or None.

    Raises:
        ModelUnsuited: a question has several images, and the model's processor takes one.
    """
    shown = [_pixels(own) for own in images]
    texts = [""] * len(questions)
    for has_image in (True, False):
        places = [place for place, own in enumerate(shown) if bool(own) == has_image]
        if not places:
            continue
        inputs = _inputs(vlm, [shown[place] for place in places], [questions[place] for place in places])
        tokens = (
            _own_loop(vlm, inputs, max_new_tokens) if vlm.family.masked else _generated(vlm, inputs, max_new_tokens)
        )
        decoded_texts = vlm.processor.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        for place, text in zip(places, decoded_texts, strict=True):
            texts[place] = text.strip()
    return texts


def end_tokens(vlm: VisionLanguageModel) -> list[int]:
    """Return the tokens that end an answer: those of the model's configuration, and that of training examples."""
    tokenizer = vlm.processor.tokenizer
    prompt = Prompts(vlm.processor, vlm.sequence.template).conversation([Turn("a", "a")], image=False)
    # The last token of the training text.
    ids = tokenizer(prompt.text[: prompt.answers[0][1]], add_special_tokens=False)["input_ids"]
    ends = vlm.model.generation_config.eos_token_id
    named = [] if ends is None else ends if isinstance(ends, list) else [ends]
    return sorted({*named, ids[-1]})


def _pixels(own: Shown) -> list[NDArray[np.uint8]]:
    images = [] if own is None else [own] if isinstance(own, bytes | np.ndarray) else own
    return [decoded(image) if isinstance(image, bytes) else image for image in images]


def _inputs(vlm: VisionLanguageModel, images: list[list[Any]], questions: list[str]) -> dict[str, Tensor]:
    """Return the model inputs of questions, all of which have images or none of which has."""
    prompts = Prompts(vlm.processor, vlm.sequence.template)
    texts = [prompts.question(text, image=len(own)) for text, own in zip(questions, images, strict=True)]
    options = {"add_special_tokens": False, "padding": True, "padding_side": "left", "return_tensors": "pt"}
    has_images = bool(images[0])
    made = processed(vlm.processor, texts, images, **options) if has_images else _tokens(vlm, texts, options)
    return {name: value.to(vlm.model.device) for name, value in made.items() if name != "labels"}


def _tokens(vlm: VisionLanguageModel, texts: list[str], options: dict[str, Any]) -> Any:
    return vlm.processor.tokenizer(texts, **options)


def _generated(vlm: VisionLanguageModel, inputs: dict[str, Tensor], max_new_tokens: int) -> list[list[int]]:
    tokens = vlm.model.generate(
        **inputs, max_new_tokens=max_new_tokens, do_sample=False, num_beams=1, eos_token_id=end_tokens(vlm),
        pad_token_id=vlm.processor.tokenizer.pad_token_id,
    )  # fmt: skip
    return tokens[:, inputs["input_ids"].shape[1] :].tolist()


def _own_loop(vlm: VisionLanguageModel, inputs: dict[str, Tensor], max_new_tokens: int) -> list[list[int]]:
    """Decode greedily with the prompt masked as in training, and return the tokens."""
    ids, kept = inputs["input_ids"], inputs["attention_mask"].bool()
    image = ids == vlm.processor.image_token_id if vlm.sequence.bidirectional_image else None
    # Padding counts as an example.
    mask = attention_mask(kept.long() - 1, torch.zeros_like(ids), image)
    position = (kept.long().cumsum(1) - 1).clamp(min=0)
    ends = torch.tensor(end_tokens(vlm), device=ids.device)
    going = torch.ones(len(ids), dtype=torch.bool, device=ids.device)
    given: dict[str, Any] = {name: inputs[name] for name in inputs if name not in ("input_ids", "attention_mask")}
    cache, tokens = DynamicCache(config=vlm.model.config.get_text_config()), []
    attention, dtype = vlm.model.config._attn_implementation, vlm.model.dtype
    for _ in range(max_new_tokens):
        mask_4d = mask_for(mask, attention, dtype)
        out = vlm.model(
            input_ids=ids, attention_mask=mask_4d, position_ids=position, cache=cache, use_cache=True,
            logits_to_keep=1, **given,
        )  # fmt: skip
        ids = out.logits[:, -1:].argmax(-1)
        going &= ~torch.isin(ids[:, 0], ends)
        tokens.append(torch.where(going, ids[:, 0], -1))
        if not going.any():
            break
        kept = torch.cat([kept, torch.ones_like(kept[:, :1])], 1)
        mask, position, given = kept[:, None, None], position[:, -1:] + 1, {}
    return [[token for token in row if token >= 0] for row in torch.stack(tokens, 1).tolist()]
