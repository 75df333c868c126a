"""A source as torch takes it: batches from any number of worker processes, in the order of one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from vlm.feed.share import Batch, Cursor, Share, Source


def as_it_is(made: Any) -> Any:
    """Return what it is given: torch's own conversion would turn tuples to lists."""
    return made


class BatchDataset(IterableDataset):
    """A rank's batches from a cursor on; `make`, which decodes and collates, runs in the worker that took a batch."""

    def __init__(self, source: Source, start: Cursor, share: Share, make: Callable[[Batch], Any] = as_it_is) -> None:
        self._source = source
        self._start = start
        self._share = share
        self._make = make

    def __iter__(self) -> Iterator[Any]:
        info = get_worker_info()
        share = self._share if info is None else replace(self._share, worker=info.id, workers=info.num_workers)
        return map(self._make, self._source.batches(self._start, share))


def loader(dataset: BatchDataset, workers: int, context: str = "fork", prefetch_batches: int = 2) -> DataLoader:
    """Return the loader of a dataset; torch takes workers in turn, so that batches keep their order.

    `workers` 0 prepares batches in this process. `context` is how workers are started: `spawn` where the table is on an
    object store, whose client does not survive a fork.
    """
    if workers == 0:
        return DataLoader(dataset, batch_size=None, collate_fn=as_it_is)
    return DataLoader(
        dataset,
        batch_size=None,
        collate_fn=as_it_is,
        num_workers=workers,
        multiprocessing_context=context,
        prefetch_factor=prefetch_batches,
    )
