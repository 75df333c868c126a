"""Checkpoints of other families: small ones saved with their own processors learn and answer, too."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.model.checkpoints import idefics3, llava, llava_onevision, own_loss, paligemma, qwen2_vl, smolvlm
from tests.model.tiny import image, mixed_examples
from vlm.model.answer_loss import AnswerLoss
from vlm.model.collate import collator_of
from vlm.model.generate import answers
from vlm.model.settings import ModelSettings
from vlm.model.tuning import open_model


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
