"""Small models opened, and the losses of examples by stream."""

import torch

from tests.model.tiny import settings_of
from vlm.examples import Example
from vlm.model.answer_loss import AnswerLoss
from vlm.model.collate import TokenBatch, collator_of
from vlm.model.loading import VisionLanguageModel
from vlm.model.tuning import open_model

STREAMS = ("spatial", "general")


def opened(vision_encoder: str, decoder: str, **changes: object) -> VisionLanguageModel:
    return open_model(settings_of(vision_encoder, decoder, **changes))


def batch_of(vlm: VisionLanguageModel, examples: list[Example]) -> TokenBatch:
    return collator_of(vlm, STREAMS)(examples)


def losses(vlm: VisionLanguageModel, examples: list[Example]) -> torch.Tensor:
    batch = batch_of(vlm, examples)
    with torch.no_grad():
        return AnswerLoss(vlm.model, vlm.family, len(STREAMS))(
            batch.inputs, batch.predicts, batch.targets, batch.streams
        )
