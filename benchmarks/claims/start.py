"""What a base begins with: a folder with a vision tower and one with a decoder, to be joined."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, ViTImageProcessor

from benchmarks.claims.study import Sizes
from udfs.experts.builtin.experts import PACKAGED
from vlm.examples import decoded

_HEIGHT_PX, _WIDTH_PX = 144, 192
_WORDS = 2048
_BATCH = 16
# The first words of the tokenizer, so that their ids are their places.
_SPECIAL = ("<pad>", "<s>", "</s>")


def write_room_tower(folder: Path, pictures: Sequence[Path]) -> None:
    """Write the built-in network as a tower, its features scaled on `pictures`, with its image processor."""
    from vlm.model.tower import room_tower

    processor = ViTImageProcessor(size={"height": _HEIGHT_PX, "width": _WIDTH_PX}, do_normalize=False)
    room_tower(PACKAGED, _batches(pictures, processor)).save_pretrained(folder)
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
        initializer_range=0.04,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def fitted_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer of at most 2,048 words, every digit one by itself."""
    tokenizer = Tokenizer(models.BPE())
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    # The picture's token is one of the words, so that the embeddings keep their size.
    special = [*_SPECIAL, "<image>"]
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
        extra_special_tokens=["<image>"],
    )


def drawn_pictures(crawl: Path, count: int) -> list[Path]:
    """Return photographs of a crawl, spread evenly over it."""
    rows = (crawl / "manifest.jsonl").read_text().splitlines()
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)
    return [crawl / json.loads(rows[place])["image"] for place in places]
