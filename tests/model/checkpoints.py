"""Small checkpoints of the families of transformers, with random weights, and the loss that transformers computes."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from pathlib import Path

import torch
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessor,
    Idefics3Processor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionImageProcessor,
    LlavaOnevisionProcessor,
    LlavaOnevisionVideoProcessor,
    LlavaProcessor,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    SiglipImageProcessor,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMImageProcessor,
    SmolVLMProcessor,
    SmolVLMVideoProcessor,
)

from tests.model.tiny import EYE, SIZE
from vlm.model.collate import TokenBatch
from vlm.model.loading import VisionLanguageModel
from vlm.model.tiny import CHATML, bytes_tokenizer

ENDS = ("<|im_start|>", "<|im_end|>")
TILES = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
PARTS = "{% for p in m['content'] %}{% if p['type'] == 'image' %}IMAGE{% else %}TEXT{% endif %}{% endfor %}"
# As LLaVA-1.5 writes turns: a space after every answer, and no end.
USER_ASSISTANT = (
    "{% for m in messages %}{{ m['role'].upper() }}: "
    + PARTS.replace("IMAGE", "<image>\n").replace(
        "TEXT", "{% if m['role'] == 'assistant' %}{% generation %}{{ p['text'] + ' ' }}{% endgeneration %}"
        "{% else %}{{ p['text'] + ' ' }}{% endif %}",
    )
    + "{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)  # fmt: skip
# As LLaVA-OneVision: a space after the role, except where an answer is asked for.
SPACED_CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + ' ' }}"
    + PARTS.replace("IMAGE", "{{ '<image>' }}").replace("TEXT", "{{ '\n' + p['text'] }}")
    + "{{ '<|im_end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# As SmolVLM: the end of an utterance is not the end of a text.
UTTERANCES = (
    "<|im_start|>{% for m in messages %}{{ m['role'] | capitalize }}:{% if m['content'][0]['type'] == 'text' %} "
    "{% endif %}"
    + PARTS.replace("IMAGE", "{{ '<image>' }}").replace("TEXT", "{{ p['text'] }}")
    + "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)


def qwen2_vl(folder: Path) -> None:
    signs = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>", *ENDS)
    tokenizer = bytes_tokenizer(*signs)
    ids = dict(zip(signs, tokenizer.convert_tokens_to_ids(list(signs)), strict=True))
    text = {
        **SIZE, "vocab_size": len(tokenizer), "num_key_value_heads": 1, "initializer_range": 0.3,
        "rope_parameters": {"type": "default", "mrope_section": [2, 1, 1], "rope_theta": 10000.0},
    }  # fmt: skip
    vision = {"depth": 1, "embed_dim": 16, "num_heads": 2, "hidden_size": 16, "patch_size": 4, "mlp_ratio": 2}
    config = Qwen2VLConfig(
        text_config=text, vision_config=vision, image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"], vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )  # fmt: skip
    Qwen2VLForConditionalGeneration(config).save_pretrained(folder)
    sizes = {"patch_size": 4, "merge_size": 2, "size": {"shortest_edge": 64, "longest_edge": 4096}}
    template = CHATML.replace("<image>", "<|vision_start|><|image_pad|><|vision_end|>")
    Qwen2VLProcessor(
        Qwen2VLImageProcessor(**sizes), tokenizer, Qwen2VLVideoProcessor(**sizes), chat_template=template
    ).save_pretrained(folder)


def idefics3(folder: Path) -> None:
    signs = ("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", *TILES, *ENDS)
    tokenizer = bytes_tokenizer(*signs)
    text = {**SIZE, "model_type": "llama", "vocab_size": len(tokenizer), "initializer_range": 0.3}
    config = Idefics3Config(
        text_config=text, vision_config=EYE, scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"), pad_token_id=0,
    )  # fmt: skip
    Idefics3ForConditionalGeneration(config).save_pretrained(folder)
    images = Idefics3ImageProcessor(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    Idefics3Processor(images, tokenizer, image_seq_len=4, chat_template=CHATML).save_pretrained(folder)


def llava(folder: Path) -> None:
    tokenizer = bytes_tokenizer("<image>")
    text = {**SIZE, "model_type": "llama", "vocab_size": len(tokenizer), "initializer_range": 0.3}
    config = LlavaConfig(
        text_config=text, vision_config={**EYE, "model_type": "siglip_vision_model"},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"), vision_feature_select_strategy="full",
    )  # fmt: skip
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    LlavaProcessor(
        SiglipImageProcessor(size={"height": 32, "width": 32}), tokenizer, patch_size=8,
        vision_feature_select_strategy="full", chat_template=USER_ASSISTANT,
    ).save_pretrained(folder)  # fmt: skip


def llava_onevision(folder: Path) -> None:
    tokenizer = bytes_tokenizer("<image>", "<video>", *ENDS)
    text = {**SIZE, "model_type": "qwen2", "vocab_size": len(tokenizer), "num_key_value_heads": 1}
    places = {name: tokenizer.convert_tokens_to_ids(f"<{name}>") for name in ("image", "video")}
    config = LlavaOnevisionConfig(
        text_config={**text, "initializer_range": 0.3}, vision_config={**EYE, "model_type": "siglip_vision_model"},
        image_token_index=places["image"], video_token_index=places["video"], image_grid_pinpoints=[[32, 32]],
    )  # fmt: skip
    LlavaOnevisionForConditionalGeneration(config).save_pretrained(folder)
    size = {"height": 32, "width": 32}
    LlavaOnevisionProcessor(
        LlavaOnevisionImageProcessor(size=size, image_grid_pinpoints=[[32, 32]]), tokenizer,
        LlavaOnevisionVideoProcessor(size=size), num_image_tokens=16, vision_feature_select_strategy="full",
        chat_template=SPACED_CHATML,
    ).save_pretrained(folder)  # fmt: skip


def smolvlm(folder: Path) -> None:
    signs = ("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", *TILES, *ENDS)
    tokenizer = bytes_tokenizer(*signs)
    text = {**SIZE, "model_type": "llama", "vocab_size": len(tokenizer), "initializer_range": 0.3}
    config = SmolVLMConfig(
        text_config=text, vision_config={**EYE, "model_type": "smolvlm_vision"}, scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"), pad_token_id=0,
    )  # fmt: skip
    SmolVLMForConditionalGeneration(config).save_pretrained(folder)
    images = SmolVLMImageProcessor(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    videos = SmolVLMVideoProcessor(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    SmolVLMProcessor(images, tokenizer, videos, image_seq_len=4, chat_template=UTTERANCES).save_pretrained(folder)


def paligemma(folder: Path) -> None:
    tokenizer = bytes_tokenizer("<image>")
    text = {
        **SIZE, "model_type": "gemma", "vocab_size": 1400, "num_key_value_heads": 1, "head_dim": 8,
        "initializer_range": 0.3,
    }  # fmt: skip
    config = PaliGemmaConfig(
        text_config=text, vision_config={**EYE, "model_type": "siglip_vision_model"}, projection_dim=16,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    PaliGemmaForConditionalGeneration(config).save_pretrained(folder)
    images = SiglipImageProcessor(size={"height": 32, "width": 32})
    images.image_seq_length = 16
    PaliGemmaProcessor(images, tokenizer).save_pretrained(folder)


def own_loss(vlm: VisionLanguageModel, batch: TokenBatch) -> float:
    """The mean loss that transformers itself computes of the learned tokens."""
    labels = torch.full_like(batch.inputs["input_ids"], -100)
    labels[:, 1:][batch.predicts[:, :-1]] = batch.targets
    return float(vlm.model(**batch.inputs, labels=labels).loss)
