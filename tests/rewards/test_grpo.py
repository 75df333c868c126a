"""A lake's rows train by GRPO as they are: TRL's own trainer, tiny models, a few steps, all rewards together."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    PrinterCallback,
)
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from scenes.crawl import write_crawl
from spatiallake import rewards
from tests.model.tiny import EYE, SIZE
from tests.rewards.lake_of_rooms import measured, write_lake
from vlm.model.tiny import CHATML

# What a model may say; everything in a question is one unknown word.
SAID = ["Yes", "No", "1", "2", "40", "meters", "centimeters", "times", "degrees", "A", "B"]
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<image>", "<|im_start|>", "<|im_end|>"]
FUNCTIONS = [one for one in rewards.ALL if one is not rewards.point_reward]


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grpo")
    write_crawl(str(folder / "rooms"), 2, 22, width=320, height=240)
    write_lake(folder / "lake", measured(folder / "rooms"))
    rewards.write_prompts(str(folder / "lake"), folder / "prompts.parquet")
    return folder / "prompts.parquet"


def tokenizer() -> PreTrainedTokenizerFast:
    """Words are tokens."""
    vocab = {word: number for number, word in enumerate([*SPECIAL, *SAID])}
    made = Tokenizer(models.WordLevel(vocab=vocab, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    held = PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        extra_special_tokens={"image_token": "<image>"}, padding_side="left",
    )  # fmt: skip
    held.chat_template = re.sub(r"<image>", " <image> ", CHATML)
    return held


def decoder(vocab_size: int) -> LlamaConfig:
    return LlamaConfig(**SIZE, vocab_size=vocab_size, bos_token_id=1, eos_token_id=2, pad_token_id=0)


def trained(folder: Path, model: Any, processor: Any, data: Dataset, steps: int) -> list[dict[str, float]]:
    settings = GRPOConfig(
        output_dir=str(folder), use_cpu=True, bf16=False, max_steps=steps, per_device_train_batch_size=16,
        num_generations=8, max_completion_length=3, learning_rate=3e-2, lr_scheduler_type="constant", logging_steps=1,
        report_to="none", seed=3, save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = GRPOTrainer(
        model=model, reward_funcs=FUNCTIONS, args=settings, train_dataset=data, processing_class=processor
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return [entry for entry in trainer.state.log_history if "reward" in entry]


def test_rewards_rise_when_a_lakes_answers_are_trained_on(prompts: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    words = tokenizer()
    data = Dataset.from_parquet(str(prompts), cache_dir=str(tmp_path / "cache")).remove_columns("image")
    model = LlamaForCausalLM(decoder(len(words)))
    before = [one.detach().clone() for one in model.parameters()]
    history = trained(tmp_path / "run", model, words, data, 80)
    assert len(history) == 80
    assert any(not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    for function in FUNCTIONS:
        assert all(f"rewards/{function.__name__}/mean" in entry for entry in history)
    first, last = (sum(entry["reward"] for entry in some) / 25 for some in (history[:25], history[-25:]))
    assert last > first + 0.1


def test_a_model_with_images_trains_on_the_same_file(prompts: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    words = tokenizer()
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor = LlavaProcessor(
        image_processor=images, tokenizer=words, patch_size=EYE["patch_size"], vision_feature_select_strategy="default",
        num_additional_image_tokens=1, chat_template=words.chat_template,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**EYE),
        text_config=decoder(len(words)),
        image_token_id=words.convert_tokens_to_ids("<image>"),  # pyright: ignore[reportCallIssue]
    )
    data = Dataset.from_parquet(str(prompts), cache_dir=str(tmp_path / "cache"))
    history = trained(tmp_path / "run", LlavaForConditionalGeneration(config), processor, data, 2)
    assert len(history) == 2
    assert all(entry["rewards/format_reward/mean"] >= 0 for entry in history)
