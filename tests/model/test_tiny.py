"""The model of random weights that the package writes is read like any other."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor
from typer.testing import CliRunner

import jobs.cli.options
from tests.checks.parsing import application
from tests.command import invoke
from vlm.model.tiny import write_tiny_model


def test_a_tiny_model_is_read_by_transformers(tmp_path: Path) -> None:
    said = invoke("tiny-model", "--out", tmp_path / "a")
    model = AutoModelForImageTextToText.from_pretrained(tmp_path / "a")
    weights = sum(one.numel() for one in model.parameters())
    assert said.strip().endswith(f"a: {weights:,} random weights.")
    assert sum(path.stat().st_size for path in (tmp_path / "a").iterdir()) < 8e6
    tokenizer = AutoProcessor.from_pretrained(tmp_path / "a").tokenizer
    text = "How far? é 5 m"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_a_seed_always_gives_the_same_weights(tmp_path: Path) -> None:
    made = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_tiny_model(tmp_path / name, seed)
        made.append(AutoModelForImageTextToText.from_pretrained(tmp_path / name).get_input_embeddings().weight)
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


@pytest.mark.parametrize("is_file", [True, False])
def test_what_is_there_is_not_overwritten(tmp_path: Path, is_file: bool) -> None:
    place = tmp_path / "a"
    if is_file:
        place.write_text("mine")
    else:
        place.mkdir()
        (place / "mine").write_text("mine")
    application()
    done = CliRunner().invoke(jobs.cli.options.app, ["tiny-model", "--out", str(place)])
    assert "exists and is not an empty folder" in str(done.exception)
    assert (place if is_file else place / "mine").read_text() == "mine"
