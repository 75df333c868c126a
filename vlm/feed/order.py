"""The order of a seed: which row of which row group is at every position, computed without reading data."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from udfs.language.draws import seed_of

Ints = NDArray[np.int64]


class Place(NamedTuple):
    """The row at a position: `row` of `group`, which its lane reads in `epoch`."""

    epoch: int
    lane: int
    group: int
    row: int


def shuffled(count: int, *seed: str | int) -> Ints:
    """Return 0 .. count-1 shuffled by the seed, the same on every machine and NumPy version."""
    raw = np.random.PCG64(seed_of(*seed)).random_raw(count)
    return np.argsort(raw, kind="stable")


@dataclass(frozen=True)
class _Lane:
    groups: Ints
    starts: Ints


@dataclass(frozen=True)
class _Stretch:
    """Rounds, starting with `first_round` at position `first`, in which the same lanes still have rows."""

    first: int
    first_round: int
    lanes: Ints


@dataclass(frozen=True)
class _Epoch:
    lanes: tuple[_Lane, ...]
    stretches: tuple[_Stretch, ...]


class Order:
    """The order of examples over all epochs.

    In every epoch the row groups are shuffled and dealt to `lanes`; positions take one row from each lane in turn, and
    the rows within a group are shuffled. Position p is example p % rows of epoch p // rows. For example, with groups of
    2, 2 and 1 rows dealt as lane 0: A, C and lane 1: B, an epoch is A B A B C.
    """

    def __init__(self, group_rows: Sequence[int], seed: int, lanes: int) -> None:
        self.rows = sum(group_rows)
        self._group_rows = np.asarray(group_rows, np.int64)
        self._seed = seed
        self.lanes = min(lanes, len(group_rows))
        self._epoch = lru_cache(maxsize=2)(self._make_epoch)
        self._shuffled_rows = lru_cache(maxsize=4 * self.lanes)(self._shuffle_rows)

    def places(self, positions: Sequence[int]) -> list[Place]:
        """Return the places of increasing positions."""
        return [Place(*place) for place in zip(*(column.tolist() for column in self.columns(positions)), strict=True)]

    def columns(self, positions: Sequence[int]) -> tuple[Ints, Ints, Ints, Ints]:
        """Return epochs, lanes, groups and rows of increasing positions."""
        at = np.asarray(positions, np.int64)
        epochs = at // self.rows
        lanes, groups, rows = (np.empty_like(at) for _ in range(3))
        for epoch in np.unique(epochs).tolist():
            here = epochs == epoch
            lanes[here], groups[here], rows[here] = self._columns_in(epoch, at[here] % self.rows)
        return epochs, lanes, groups, rows

    def _columns_in(self, epoch: int, at: Ints) -> tuple[Ints, Ints, Ints]:
        made = self._epoch(epoch)
        lanes, rounds, groups, rows = (np.empty_like(at) for _ in range(4))
        which = np.searchsorted([stretch.first for stretch in made.stretches], at, side="right") - 1
        for number in np.unique(which):
            stretch, here = made.stretches[number], which == number
            done, turn = np.divmod(at[here] - stretch.first, len(stretch.lanes))
            lanes[here], rounds[here] = stretch.lanes[turn], stretch.first_round + done
        for number in np.unique(lanes):
            lane, here = made.lanes[number], lanes == number
            index = np.searchsorted(lane.starts, rounds[here], side="right") - 1
            groups[here], rows[here] = lane.groups[index], rounds[here] - lane.starts[index]
        for group in np.unique(groups).tolist():
            here = groups == group
            rows[here] = self._shuffled_rows(epoch, group)[rows[here]]
        return lanes, groups, rows

    def _make_epoch(self, epoch: int) -> _Epoch:
        dealt = shuffled(len(self._group_rows), self._seed, "groups", epoch)
        lanes, lengths = [], []
        for number in range(self.lanes):
            groups = dealt[number :: self.lanes]
            ends = np.cumsum(self._group_rows[groups])
            lanes.append(_Lane(groups, ends - self._group_rows[groups]))
            lengths.append(int(ends[-1]))
        stretches, first, first_round = [], 0, 0
        for end in sorted(set(lengths)):
            running = np.flatnonzero(np.array(lengths) > first_round)
            stretches.append(_Stretch(first, first_round, running))
            first, first_round = first + (end - first_round) * len(running), end
        return _Epoch(tuple(lanes), tuple(stretches))

    def _shuffle_rows(self, epoch: int, group: int) -> Ints:
        return shuffled(int(self._group_rows[group]), self._seed, "rows", epoch, group)
