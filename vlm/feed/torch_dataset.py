"""A source as a PyTorch data set: the same batch order for any number of worker processes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from vlm.feed.share import Batch, Cursor, Share, Source


def unchanged(batch: Any) -> Any:
    """Return its argument; PyTorch's own conversion would turn tuples into lists."""
    return batch


class BatchDataset(IterableDataset):
    """A rank's batches from a cursor on; `make` decodes and collates in the worker that read the batch."""

    def __init__(self, source: Source, start: Cursor, share: Share, make: Callable[[Batch], Any] = unchanged) -> None:
        self._source = source
        self._start = start
        self._share = share
        self._make = make

    def __iter__(self) -> Iterator[Any]:
        info = get_worker_info()
        share = self._share if info is None else replace(self._share, worker=info.id, workers=info.num_workers)
        return map(self._make, self._source.batches(self._start, share))


def loader(dataset: BatchDataset, workers: int, context: str = "fork", prefetch_batches: int = 2) -> DataLoader:
    """Return the loader of a data set; PyTorch takes workers in turn, so batches keep their order.

    With 0 `workers`, batches are prepared in this process. `context` is the start method of workers: `spawn` for a
    table on an object store, whose client does not survive a fork.
    """
    if workers == 0:
        return DataLoader(dataset, batch_size=None, collate_fn=unchanged)
    return DataLoader(
        dataset,
        batch_size=None,
        collate_fn=unchanged,
        num_workers=workers,
        multiprocessing_context=context,
        prefetch_factor=prefetch_batches,
    )
