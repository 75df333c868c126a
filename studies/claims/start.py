"""What a base starts from: the room network as vision encoder, a small decoder, and a projector between them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, ViTImageProcessor

from studies.claims.room_encoder import room_encoder
from studies.claims.study import Sizes
from udfs.experts.families.builtin.experts import PACKAGED
from vlm.examples import decoded
from vlm.model.joining import join_model
from vlm.model.loading import VisionLanguageModel

_HEIGHT_PX, _WIDTH_PX = 144, 192
_WORDS = 2048
_BATCH = 16
# The first tokens, so that their ids are 0, 1 and 2.
_SPECIAL = ("<pad>", "<s>", "</s>")
_IMAGE = "<image>"
_WORD_STD = 0.04
# Projector weights of features without and with a name, and of the feature that marks objects.
_OTHER_FEATURES, _NAMED_FEATURES, _OBJECT_FEATURE = 0.02, 4.0, 0.5
# Initial attention logit between two tokens with the same features.
_LIKENESS = 11.0


def write_encoder(folder: Path, images: Sequence[Path]) -> None:
    """Write the built-in network as a vision encoder, its features scaled on `images`, with its image processor."""
    processor = ViTImageProcessor(size={"height": _HEIGHT_PX, "width": _WIDTH_PX}, do_normalize=False)
    # A base is kept in half precision, and runs reuse the features that were cached for it.
    room_encoder(PACKAGED, _batches(images, processor)).half().float().save_pretrained(folder)
    processor.save_pretrained(folder)


def _batches(images: Sequence[Path], processor: ViTImageProcessor) -> list[Tensor]:
    """Return images as the encoder takes them, [b, 3, 144, 192] in 0..1."""
    loaded = [decoded(path.read_bytes()) for path in images]
    parts = [loaded[start : start + _BATCH] for start in range(0, len(loaded), _BATCH)]
    return [processor(part, return_tensors="pt")["pixel_values"] for part in parts]


def write_joined(folder: Path, encoder: Path, decoder: Path) -> None:
    """Write the model that joins a room encoder and a decoder by a projector that knows the encoder's names."""
    vlm = join_model(str(encoder), str(decoder))
    start_with_names(vlm)
    vlm.save(folder)


def start_with_names(vlm: VisionLanguageModel) -> None:
    """Initialize the projector so that an object's embedding is near the embeddings of its kind and color.

    Otherwise a small model would have to learn word by word which features belong to a name before it can look up
    anything. Every object also gets a share of the image token's own embedding, which a decoder can attend to.
    """
    config, projector, tokenizer = vlm.model.config, vlm.projector, vlm.processor.tokenizer
    seeing = config.vision_config
    config.projector_hidden_act, projector.act = "linear", nn.Identity()
    embeddings: Any = vlm.model.get_input_embeddings().weight
    first, second = cast(nn.Linear, projector.linear_1), cast(nn.Linear, projector.linear_2)
    with torch.no_grad():
        for layer in (first, second):
            layer.bias.zero_()
        first.weight.normal_(0, _OTHER_FEATURES)
        nn.init.eye_(second.weight)
        image = embeddings[tokenizer.convert_tokens_to_ids(_IMAGE)]
        first.weight[:, seeing.object_feature] += _OBJECT_FEATURE * image
        for index, name in seeing.named_features.items():
            words = embeddings[tokenizer(f" {name}", add_special_tokens=False)["input_ids"]]
            first.weight[:, index] += _NAMED_FEATURES * words.sum(0) / len(words) ** 0.5


def write_decoder(folder: Path, texts: Iterable[str], sizes: Sizes) -> None:
    """Write an untrained small Llama and a tokenizer fitted on `texts`."""
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
        # The large base keeps words equally near to all image tokens.
        rope_parameters={"rope_type": "default", "rope_theta": 1e8},
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = LlamaForCausalLM(config)
    _look_up_names(model, tokenizer.get_vocab()[_IMAGE])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _look_up_names(model: LlamaForCausalLM, image: int) -> None:
    """Initialize the first layer so that a name attends to the image's objects with that name.

    Keys start equal to queries, so that tokens attend to similar ones. Since a word is most similar to itself, all
    words share a direction, and keys are turned from it towards the image token's embedding, of which the projector
    gives every object a share. From random weights, a small model takes very long to find this.
    """
    words = model.model.embed_tokens.weight
    attention: Any = model.model.layers[0].self_attn
    hidden, head = words.shape[1], attention.head_dim
    with torch.no_grad():
        shared = F.normalize(torch.randn(hidden), dim=0)
        towards = F.normalize(words[image], dim=0)
        others = torch.arange(len(words)) != image
        words[others] += 0.5 * _WORD_STD * hidden**0.5 * shared
        query, key = attention.q_proj.weight, attention.k_proj.weight
        query.normal_(0, (_LIKENESS / (hidden * head**0.5)) ** 0.5)
        key.copy_(query + 2 * torch.outer(query @ shared, towards - shared))


def fitted_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer of at most 2,048 tokens in which every digit is a token, with its space.

    A number then directly follows the words it belongs to, without a separate token for the space.
    """
    tokenizer = Tokenizer(models.BPE())
    digits = pre_tokenizers.Split(Regex(r" ?\d"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    # The image token is part of the vocabulary, so the embeddings keep their size.
    special = [*_SPECIAL, _IMAGE]
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
        extra_special_tokens=[_IMAGE],
    )


def drawn_images(crawl: Path, count: int) -> list[Path]:
    """Return the paths of images spread evenly over a crawl."""
    rows = (crawl / "manifest.jsonl").read_text().splitlines()
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)
    return [crawl / json.loads(rows[place])["image"] for place in places]
