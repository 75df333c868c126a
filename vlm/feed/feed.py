"""The feed: examples of a pinned table version in one order per seed, starting at any position."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import chain, islice
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from udfs.storage.clients import filesystem_of
from vlm.errors import RowsLost
from vlm.examples import COLUMNS, Example, example_of
from vlm.feed.arrow_backend import ArrowGroups, GroupReader, read_group
from vlm.feed.order import Order, Place
from vlm.feed.settings import FeedSettings
from vlm.feed.share import Batch, Cursor, Share
from vlm.feed.snapshot import RowGroup, Snapshot, open_snapshot

Row = dict[str, Any]

# Positions resolved together, and the maximum resolved ahead of the one that is yielded.
_CHUNK, _LOOKAHEAD = 256, 8192
_TOKEN_READERS = 16


class Feed:
    """Examples of a snapshot.

    The order depends only on the snapshot, `seed` and `lanes`: not on backend, threads, ranks, workers or timing.
    At most `lanes` row groups in use and `prefetch` row groups read ahead are in memory.
    A subclass for rows of another shape names the columns of an example and those that token counts are derived from.
    """

    columns: ClassVar[tuple[str, ...]] = COLUMNS
    token_columns: tuple[str, ...] = ("text_tokens",)

    def __init__(self, settings: FeedSettings, snapshot: Snapshot | None = None, name: str = "spatial") -> None:
        self.settings = settings
        self.snapshot = snapshot or open_snapshot(settings)
        self.name = name
        self._order = Order([group.rows for group in self.snapshot.groups], settings.seed, settings.lanes)

    def __reduce__(self) -> Any:
        return type(self), (self.settings, self.snapshot, self.name)

    def __len__(self) -> int:
        return self._order.rows

    def example_of(self, row: Row) -> Example:
        """Return the example of a row."""
        return example_of(row)

    def tokens_of(self, table: pa.Table) -> NDArray[np.int64]:
        """Return the text tokens of every row of a table with `token_columns`; 0 for a row that is not an example."""
        return table["text_tokens"].to_numpy().astype(np.int64)

    @property
    def epoch_tokens(self) -> int:
        """Return the text tokens of one epoch."""
        return int(self._tokens.sum())

    def tokens_from(self, position: int) -> Iterator[int]:
        """Yield the text tokens of the examples from `position` on, endlessly, without reading images."""
        firsts = np.cumsum([0, *(group.rows for group in self.snapshot.groups)])
        while True:
            _, _, groups, rows = self._order.columns(range(position, position + _CHUNK))
            yield from self._tokens[firsts[groups] + rows].tolist()
            position += _CHUNK

    def examples(self, positions: Iterable[int]) -> Iterator[Example]:
        """Yield the examples at increasing positions; position p is example p % len of epoch p // len.

        Raises:
            RowsLost: a reader returned another row group than requested, or not all of its rows.
        """
        return map(self.example_of, self.rows(positions, self.columns))

    def rows(self, positions: Iterable[int], columns: tuple[str, ...]) -> Iterator[Row]:
        """Yield columns of the rows at increasing positions.

        Raises:
            RowsLost: a reader returned another row group than requested, or not all of its rows.
        """
        reader = self._reader(columns)
        try:
            yield from _Walk(self._order, self.snapshot.groups, reader, self.settings.prefetch).rows(positions)
        finally:
            reader.close()

    def batches(self, start: Cursor, share: Share) -> Iterator[Batch]:
        """Yield a consumer's batches from the cursor on, endlessly."""
        first = start.positions.get(self.name, 0)
        tokens = self.tokens_from(first)
        taken, counted = start.tokens.get(self.name, 0), 0
        wanted = chain.from_iterable(share.offsets(step) for step in share.steps())
        examples = self.examples(first + offset for offset in wanted)
        for step in share.steps():
            ends = (step + 1) * share.global_batch
            taken += sum(islice(tokens, ends - counted))
            counted = ends
            cursor = Cursor(positions={self.name: first + ends}, tokens={self.name: taken})
            yield Batch(list(islice(examples, share.batch_size)), cursor)

    @cached_property
    def _tokens(self) -> NDArray[np.int64]:
        files, columns = filesystem_of(self.snapshot.table), list(self.token_columns)
        with ThreadPoolExecutor(_TOKEN_READERS) as pool:
            tables = pool.map(lambda group: read_group(files, group, columns), self.snapshot.groups)
            return np.concatenate([self.tokens_of(table) for table in tables])

    def _reader(self, columns: tuple[str, ...]) -> GroupReader:
        files, settings = filesystem_of(self.snapshot.table), self.settings
        if settings.backend == "pyarrow":
            return ArrowGroups(files, columns, settings.readers)
        from vlm.feed.petastorm_backend import PetastormGroups

        return PetastormGroups(files, columns, settings.readers, settings.prefetch, self.snapshot.groups)


class _Walk:
    """One pass over positions: looks ahead, requests row groups in the order of their first use, yields rows."""

    def __init__(self, order: Order, groups: tuple[RowGroup, ...], reader: GroupReader, prefetch: int) -> None:
        self._order = order
        self._groups = groups
        self._reader = reader
        self._prefetch = prefetch
        self._places: deque[Place] = deque()
        self._wanted: deque[int] = deque()
        self._asked: deque[int] = deque()

    def rows(self, positions: Iterable[int]) -> Iterator[Row]:
        """Yield the rows at increasing positions."""
        ahead = iter(positions)
        planned: dict[int, tuple[int, int]] = {}
        held: dict[int, tuple[tuple[int, int], dict[str, Any]]] = {}
        while self._look_ahead(ahead, planned):
            place = self._places.popleft()
            wanted = (place.epoch, place.group)
            if place.lane not in held or held[place.lane][0] != wanted:
                held.pop(place.lane, None)
                held[place.lane] = (wanted, self._taken(place.group))
            yield {name: column[place.row].as_py() for name, column in held[place.lane][1].items()}

    def _look_ahead(self, ahead: Iterator[int], planned: dict[int, tuple[int, int]]) -> bool:
        """Request the next row groups; `planned` is the last row group of each lane among the resolved positions."""
        while len(self._wanted) + len(self._asked) < self._prefetch and len(self._places) < _LOOKAHEAD:
            some = list(islice(ahead, _CHUNK))
            if not some:
                break
            for place in self._order.places(some):
                self._places.append(place)
                if planned.get(place.lane) != (place.epoch, place.group):
                    planned[place.lane] = (place.epoch, place.group)
                    self._wanted.append(place.group)
        while self._wanted and len(self._asked) < self._prefetch:
            self._asked.append(self._wanted.popleft())
            self._reader.ask(self._groups[self._asked[-1]])
        return bool(self._places)

    def _taken(self, number: int) -> dict[str, Any]:
        expected = self._groups[self._asked.popleft()]
        found, table = self._reader.take()
        if found != expected or expected != self._groups[number] or table.num_rows != expected.rows:
            raise RowsLost(
                f"The reader returned {found} with {table.num_rows} rows instead of row group {expected.group} of "
                f"{expected.path} with {expected.rows}; please report this, and set feed.backend to the other backend."
            )
        return {name: table[name].combine_chunks() for name in table.column_names}
