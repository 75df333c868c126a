"""Checkpoints of other families: small ones saved with their own processors learn and answer, too."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from collections.abc import Callable
from pathlib import Path

import pytest
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

from tests.model.tiny import EYE, SIZE, image, mixed_examples
from vlm.model.answer_loss import AnswerLoss
from vlm.model.collate import TokenBatch, collator_of
from vlm.model.generate import answers
from vlm.model.loading import VisionLanguageModel
from vlm.model.settings import ModelSettings
from vlm.model.tiny import CHATML, bytes_tokenizer
from vlm.model.tuning import open_model

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


def whole(end: str, before: str = "") -> str:
    said = ("2 m", "No, it is 2 m.", "Yes", "There", "é ü 5 m", "Nothing")
    return "".join(before + answer + end for answer in said)


CASES = [
    (qwen2_vl, whole("<|im_end|>"), 0),
    (idefics3, whole("<|im_end|>"), 0),
    (smolvlm, whole("<end_of_utterance>", " "), 0),
    (llava, whole("</s>", " "), 0),
    (llava_onevision, whole("<|im_end|>"), 0),
    (paligemma, "2 m</s>There</s>é ü 5 m</s>", 3),
]


def own_loss(vlm: VisionLanguageModel, batch: TokenBatch) -> float:
    """The mean loss that transformers itself computes of the learned tokens."""
    labels = torch.full_like(batch.inputs["input_ids"], -100)
    labels[:, 1:][batch.predicts[:, :-1]] = batch.targets
    return float(vlm.model(**batch.inputs, labels=labels).loss)


@pytest.mark.parametrize(("write", "learned", "cut"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_checkpoint_of_another_family_learns_answers_and_answers(
    tmp_path: Path, write: Callable[[Path], None], learned: str, cut: int
) -> None:
    torch.manual_seed(0)
    write(tmp_path)
    vlm = open_model(ModelSettings(model=str(tmp_path), freeze_vision_encoder=True))
    examples = [one for one in mixed_examples() if one.image is not None]
    collate, module = collator_of(vlm, ("spatial",)), AnswerLoss(vlm.model, vlm.family, 1).train()
    batch = collate(examples)
    assert (vlm.processor.tokenizer.decode(batch.targets), batch.cut) == (learned, cut)
    with torch.no_grad():
        sums = module.eval()(batch.inputs, batch.predicts, batch.targets, batch.streams)
        assert float(sums) / len(batch.targets) == pytest.approx(own_loss(vlm, batch), rel=1e-5)
    module.train()
    optimizer = torch.optim.Adam([weight for weight in vlm.model.parameters() if weight.requires_grad], lr=0.01)
    losses = []
    for _ in range(8):
        loss = module(batch.inputs, batch.predicts, batch.targets, batch.streams).sum() / len(batch.targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert all(weight.grad is None for weight in vlm.vision_encoder.parameters() if not weight.requires_grad)
    told = answers(vlm, [image(1), image(2)], ["Where?", "How far is it?"], 4)
    alone = [answers(vlm, [image(1)], ["Where?"], 4)[0], answers(vlm, [image(2)], ["How far is it?"], 4)[0]]
    assert told == alone
