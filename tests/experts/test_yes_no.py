"""The yes/no filter against the models' own first-token probabilities, and the cascade."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from tests.experts.image_rows import image_row, named, upright
from tests.experts.small_models import words_tokenizer
from udfs.experts.expert import ExpertSpec, loaded_expert
from udfs.experts.loading import ModelUnavailable
from udfs.experts.pinning import pinned
from udfs.stages.rows import RowRejected

QUESTION = "Is this a room"


def asked(models: Path, name: str, **options: Any) -> ExpertSpec:
    return ExpertSpec(family="yes_no", model=str(models / name), options={"question": QUESTION, **options})


def first_token_probabilities(models: Path, name: str, row: dict[str, Any]) -> torch.Tensor:
    """Return the probabilities (vocabulary,) after the prompt, by a plain forward pass."""
    processor = AutoProcessor.from_pretrained(models / name)
    model = AutoModelForImageTextToText.from_pretrained(models / name).eval()
    prompt = f"USER: <image> {QUESTION} ASSISTANT:" if name == "llava" else QUESTION
    inputs = processor(images=upright(row), text=prompt, return_tensors="pt")
    if name == "blip":  # its generate leaves the closing token of the prompt out
        inputs = {key: value[:, :-1] if value.ndim == 2 else value for key, value in inputs.items()}
    with torch.no_grad():
        return model(**inputs).logits[0, -1].softmax(-1)


@pytest.mark.parametrize("name", ["llava", "blip"])
def test_the_score_is_the_share_of_yes_in_the_first_token(models: Path, name: str) -> None:
    rows = [named(kind) for kind in ("odd", "portrait", "grey", "one pixel wide", "jpeg")]
    rows.append(image_row(45, 31, 3, orientation=8))
    results = loaded_expert("filter", asked(models, name, batch_size=4)).predict(rows)
    words = AutoProcessor.from_pretrained(models / name).tokenizer.get_vocab()
    for done, row in zip(results, rows, strict=True):
        shares = first_token_probabilities(models, name, row)
        yes, no = (sum(float(shares[words[w]]) for w in group) for group in (("yes", "Yes", "YES"), ("no", "No", "NO")))
        assert done["scores"]["yes"] == pytest.approx(yes / (yes + no), abs=1e-5)
        assert done["scores"]["spatial"] == done["scores"]["yes"]
    assert len({round(done["scores"]["yes"], 6) for done in results}) > 2, "the model tells the images apart"


def test_a_tokenizer_that_knows_no_yes_is_refused(models: Path, tmp_path: Path) -> None:
    model, processor = (auto.from_pretrained(models / "blip") for auto in (AutoModelForImageTextToText, AutoProcessor))
    processor.tokenizer = words_tokenizer([], answers=("no", "No", "NO"))
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    with pytest.raises(ModelUnavailable, match="gives yes and no the same first token"):
        loaded_expert("filter", ExpertSpec(family="yes_no", model=str(tmp_path)))


LABELS = {"wanted": {"room": ["a room"]}, "unwanted": {"text": ["a page of text"]}}


def cascade(models: Path, threshold: float) -> ExpertSpec:
    first = ExpertSpec(family="clip", model=str(models / "clip"), options={"labels": LABELS})
    return ExpertSpec(
        family="cascade", options={"threshold": threshold}, parts={"first": first, "second": asked(models, "blip")}
    )


def test_the_second_sees_what_the_first_passes_and_the_least_score_counts(models: Path) -> None:
    rows = [image_row(45, 31, seed) for seed in range(6)]
    spec = cascade(models, 0.0)
    firsts = [done["scores"] for done in loaded_expert("filter", spec.parts["first"]).predict(rows)]
    seconds = [done["scores"] for done in loaded_expert("filter", spec.parts["second"]).predict(rows)]
    threshold = sorted(score["spatial"] for score in firsts)[3]
    cut = {**rows[0], "bytes": rows[0]["bytes"][:200]}
    results = loaded_expert("filter", cascade(models, threshold)).predict([*rows, cut])
    assert isinstance(results.pop(), RowRejected)
    for done, first, second in zip(results, firsts, seconds, strict=True):
        scores = done["scores"]
        assert scores["first.room"] == pytest.approx(first["room"], abs=1e-6)
        if first["spatial"] >= threshold:
            assert scores["second.yes"] == pytest.approx(second["yes"], abs=1e-5)
            assert scores["spatial"] == min(scores["first.spatial"], scores["second.spatial"])
        else:
            assert "second.yes" not in scores and scores["spatial"] == scores["first.spatial"]
    assert sum("second.yes" in done["scores"] for done in results) == 3


def test_a_cascade_pins_both_parts_and_names_a_missing_one(models: Path) -> None:
    done = pinned("filter", cascade(models, 0.3))
    assert all(part.revision.startswith("sha256:") for part in done.parts.values())
    assert done.parts["second"].options == {"batch_size": 16, "question": QUESTION}
    one = cascade(models, 0.3)
    with pytest.raises(ValueError, match="lacks its part 'second'; it needs first and second"):
        pinned("filter", one.model_copy(update={"parts": {"first": one.parts["first"]}}))
