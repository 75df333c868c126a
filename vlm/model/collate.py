"""Batches of examples as model inputs, with the tokens that the model is trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import UnidentifiedImageError
from torch import Tensor

from vlm.errors import ModelUnsuited
from vlm.examples import Example, decoded
from vlm.model.attention import attention_mask, laid_out
from vlm.model.families import Family, bare
from vlm.model.loading import VisionLanguageModel
from vlm.model.sequences import OneTurnSequencer, Sequencer, TokenSequence
from vlm.model.settings import SequenceSettings

_PADDING = -1
# Maps token values, sequence by sequence, and the padding value to a tensor.
Lay = Callable[[list[NDArray[Any]], float], Tensor]


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Rows of tokens padded on the right, or a single row in blocks (`vlm.model.attention`).

    `inputs`: the model inputs. `predicts` (b, n) marks tokens whose next token is trained on; `targets` (k,): these
    next tokens, row by row; `streams` (k,): the stream number of each. `cut`: number of turns dropped because they were
    too long; `unreadable`: number of images that cannot be decoded, whose examples are not trained on.
    """

    inputs: dict[str, Tensor]
    predicts: Tensor
    targets: Tensor
    streams: Tensor
    examples: int
    cut: int
    unreadable: int


class Collator:
    """Turns examples into batches, in any process."""

    def __init__(
        self, processor: Any, family: Family, settings: SequenceSettings, streams: Sequence[str], by_turns: bool = False
    ) -> None:
        if settings.masked and not family.masked:
            raise ModelUnsuited(
                "independent_turns, bidirectional_image and packing need a decoder that accepts 4D masks, as in the "
                "LLaVA family; turn them off for this model."
            )
        if family.one_turn:
            self._sequencer = OneTurnSequencer(processor, settings)
        else:
            self._sequencer = Sequencer(processor, settings)
        self._settings = settings
        self._by_turns = by_turns
        self._pad = processor.tokenizer.pad_token_id or 0
        self._image = getattr(processor, "image_token_id", None)
        self._streams = {name: number for number, name in enumerate(streams)}

    def __call__(self, examples: Sequence[Example]) -> TokenBatch:
        """Decode the images of examples and return the batch."""
        images = [_decoded(example) for example in examples]
        unreadable = [len(own) < len(example.images) for example, own in zip(examples, images, strict=True)]
        sequences, shown = self._sequencer.sequences(examples, images)
        streams = [
            _PADDING if hidden else self._streams[example.stream]
            for example, hidden in zip(examples, unreadable, strict=True)
        ]
        lay, blocks = self._layout(sequences)
        ids = lay([one.ids for one in sequences], self._pad)
        pairs = list(zip(sequences, streams, strict=True))
        answer = lay([one.answer & (stream >= 0) for one, stream in pairs], False)
        own = lay([np.full(len(one), stream) for one, stream in pairs], _PADDING)
        predicts = torch.zeros_like(answer)
        predicts[:, :-1] = answer[:, 1:]
        return TokenBatch(
            inputs={
                "input_ids": ids,
                **self._extras(sequences, lay),
                **(blocks or {"attention_mask": self._mask(sequences, lay, ids)}),
                **shown,
            },
            predicts=predicts,
            targets=ids[answer],
            streams=own[answer],
            examples=len(examples),
            cut=sum(sequence.cut for sequence in sequences),
            unreadable=sum(unreadable),
        )

    def _layout(self, sequences: Sequence[TokenSequence]) -> tuple[Lay, dict[str, Tensor]]:
        """Return the function that lays token values out as a tensor, and the inputs that describe its blocks."""
        laid = laid_out(sequences) if self._by_turns else None
        if laid:
            order, blocks = laid
            return lambda values, fill: torch.from_numpy(_ordered(values, order, fill))[None], blocks
        rows = self._rows(sequences)
        return lambda values, fill: _padded([[values[place] for place in row] for row in rows], fill), {}

    def _rows(self, sequences: Sequence[TokenSequence]) -> list[list[int]]:
        """Return the sequences of each row; their order must stay that of the images."""
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

    def _extras(self, sequences: Sequence[TokenSequence], lay: Lay) -> dict[str, Tensor]:
        """Return the further per-token inputs of the model."""
        extras = {
            name: lay([one.extras.get(name, np.zeros_like(one.ids)) for one in sequences], 0)
            for name in sorted({name for one in sequences for name in one.extras})
        }
        if self._settings.masked:
            extras["position_ids"] = lay([one.position for one in sequences], 0)
        return extras

    def _mask(self, sequences: Sequence[TokenSequence], lay: Lay, ids: Tensor) -> Tensor:
        example = lay([np.full(len(one), number) for number, one in enumerate(sequences)], _PADDING)
        if not self._settings.masked:
            return (example >= 0).long()
        turn = lay([one.turn for one in sequences], 0)
        image = ids == self._image if self._settings.bidirectional_image else None
        return attention_mask(example, turn, image)


def collator_of(vlm: VisionLanguageModel, streams: Sequence[str]) -> Collator:
    """Return the collator of a model for examples of the given streams."""
    by_turns = vlm.sequence.by_turns and bare(vlm.model).config._attn_implementation == "sdpa"
    return Collator(vlm.processor, vlm.family, vlm.sequence, streams, by_turns)


def _ordered(values: list[NDArray[Any]], order: NDArray[np.int64], fill: float) -> NDArray[Any]:
    """Return token values in an order, with `fill` for padding."""
    joined = np.concatenate(values)
    return np.where(order < 0, joined.dtype.type(fill), joined[order])


def _padded(rows: list[list[NDArray[Any]]], fill: float) -> Tensor:
    joined = [np.concatenate(row) if len(row) > 1 else row[0] for row in rows]
    padded = np.full((len(rows), max(map(len, joined))), fill, joined[0].dtype)
    for place, values in enumerate(joined):
        padded[place, : len(values)] = values
    return torch.from_numpy(padded)


def _decoded(example: Example) -> list[NDArray[np.uint8]]:
    """Return the images of an example, none where one of them cannot be decoded."""
    try:
        return [decoded(image) for image in example.images]
    except (UnidentifiedImageError, OSError):
        return []
