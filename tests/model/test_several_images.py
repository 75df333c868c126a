"""Examples about several images: checkpoints of other families learn them in order, and answer about them."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.model.checkpoints import (
    idefics3,
    llava,
    llava_onevision,
    own_loss,
    paligemma,
    qwen2_vl,
    smolvlm,
)
from tests.model.tiny import example, image
from vlm.errors import ModelUnsuited
from vlm.examples import Example, decoded
from vlm.model.answer_loss import AnswerLoss
from vlm.model.collate import TokenBatch, collator_of
from vlm.model.generate import answers
from vlm.model.loading import VisionLanguageModel
from vlm.model.sequences import processed
from vlm.model.settings import ModelSettings
from vlm.model.tuning import open_model

FAMILIES = (qwen2_vl, idefics3, smolvlm, llava, llava_onevision)


def about(*seeds: int) -> Example:
    first, *others = seeds
    asked = example(f"about {seeds}", ("Which one is nearer?", "The second."), seed=first)
    return asked._replace(further_images=tuple(map(image, others)))


def image_tokens(vlm: VisionLanguageModel, batch: TokenBatch) -> list[int]:
    return (batch.inputs["input_ids"] == vlm.processor.image_token_id).sum(dim=1).tolist()


@pytest.mark.parametrize("write", FAMILIES, ids=lambda write: write.__name__)
def test_examples_about_several_images_are_learned_in_order(tmp_path: Path, write: Callable[[Path], None]) -> None:
    torch.manual_seed(0)
    write(tmp_path)
    vlm = open_model(ModelSettings(model=str(tmp_path), freeze_vision_encoder=True))
    collate, module = collator_of(vlm, ("spatial",)), AnswerLoss(vlm.model, vlm.family, 1).eval()
    mixed = collate([about(1, 2), about(1, 2, 3), example("c", ("Sure?", "Yes"), seed=None)])
    two, three, none = image_tokens(vlm, mixed)
    assert (two > 0, 2 * three, none) == (True, 3 * two, 0)
    with torch.no_grad():
        sums = module(mixed.inputs, mixed.predicts, mixed.targets, mixed.streams)
        assert float(sums) / len(mixed.targets) == pytest.approx(own_loss(vlm, mixed), rel=1e-5)
        straight, swapped = (own_loss(vlm, collate([about(*seeds)])) for seeds in ((1, 2), (2, 1)))
    assert straight != pytest.approx(swapped, rel=1e-6)
    images, questions = ([image(1), image(2)], image(3), None), ["Which?", "Where?", "Why?"]
    alone = [answers(vlm, [own], [text], 4)[0] for own, text in zip(images, questions, strict=True)]
    assert answers(vlm, images, questions, 4) == alone


def test_an_image_that_cannot_be_read_leaves_its_whole_example_out(tmp_path: Path) -> None:
    torch.manual_seed(0)
    llava(tmp_path)
    vlm = open_model(ModelSettings(model=str(tmp_path)))
    torn = about(1)._replace(further_images=(image(2)[:60],))
    batch = collator_of(vlm, ("spatial",))([torn, about(1, 2)])
    assert batch.unreadable == 1 and image_tokens(vlm, batch)[0] == 0
    assert len(batch.targets) == len(collator_of(vlm, ("spatial",))([about(1, 2)]).targets)


def test_a_family_of_one_turn_learns_them_too(tmp_path: Path) -> None:
    torch.manual_seed(0)
    paligemma(tmp_path)
    vlm = open_model(ModelSettings(model=str(tmp_path)))
    batch = collator_of(vlm, ("spatial",))([about(1), about(1, 2)])
    one, two = image_tokens(vlm, batch)
    assert (one > 0, two) == (True, 2 * one)
    pair = [image(1), image(2)]
    assert answers(vlm, [pair, image(3)], ["Which?", "Where?"], 4)[0] == answers(vlm, [pair], ["Which?"], 4)[0]


def test_a_processor_of_one_image_is_refused_in_one_sentence() -> None:
    def one_image(text: list[str], images: list[list[np.ndarray]], **_: object) -> dict:
        if any(len(own) != 1 for own in images):
            raise ValueError("Expected one image per text.")
        return {"texts": len(text)}

    pixels = decoded(image(1))
    assert processed(one_image, ["a", "b"], [[pixels], [pixels]]) == {"texts": 2}
    with pytest.raises(ModelUnsuited, match=r"function does not take several images per example \(Expected one image"):
        processed(one_image, ["a", "b"], [[pixels], [pixels, pixels]])
