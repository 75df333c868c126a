"""What a process computes between two updates, made in the workers of its loader."""

from typing import NamedTuple

from vlm.feed.share import Batch, Cursor
from vlm.model.collate import Collator, TokenBatch


class StepBatch(NamedTuple):
    """A process's share of a global batch in parts that are computed at once, and where the run is after it."""

    parts: list[TokenBatch]
    cursor: Cursor


class StepMaker:
    """Collates a process's share of a global batch."""

    def __init__(self, collator: Collator, micro_batch: int) -> None:
        self._collator = collator
        self._micro_batch = micro_batch

    def __call__(self, batch: Batch) -> StepBatch:
        """Return the parts, in which examples of like length lie together."""
        size, examples = self._micro_batch, batch.examples
        if size < len(examples):
            examples = sorted(examples, key=lambda example: example.text_tokens)
        parts = [self._collator(examples[start : start + size]) for start in range(0, len(examples), size)]
        return StepBatch(parts, batch.cursor)
