"""A model of a local folder: its answers are those that transformers gives to one question at a time."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import io
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor
from typer.testing import CliRunner

from jobs.cli.options import app
from jobs.engine.errors import UsageError
from tests.experts.small_models import llava
from vlm.evaluation.images import ItemImage
from vlm.evaluation.items import Item, Kind, Truth
from vlm.evaluation.layouts import write_items

QUESTIONS = ("Is this a room", "Is a room this", "this room")
TOKENS = 6


def image(number):
    random = np.random.default_rng(number)
    pixels = random.integers(0, 255, (36, 48, 3)) * random.random(3)
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model whose answers depend on the image, without a chat format."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    llava(folder)
    (folder / "chat_template.jinja").unlink()
    own = AutoModelForImageTextToText.from_pretrained(folder)
    with torch.no_grad():
        for weights in own.model.multi_modal_projector.parameters():
            weights.mul_(40.0)
    own.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    made = []
    for number in range(10):
        held = io.BytesIO()
        image(number).save(held, "PNG")
        images = (ItemImage(data=held.getvalue()),) * (2 if number == 9 else 1)
        own = {"question": QUESTIONS[number % 3], "answer": "yes", "truth": Truth(yes=True), "images": images}
        made.append(Item(item_id=f"i{number}", number=number, source="test", kind=Kind.BOOL, type_id="T", **own))
    path = tmp_path_factory.mktemp("items") / "items.parquet"
    write_items("spatiallake", made, path)
    return path


def run(items, model, out, *more):
    arguments = ["evaluate", "--items", f"spatiallake:{items}", "--out", str(out), "--model", f"tiny={model}"]
    return CliRunner().invoke(app, [*arguments, "--batch", "4", "--max-new-tokens", str(TOKENS), *more])


def alone(folder, question, *shown):
    """What transformers makes of one question by itself, in the words of its documentation."""
    processor = AutoProcessor.from_pretrained(folder)
    own = AutoModelForImageTextToText.from_pretrained(folder).eval()
    text = f"<s>{'<image>' * len(shown)}{chr(10) if shown else ''}USER: {question}{chr(10)}ASSISTANT:"
    inputs = processor(text=text, images=list(shown) or None, return_tensors="pt", add_special_tokens=False)
    told = own.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
    return processor.tokenizer.decode(told[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip()


def test_its_answers_are_those_of_one_question_at_a_time(items, model, tmp_path):
    result = run(items, model, tmp_path)
    assert result.exit_code == 0, result.output
    rows = pq.read_table(tmp_path / "predictions.parquet").to_pylist()
    said = {(row["model"], row["item_id"]): row["raw"] for row in rows}
    for number in range(9):
        question, shown = QUESTIONS[number % 3], image(number)
        mean = tuple(round(one) for one in np.asarray(shown, float).mean(axis=(0, 1)))
        blank = Image.new("RGB", shown.size, mean)
        assert said["tiny", f"i{number}"] == alone(model, question, shown)
        assert said["tiny (image blanked)", f"i{number}"] == alone(model, question, blank)
        assert said["tiny (text only)", f"i{number}"] == alone(model, question)
    assert len({said["tiny", f"i{number}"] for number in range(0, 9, 3)}) > 1
    document = json.loads((tmp_path / "scores.json").read_text())
    assert said["tiny", "i9"] == alone(model, QUESTIONS[0], image(9), image(9))
    assert document["rejected"] == []
    assert [one["unanswered"] for one in document["models"]][:3] == [0, 0, 0]


def test_answers_that_are_there_are_not_asked_for_again_and_others_are(items, model, tmp_path):
    assert run(items, model, tmp_path, "--no-blind").exit_code == 0
    file = tmp_path / "predictions.jsonl"
    whole = file.read_text().splitlines(keepends=True)
    marked = [line.replace('"prediction": "', '"prediction": "kept ') for line in whole[:6]]
    file.write_text("".join(marked))
    assert run(items, model, tmp_path, "--no-blind").exit_code == 0
    assert file.read_text().splitlines(keepends=True) == [*marked, *whole[6:]]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot be loaded"),
        (lambda folder: (folder / "config.json").write_text("{}"), "cannot be loaded"),
    ],
)
def test_a_folder_that_holds_no_model_is_one_sentence(items, tmp_path, change, sentence):
    llava(tmp_path / "broken")
    change(tmp_path / "broken")
    result = run(items, tmp_path / "broken", tmp_path / "out")
    assert isinstance(result.exception, UsageError)
    assert sentence in str(result.exception)
    assert "\n" not in str(result.exception)
