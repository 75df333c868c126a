"""A vision-language model of random weights, small enough for a laptop: it shows that training works, and no more."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    SiglipImageProcessor,
    SiglipVisionConfig,
    SiglipVisionModel,
)
from transformers.utils import logging

from vlm.model.joining import join_model

# Any, since type checkers compare each value with every argument.
_SIZES: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
_IMAGE_PX, _PATCH_PX = 96, 16
TURN_TOKENS = ("<|im_start|>", "<|im_end|>")
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% for p in m['content'] %}{% if p['type'] == 'image' %}<image>{% else %}{{ p['text'] }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def bytes_tokenizer(*extra: str) -> PreTrainedTokenizerFast:
    """Return a tokenizer with one token per byte, three for padding, start and end, and those given."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: number for number, token in enumerate(["<pad>", "<s>", "</s>", *extra, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens=list(extra),
    )


def write_tiny_model(folder: Path, seed: int = 0) -> int:
    """Write a LLaVA model of a small SigLIP encoder and a small Llama decoder; return its number of parameters.

    The weights are random and the same for one seed.
    """
    logging.disable_progress_bar()
    with TemporaryDirectory() as parts:
        encoder, decoder = Path(parts, "encoder"), Path(parts, "decoder")
        torch.manual_seed(seed)
        SiglipVisionModel(SiglipVisionConfig(**_SIZES, image_size=_IMAGE_PX, patch_size=_PATCH_PX)).save_pretrained(
            encoder
        )
        SiglipImageProcessor(size={"height": _IMAGE_PX, "width": _IMAGE_PX}).save_pretrained(encoder)
        tokenizer = bytes_tokenizer(*TURN_TOKENS)
        tokenizer.chat_template = CHATML
        text = LlamaConfig(**_SIZES, vocab_size=len(tokenizer), bos_token_id=1, eos_token_id=2)
        LlamaForCausalLM(text).save_pretrained(decoder)
        tokenizer.save_pretrained(decoder)
        model = join_model(str(encoder), str(decoder), seed)
    model.save(folder)
    return sum(weights.numel() for weights in model.model.parameters())
