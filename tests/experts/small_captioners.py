"""Small random captioners and embedders, saved as their users save them."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from tests.experts.small_detectors import bert_tokenizer, clip_tokenizer, saved, spread

_QUESTIONS = "What does the region describe ? Describe in detail what is shown in the image ."
_CAPTIONS = "red blue white wooden mug chair table lamp laptop with a of on the and small handle , ."
_CHAT = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %} :{% endif %}"
)


def clip(folder: Path) -> str:
    torch.manual_seed(0)
    part = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config={**part, "vocab_size": 80, "max_position_embeddings": 32, "eos_token_id": 2, "bos_token_id": 1},
        vision_config={**part, "image_size": 32, "patch_size": 8},
        projection_dim=16,
    )
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return saved(folder, spread(CLIPModel(config), 0.2), CLIPProcessor(images, clip_tokenizer(32)))


def blip(folder: Path) -> str:
    torch.manual_seed(0)
    part = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    tokenizer = bert_tokenizer()
    text = {**part, "vocab_size": 1100, "max_position_embeddings": 64, "bos_token_id": 101, "sep_token_id": 102}
    config = BlipConfig(
        text_config={**text, "eos_token_id": 102, "pad_token_id": 0},
        vision_config={**part, "image_size": 32, "patch_size": 8},
    )
    model = spread(BlipForConditionalGeneration(config), 0.2)
    return saved(folder, model, BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), tokenizer))


def _word_tokenizer(special: list[str], words: str) -> PreTrainedTokenizerFast:
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *special, *dict.fromkeys(words.split())]
    model = models.WordLevel({piece: i for i, piece in enumerate(pieces)}, unk_token="<unk>")
    backend = Tokenizer(model)
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        mask_token="<mask>",
        additional_special_tokens=special,
        extra_special_tokens={"image_token": "<image>"},
        model_max_length=512,
    )


def florence2(folder: Path) -> str:
    torch.manual_seed(0)
    special = ["<image>", *(f"<loc_{i}>" for i in range(1000))]
    tokenizer = _word_tokenizer(special, f"{_QUESTIONS} {_CAPTIONS}")
    vision = {
        "depths": [1, 1],
        "patch_size": [7, 3],
        "patch_stride": [4, 2],
        "patch_padding": [3, 1],
        "patch_prenorm": [False, True],
        "embed_dim": [16, 32],
        "num_heads": [2, 2],
        "num_groups": [2, 2],
        "window_size": 4,
        "projection_dim": 32,
    }
    text = {
        "model_type": "bart",
        "vocab_size": len(tokenizer),
        "d_model": 32,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 32,
        "decoder_ffn_dim": 32,
        "max_position_embeddings": 256,
    }
    config = Florence2Config(
        vision_config=vision, text_config=text, image_token_id=tokenizer.convert_tokens_to_ids("<image>")
    )
    model = spread(Florence2ForConditionalGeneration(config), 0.2)
    images = CLIPImageProcessor(size={"height": 32, "width": 32}, do_center_crop=False, image_seq_length=17, resample=3)
    return saved(folder, model, Florence2Processor(images, tokenizer))


def llava(folder: Path, chat: bool = True) -> str:
    torch.manual_seed(0)
    tokenizer = _word_tokenizer(["<image>"], f"{_CAPTIONS} : List Name Describe objects object")
    part = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlavaConfig(
        vision_config={"model_type": "clip_vision_model", **part, "image_size": 32, "patch_size": 8},
        text_config={"model_type": "llama", **part, "num_key_value_heads": 2, "vocab_size": len(tokenizer)},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor = LlavaProcessor(
        images,
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=_CHAT if chat else None,
    )
    return saved(folder, spread(LlavaForConditionalGeneration(config), 0.2), processor)
