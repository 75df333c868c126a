"""Small random detectors and segmenters, saved as their users save them."""

import string
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BertTokenizer,
    CLIPTokenizer,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessor,
    GroundingDinoProcessor,
    Owlv2Config,
    Owlv2ForObjectDetection,
    Owlv2ImageProcessor,
    Owlv2Processor,
    Sam2Config,
    Sam2ImageProcessor,
    Sam2Model,
    Sam2Processor,
    SamConfig,
    SamImageProcessor,
    SamModel,
    SamProcessor,
)


def saved(folder: Path, model: Any, processor: Any) -> str:
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


def spread(model: Any, scale: float) -> Any:
    """Return the model with larger weights, so that random outputs differ between places of an image."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0.0, scale)
    return model


def clip_tokenizer(length: int) -> CLIPTokenizer:
    letters = list(string.ascii_lowercase + string.digits + ",.")
    pieces = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    return CLIPTokenizer(vocab={piece: i for i, piece in enumerate(pieces, 1)}, merges=[], model_max_length=length)


def bert_tokenizer(length: int = 512) -> BertTokenizer:
    """Return a tokenizer of letters whose marks have the ids that Grounding DINO has built in."""
    vocabulary = {f"[unused{i}]": i for i in range(1100)}
    pieces = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, ".": 1012, "?": 1029}
    for offset, letter in enumerate(string.ascii_lowercase):
        pieces |= {letter: 200 + offset, f"##{letter}": 300 + offset}
    by_id = {i: piece for piece, i in vocabulary.items()} | {i: piece for piece, i in pieces.items()}
    return BertTokenizer(vocab={piece: i for i, piece in by_id.items()}, model_max_length=length)


def owlv2(folder: Path, length: int = 24) -> str:
    torch.manual_seed(0)
    text = {"vocab_size": 80, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1}
    vision = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "image_size": 64, "patch_size": 16}
    config = Owlv2Config(
        text_config={**text, "num_attention_heads": 2, "max_position_embeddings": length, "eos_token_id": 2},
        vision_config={**vision, "num_attention_heads": 2},
        projection_dim=32,
    )
    model = spread(Owlv2ForObjectDetection(config), 0.3)
    size = {"height": 64, "width": 64}
    return saved(folder, model, Owlv2Processor(Owlv2ImageProcessor(size=size), clip_tokenizer(length)))


def grounding_dino(folder: Path, max_text_len: int = 64) -> str:
    torch.manual_seed(0)
    backbone = {
        "model_type": "swin",
        "image_size": 64,
        "patch_size": 4,
        "embed_dim": 16,
        "depths": [1, 1, 1, 1],
        "num_heads": [1, 1, 2, 2],
        "window_size": 4,
        "out_indices": [2, 3, 4],
    }
    text = {"model_type": "bert", "vocab_size": 1100, "hidden_size": 32, "intermediate_size": 32}
    config = GroundingDinoConfig(
        backbone_config=backbone,
        text_config={**text, "num_hidden_layers": 1, "num_attention_heads": 2},
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_queries=12,
        max_text_len=max_text_len,
    )
    model = spread(GroundingDinoForObjectDetection(config), 0.2)
    images = GroundingDinoImageProcessor(size={"shortest_edge": 64, "longest_edge": 96})
    return saved(folder, model, GroundingDinoProcessor(images, bert_tokenizer()))


def sam(folder: Path) -> str:
    torch.manual_seed(0)
    config = SamConfig(
        vision_config={
            "hidden_size": 32,
            "output_channels": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 64,
            "patch_size": 8,
            "window_size": 4,
            "global_attn_indexes": [0],
            "num_pos_feats": 16,
            "mlp_dim": 32,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": 64, "patch_size": 8, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 32,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    )
    model = spread(SamModel(config), 0.2)
    images = SamImageProcessor(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    return saved(folder, model, SamProcessor(images))


def sam2(folder: Path) -> str:
    torch.manual_seed(0)
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 16,
        "image_size": [64, 64],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [16, 32, 64, 128],
        "num_attention_heads_per_stage": [1, 1, 2, 2],
        "window_size_per_stage": [4, 4, 2, 2],
        "window_positional_embedding_background_size": [4, 4],
        "global_attention_blocks": [3],
    }
    config = Sam2Config(
        vision_config={
            "model_type": "sam2_vision_model",
            "backbone_config": backbone,
            "backbone_channel_list": [128, 64, 32, 16],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": 64, "patch_size": 16, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 32,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    )
    model = spread(Sam2Model(config), 0.1)
    images = Sam2ImageProcessor(size={"height": 64, "width": 64}, mask_size={"height": 16, "width": 16})
    return saved(folder, model, Sam2Processor(images))
