"""What a base begins with: a folder with a vision tower and one with a decoder, to be joined."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, ViTImageProcessor

from studies.claims.study import Sizes
from udfs.experts.families.builtin.experts import PACKAGED
from vlm.examples import decoded

_HEIGHT_PX, _WIDTH_PX = 144, 192
_WORDS = 2048
_BATCH = 16
# The first words of the tokenizer, so that their ids are their places.
_SPECIAL = ("<pad>", "<s>", "</s>")
_PICTURE = "<image>"
_WORD_STD = 0.04
# The logit that a token begins with where another has the same features.
_LIKENESS = 11.0


def write_room_tower(folder: Path, pictures: Sequence[Path]) -> None:
    """Write the built-in network as a tower, its features scaled on `pictures`, with its image processor."""
    from studies.claims.room_encoder import room_tower

    processor = ViTImageProcessor(size={"height": _HEIGHT_PX, "width": _WIDTH_PX}, do_normalize=False)
    # Bases are kept in half precision, and arms take up the features that the base has seen.
    room_tower(PACKAGED, _batches(pictures, processor)).half().float().save_pretrained(folder)
    processor.save_pretrained(folder)


def _batches(pictures: Sequence[Path], processor: ViTImageProcessor) -> list[Tensor]:
    """Return pictures as the tower takes them, [b, 3, 144, 192] in 0..1."""
    shown = [decoded(path.read_bytes()) for path in pictures]
    parts = [shown[start : start + _BATCH] for start in range(0, len(shown), _BATCH)]
    return [processor(part, return_tensors="pt")["pixel_values"] for part in parts]


def write_decoder(folder: Path, texts: Iterable[str], sizes: Sizes) -> None:
    """Write a small Llama that has learned nothing, and a tokenizer fitted on `texts`."""
    tokenizer = fitted_tokenizer(texts)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=sizes.hidden,
        intermediate_size=sizes.hidden * 8 // 3,
        num_hidden_layers=sizes.layers,
        num_attention_heads=4,
        max_position_embeddings=1024,
        initializer_range=_WORD_STD,
        # Words of a question are as near to every token of the picture.
        rope_parameters={"rope_type": "default", "rope_theta": 1e8},
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = LlamaForCausalLM(config)
    _look_up_names(model, tokenizer.get_vocab()[_PICTURE])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _look_up_names(model: LlamaForCausalLM, picture: int) -> None:
    """Let the first layer begin by attending from a name to the objects of the picture that have it.

    Keys begin as queries, so that tokens attend to what is like them. A word is most of all like itself: so all words
    share a direction, and keys of it are turned away from it and towards the embedding of the picture's token, of which
    a projector gives every object a share. From weights at random, a small model is very long in finding this.
    """
    words = model.model.embed_tokens.weight
    attention: Any = model.model.layers[0].self_attn
    hidden, head = words.shape[1], attention.head_dim
    with torch.no_grad():
        shared = F.normalize(torch.randn(hidden), dim=0)
        towards = F.normalize(words[picture], dim=0)
        others = torch.arange(len(words)) != picture
        words[others] += 0.5 * _WORD_STD * hidden**0.5 * shared
        query, key = attention.q_proj.weight, attention.k_proj.weight
        query.normal_(0, (_LIKENESS / (hidden * head**0.5)) ** 0.5)
        key.copy_(query + 2 * torch.outer(query @ shared, towards - shared))


def fitted_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer of at most 2,048 words, every digit one by itself with the space before it.

    A number then follows what it is said of at once: a space of its own between them would have to hand on the name.
    """
    tokenizer = Tokenizer(models.BPE())
    digits = pre_tokenizers.Split(Regex(r" ?\d"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    # The picture's token is one of the words, so that the embeddings keep their size.
    special = [*_SPECIAL, _PICTURE]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=_WORDS, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=_SPECIAL[0],
        bos_token=_SPECIAL[1],
        eos_token=_SPECIAL[2],
        extra_special_tokens=[_PICTURE],
    )


def drawn_pictures(crawl: Path, count: int) -> list[Path]:
    """Return photographs of a crawl, spread evenly over it."""
    rows = (crawl / "manifest.jsonl").read_text().splitlines()
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)
    return [crawl / json.loads(rows[place])["image"] for place in places]
