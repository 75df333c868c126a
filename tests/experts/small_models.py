"""Small models of the whole-image families: random weights and their own processors, saved as any checkpoint is."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import io
from pathlib import Path

import sentencepiece
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BeitConfig,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    CLIPTokenizer,
    CLIPVisionConfig,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    DepthProConfig,
    DepthProForDepthEstimation,
    DepthProImageProcessor,
    Dinov2Config,
    DPTImageProcessor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    SiglipProcessor,
    SiglipTokenizer,
    ZoeDepthConfig,
    ZoeDepthForDepthEstimation,
    ZoeDepthImageProcessor,
)

TOWER = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
EYE = {**TOWER, "image_size": 32, "patch_size": 8}
TEMPLATE = (
    "{% for message in messages %}USER: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image> {% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)


def clip(folder: Path) -> None:
    torch.manual_seed(1)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocab = {token: index for index, token in enumerate([*letters, *(f"{x}</w>" for x in letters), "<|startoftext|>"])}
    vocab["<|endoftext|>"] = len(vocab)
    tokenizer = CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77)
    text = {**TOWER, "vocab_size": len(vocab), "max_position_embeddings": 77, "eos_token_id": len(vocab) - 1}
    config = CLIPConfig(text_config=text, vision_config=EYE, projection_dim=8)
    CLIPModel(config).save_pretrained(folder)
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    CLIPProcessor(images, tokenizer).save_pretrained(folder)


def siglip(folder: Path) -> None:
    torch.manual_seed(2)
    folder.mkdir()
    words = ["a photo of the inside of a room with furniture", "a drawing, a poster or a page of text", "kitchen maps"]
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(words * 5), model_writer=trained, vocab_size=40, hard_vocab_limit=False, minloglevel=2,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
    )  # fmt: skip
    (folder / "spiece.model").write_bytes(trained.getvalue())
    tokenizer = SiglipTokenizer(str(folder / "spiece.model"), model_max_length=64)
    text = {**TOWER, "vocab_size": 64, "max_position_embeddings": 64, "projection_size": 16}
    SiglipModel(SiglipConfig(text_config=text, vision_config=EYE)).save_pretrained(folder)
    SiglipProcessor(SiglipImageProcessor(size={"height": 32, "width": 32}), tokenizer).save_pretrained(folder)


ANSWERS = ("yes", "no", "Yes", "No", "YES", "NO")


def words_tokenizer(extra: list[str], answers: tuple[str, ...] = ANSWERS) -> PreTrainedTokenizerFast:
    words = ["<unk>", "<pad>", "<s>", "</s>", *extra, *answers, "Is", "this", "a", "room"]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", words.index("<s>")), ("</s>", words.index("</s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        cls_token="<s>", sep_token="</s>", additional_special_tokens=extra,
    )  # fmt: skip


def llava(folder: Path) -> None:
    """A model with a chat format, whose answer is decoded after the question."""
    torch.manual_seed(3)
    tokenizer = words_tokenizer(["<image>"])
    text = LlamaConfig(**TOWER, vocab_size=32, max_position_embeddings=128, initializer_range=0.3)
    eye = CLIPVisionConfig(**EYE, initializer_range=0.3)
    config = LlavaConfig(
        vision_config=eye, text_config=text, image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1, vision_feature_select_strategy="default", image_seq_length=16,
    )  # fmt: skip
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    LlavaProcessor(
        images, tokenizer, patch_size=8, vision_feature_select_strategy="default", chat_template=TEMPLATE,
        num_additional_image_tokens=1,
    ).save_pretrained(folder)  # fmt: skip


def blip(folder: Path) -> None:
    """A model without a chat format."""
    torch.manual_seed(4)
    text = {
        **TOWER, "vocab_size": 32, "max_position_embeddings": 64, "encoder_hidden_size": 16, "bos_token_id": 2,
        "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 1, "initializer_range": 0.3,
    }  # fmt: skip
    config = BlipConfig(text_config=text, vision_config={**EYE, "initializer_range": 0.3}, projection_dim=8)
    BlipForConditionalGeneration(config).save_pretrained(folder)
    BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), words_tokenizer([])).save_pretrained(folder)


def zoedepth(folder: Path) -> None:
    torch.manual_seed(5)
    backbone = BeitConfig(
        image_size=32, patch_size=16, hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=32,
        out_features=["stage1", "stage2", "stage3", "stage4"], reshape_hidden_states=False,
        use_relative_position_bias=True, initializer_range=0.2,
    )  # fmt: skip
    config = ZoeDepthConfig(
        backbone_config=backbone, neck_hidden_sizes=[16, 16, 32, 32], fusion_hidden_size=16, bottleneck_features=16,
        num_relative_features=8, bin_embedding_dim=16, num_attractors=[4, 2, 2, 1], initializer_range=0.2,
    )  # fmt: skip
    ZoeDepthForDepthEstimation(config).save_pretrained(folder)
    ZoeDepthImageProcessor(size={"height": 64, "width": 64}, ensure_multiple_of=32).save_pretrained(folder)


def depth_anything(folder: Path, kind: str = "metric") -> None:
    torch.manual_seed(6)
    backbone = Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, patch_size=14, image_size=56, mlp_ratio=1,
        out_features=["stage1", "stage2"], apply_layernorm=False, reshape_hidden_states=False, initializer_range=0.3,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, neck_hidden_sizes=[8, 8], reassemble_factors=[2, 1], fusion_hidden_size=8,
        reassemble_hidden_size=32, head_hidden_size=8, depth_estimation_type=kind, max_depth=20, initializer_range=0.1,
    )  # fmt: skip
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    processor = DPTImageProcessor(size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14)
    processor.save_pretrained(folder)


def depth_pro(folder: Path, with_fov: bool = True) -> None:
    torch.manual_seed(7)
    eye = {
        "model_type": "dinov2", "num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 1, "patch_size": 4,
        "image_size": 16, "initializer_range": 0.3,
    }  # fmt: skip
    config = DepthProConfig(
        patch_size=16, fusion_hidden_size=16, intermediate_hook_ids=[1, 0], intermediate_feature_dims=[10, 8],
        scaled_images_ratios=[0.5, 1.0], scaled_images_overlap_ratios=[0.0, 0.2], scaled_images_feature_dims=[12, 12],
        use_fov_model=with_fov, image_model_config=eye, patch_model_config=eye, fov_model_config=eye,
    )  # fmt: skip
    model = DepthProForDepthEstimation(config)
    with torch.no_grad():
        model.head.layers[-2].weight *= 0.002
        model.head.layers[-2].bias.fill_(0.4)
        if model.fov_model is not None:
            model.fov_model.head.layers[-1].bias.fill_(55.0)
    model.save_pretrained(folder)
    DepthProImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)


SAVED = {
    "clip": clip,
    "siglip": siglip,
    "llava": llava,
    "blip": blip,
    "zoedepth": zoedepth,
    "depth_anything": depth_anything,
    "depth_pro": depth_pro,
}
