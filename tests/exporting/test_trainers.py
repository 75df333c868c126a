"""The Python that docs/export.md shows runs on an export, and TRL trains on one by the configuration that it gives."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText

from tests.checks.tracked import ROOT
from tests.command import invoke
from tests.exporting.truth import answers, looks_like, pixels

PAGE = (ROOT / "docs" / "export.md").read_text()


def block_with(word: str) -> str:
    """The only block of Python on the page that holds a word."""
    (found,) = [one for one in re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M) if word in one]
    return found


def replaced(text: str, **values: str) -> str:
    for old, new in values.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_the_first_example_reads_a_data_set(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    invoke("export", "--lake", lake, "--format", "hf", "--out", tmp_path / "dataset")
    capsys.readouterr()
    names: dict[str, Any] = {}
    exec(block_with('load_dataset("dataset"').replace('"dataset"', repr(str(tmp_path / "dataset"))), names)
    row = names["data"][0]
    true = answers(lake, "train")[row["qa_id"]]
    assert looks_like(row["image"], pixels(lake)[row["image_id"]])
    assert true["question"] in capsys.readouterr().out


def test_trl_trains_by_the_configuration_of_the_page(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    invoke("export", "--lake", lake, "--format", "hf_messages", "--out", tmp_path / "messages")
    invoke("tiny-model", "--out", tmp_path / "tiny")
    before = AutoModelForImageTextToText.from_pretrained(tmp_path / "tiny").state_dict()
    text = replaced(
        block_with("SFTTrainer"),
        **{'"messages"': repr(str(tmp_path / "messages")), '"MODEL"': repr(str(tmp_path / "tiny"))},
        **{
            '"trained"': repr(str(tmp_path / "trained")),
            "max_steps=1000,": "max_steps=5, logging_steps=1, use_cpu=True, bf16=False,",
        },
    )
    names: dict[str, Any] = {}
    exec(text, names)
    trainer = names["trainer"]
    losses = [one["loss"] for one in trainer.state.log_history if "loss" in one]
    assert trainer.state.global_step == 5 and len(losses) == 5
    # Of a model that knows nothing: about the logarithm of its some 260 tokens.
    assert all(0.5 * math.log(260) < loss < 1.5 * math.log(260) for loss in losses)
    after = trainer.model.state_dict()
    moved = {name for name, value in before.items() if not torch.equal(value, after[name].to(value.dtype).cpu())}
    assert any("vision" in name for name in moved) and any("language" in name for name in moved)
