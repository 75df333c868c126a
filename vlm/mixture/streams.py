"""Streams: examples at any position, with token counts known in advance."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from udfs.storage.clients import filesystem_of, path_of
from vlm.errors import StreamUnreadable
from vlm.examples import Example, Turn
from vlm.feed.order import shuffled


class Stream(Protocol):
    """Endless examples in an order fixed by a seed; `vlm.feed.feed.Feed` is a stream as well."""

    name: str

    @property
    def epoch_tokens(self) -> int:
        """Return the text tokens of one epoch."""
        ...

    def tokens_from(self, position: int) -> Iterator[int]:
        """Yield the text tokens of the examples from `position` on; 0 for an entry to skip."""
        ...

    def examples(self, positions: Iterable[int]) -> Iterator[Example]:
        """Yield the examples at increasing positions."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """An example whose image is not read yet; `image` is its location, None for text only."""

    example_id: str
    image: str | None
    turns: tuple[Turn, ...]
    text_tokens: int


class RecordStream:
    """A stream of records in memory, reshuffled in every epoch."""

    def __init__(self, name: str, records: Sequence[Record], seed: int) -> None:
        if not any(record.text_tokens for record in records):
            raise StreamUnreadable(
                f"Stream {name} has no example with question, answer and image; correct its files or `images`."
            )
        self.name = name
        self._records = records
        self._seed = seed
        self._epoch = (-1, np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self._records)

    @property
    def left_out(self) -> int:
        """Return the number of skipped entries: without an answer, or whose image does not exist."""
        return sum(record.text_tokens == 0 for record in self._records)

    @property
    def epoch_tokens(self) -> int:
        """Return the text tokens of one epoch."""
        return sum(record.text_tokens for record in self._records)

    def tokens_from(self, position: int) -> Iterator[int]:
        """Yield the text tokens of the examples from `position` on, endlessly."""
        return (self._at(p).text_tokens for p in count(position))

    def examples(self, positions: Iterable[int]) -> Iterator[Example]:
        """Yield the examples at increasing positions, reading each image when it is needed."""
        for position in positions:
            record = self._at(position)
            yield Example(
                self.name,
                record.example_id,
                record.image or record.example_id,
                None if record.image is None else _read(record.image, self.name),
                record.turns,
                record.text_tokens,
            )

    def _at(self, position: int) -> Record:
        epoch, index = divmod(position, len(self._records))
        return self._records[int(self._shuffled(epoch)[index])]

    def _shuffled(self, epoch: int) -> NDArray[np.int64]:
        if self._epoch[0] != epoch:
            self._epoch = (epoch, shuffled(len(self._records), self._seed, self.name, epoch))
        return self._epoch[1]


def _read(uri: str, stream: str) -> bytes:
    try:
        with filesystem_of(uri).open_input_stream(path_of(uri)) as held:
            return held.read()
    except FileNotFoundError as error:
        raise StreamUnreadable(
            f"Stream {stream} names the image {uri}, which does not exist; correct `images`, or remove the entry."
        ) from error
