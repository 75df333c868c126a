"""Batches of examples as a model takes them, with the tokens that it learns."""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import UnidentifiedImageError
from torch import Tensor

from vlm.examples import Example, decoded
from vlm.model.errors import ModelUnsuited
from vlm.model.families import Family
from vlm.model.loading import VisionLanguageModel
from vlm.model.masks import attention_mask
from vlm.model.sequences import Sequence, Sequencer
from vlm.model.settings import SequenceSettings

_PADDING = -1


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Rows of tokens padded on the right.

    `inputs`: what the model takes. `predicts` (b, n): tokens whose next one is learned; `targets` (k,): these next
    ones, row by row; `streams` (k,): the number of the stream that each belongs to. `cut`: turns left out since they
    were too long; `unreadable`: pictures that are none, whose examples are not learned.
    """

    inputs: dict[str, Tensor]
    predicts: Tensor
    targets: Tensor
    streams: Tensor
    examples: int
    cut: int
    unreadable: int


class Collator:
    """Makes batches of examples; works in any process."""

    def __init__(self, processor: Any, family: Family, settings: SequenceSettings, streams: Many[str]) -> None:
        if settings.masked and not family.masked:
            raise ModelUnsuited(
                "independent_turns, bidirectional_picture and packing need a decoder that takes ready-made masks, as "
                "that of the LLaVA family does; turn them off for this model."
            )
        if family.one_turn:
            from vlm.model.one_turn import OneTurnSequencer

            self._sequencer = OneTurnSequencer(processor, settings)
        else:
            self._sequencer = Sequencer(processor, settings)
        self._settings = settings
        self._pad = processor.tokenizer.pad_token_id or 0
        self._picture = getattr(processor, "image_token_id", None)
        self._streams = {name: number for number, name in enumerate(streams)}

    def __call__(self, examples: Many[Example]) -> TokenBatch:
        """Return the batch of examples, whose pictures are decoded here."""
        pictures = [_decoded(example) for example in examples]
        unread = [e.picture is not None and p is None for e, p in zip(examples, pictures, strict=True)]
        sequences, shown = self._sequencer.sequences(examples, pictures)
        streams = [
            _PADDING if hidden else self._streams[example.stream]
            for example, hidden in zip(examples, unread, strict=True)
        ]
        rows = self._rows(sequences)
        inputs = self._inputs([[sequences[place] for place in row] for row in rows])
        answer = _padded([[sequences[place].answer & (streams[place] >= 0) for place in row] for row in rows], False)
        own = _padded([[np.full(len(sequences[p]), streams[p]) for p in row] for row in rows], _PADDING)
        predicts = torch.zeros_like(answer)
        predicts[:, :-1] = answer[:, 1:]
        return TokenBatch(
            inputs={**inputs, **shown},
            predicts=predicts,
            targets=inputs["input_ids"][answer],
            streams=own[answer],
            examples=len(examples),
            cut=sum(sequence.cut for sequence in sequences),
            unreadable=sum(unread),
        )

    def _rows(self, sequences: Many[Sequence]) -> list[list[int]]:
        """Return which sequences lie in each row, in their order, which the pictures have, too."""
        if not self._settings.packing:
            return [[place] for place in range(len(sequences))]
        rows: list[list[int]] = []
        room = -1
        for place, sequence in enumerate(sequences):
            if len(sequence) > room:
                rows.append([])
                room = self._settings.max_tokens
            rows[-1].append(place)
            room -= len(sequence)
        return rows

    def _inputs(self, rows: list[list[Sequence]]) -> dict[str, Tensor]:
        ids = _padded([[one.ids for one in row] for row in rows], self._pad)
        inputs = {"input_ids": ids}
        for name in sorted({name for row in rows for one in row for name in one.extras}):
            parts = [[one.extras.get(name, np.zeros_like(one.ids)) for one in row] for row in rows]
            inputs[name] = _padded(parts, 0)
        example = _padded([[np.full(len(one), i) for i, one in enumerate(row)] for row in rows], _PADDING)
        if not self._settings.masked:
            return {**inputs, "attention_mask": (example >= 0).long()}
        turn = _padded([[one.turn for one in row] for row in rows], 0)
        picture = ids == self._picture if self._settings.bidirectional_picture else None
        position = _padded([[one.position for one in row] for row in rows], 0)
        return {**inputs, "attention_mask": attention_mask(example, turn, picture), "position_ids": position}


def collator_of(vlm: VisionLanguageModel, streams: Many[str]) -> Collator:
    """Return the collator of a model for examples of the streams named."""
    return Collator(vlm.processor, vlm.family, vlm.sequence, streams)


def _padded(rows: list[list[NDArray[Any]]], fill: float) -> Tensor:
    joined = [np.concatenate(row) if len(row) > 1 else row[0] for row in rows]
    padded = np.full((len(rows), max(map(len, joined))), fill, joined[0].dtype)
    for place, values in enumerate(joined):
        padded[place, : len(values)] = values
    return torch.from_numpy(padded)


def _decoded(example: Example) -> NDArray[np.uint8] | None:
    try:
        return None if example.picture is None else decoded(example.picture)
    except (UnidentifiedImageError, OSError):
        return None
