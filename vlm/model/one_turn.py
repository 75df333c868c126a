"""Families whose text ends with the answer, as PaliGemma's: one question and answer a sequence."""

from collections.abc import Sequence as Many
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlm.examples import Example
from vlm.model.errors import ModelUnsuited
from vlm.model.sequences import TOKEN_INPUTS, Sequence
from vlm.model.settings import SequenceSettings


class OneTurnSequencer:
    """Makes sequences by a processor that takes the answer as `suffix` and tells its tokens by their type.

    Only the first turn of an example is taken; the others count as cut.
    """

    def __init__(self, processor: Any, settings: SequenceSettings) -> None:
        self._processor = processor
        self._settings = settings

    def sequences(
        self, examples: Many[Example], pictures: Many[NDArray[np.uint8] | None]
    ) -> tuple[list[Sequence], dict[str, Any]]:
        """Return the sequence of every example, and the inputs of the model that hold the pictures.

        Raises:
            ModelUnsuited: an example without a picture, which the processor refuses.
        """
        if any(picture is None for picture in pictures):
            raise ModelUnsuited("This model takes no text without a picture; leave out streams that have such.")
        made = self._processor(
            text=[f"{self._processor.image_token}{example.turns[0].question}" for example in examples],
            suffix=[example.turns[0].answer for example in examples],
            images=[[picture] for picture in pictures],
            padding=True,
            return_tensors="pt",
        )
        kept = made["attention_mask"].numpy().astype(bool)
        told = {name: made[name].numpy() for name in TOKEN_INPUTS if name in made and name != "attention_mask"}
        shown = {name: value for name, value in made.items() if name not in (*TOKEN_INPUTS, "labels")}
        found = [self._sequence({name: v[row][kept[row]] for name, v in told.items()}, len(examples[row].turns))
                 for row in range(len(examples))]  # fmt: skip
        return found, shown

    def _sequence(self, row: dict[str, NDArray[np.int64]], turns: int) -> Sequence:
        ids = row.pop("input_ids")
        count = len(ids)
        answer = row["token_type_ids"] == 1
        if count > self._settings.max_tokens:
            answer = np.zeros(count, bool)
        return Sequence(ids, answer, np.zeros(count, np.int64), np.arange(count), row, turns - int(answer.any()))
