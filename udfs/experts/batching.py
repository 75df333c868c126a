"""Batches of images through a model: prepared ahead, halved when memory runs out, split around a bad image."""

import traceback
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from schemas.reasons import Outcome, Reason
from udfs.experts.expert import ImageRow
from udfs.experts.images import UprightImage, upright_image
from udfs.stages.rows import RowRejected

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class BatchSizes:
    """How many items a model takes at once, by their shape: `maximum` until memory runs out, then half of it."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._halved: dict[Hashable, int] = {}

    def of(self, shape: Hashable) -> int:
        """Return how many items of this shape to try at once."""
        return self._halved.get(shape, self._maximum)

    def halve(self, shape: Hashable, failed: int) -> None:
        """Remember that `failed` items of this shape did not fit."""
        self._halved[shape] = (failed + 1) // 2


def ahead(
    batch: Sequence[ItemT], prepare: Callable[[ItemT], ResultT], at_once: int, threads: int = 1
) -> Iterator[list[ResultT | Exception]]:
    """Yield `prepare` of the items `at_once` at a time, in order; the next ones are prepared while these are used.

    An exception of `prepare` takes the item's place.
    """
    chunks = [batch[start : start + at_once] for start in range(0, len(batch), at_once)]
    with ThreadPoolExecutor(threads) as pool:
        waiting = [pool.submit(_guarded, prepare, item) for item in chunks[0]] if chunks else []
        for following in [*chunks[1:], ()] if chunks else ():
            ready = [future.result() for future in waiting]
            waiting = [pool.submit(_guarded, prepare, item) for item in following]
            yield ready


def decoded(batch: Sequence[ImageRow], at_once: int) -> Iterator[list[UprightImage | Exception]]:
    """Yield the batch's images `at_once` at a time, in order; the next ones are decoded while these are used."""
    return ahead(batch, upright_image, at_once)


def _guarded(function: Callable[[Any], ResultT], item: Any) -> ResultT | Exception:
    try:
        return function(item)
    except Exception as error:  # returned, so that the rest of the batch continues
        return error


def predicted(
    items: Sequence[ItemT | Exception],
    predict: Callable[[list[ItemT]], Sequence[ResultT]],
    sizes: BatchSizes | None = None,
    shape_of: Callable[[ItemT], Hashable] = lambda item: None,
) -> list[ResultT | Exception]:
    """Return `predict` of the items, in order; items that are exceptions stay in their places.

    Items of one shape are predicted together, as many as `sizes` says. A batch that does not fit into memory is halved,
    and so are later ones; a batch that fails otherwise is split until the bad item is alone.
    """
    results: list[Any] = list(items)
    groups: dict[Hashable, list[int]] = {}
    for index, item in enumerate(items):
        if not isinstance(item, Exception):
            groups.setdefault(shape_of(item), []).append(index)
    sizes = sizes or BatchSizes(max(1, len(items)))
    for shape, indices in groups.items():
        done = _run([results[index] for index in indices], predict, sizes, shape)
        for index, result in zip(indices, done, strict=True):
            results[index] = result
    return results


def _run(
    items: list[Any], predict: Callable[[list[Any]], Sequence[Any]], sizes: BatchSizes, shape: Hashable
) -> list[Any]:
    results: list[Any] = []
    while len(results) < len(items):
        batch = items[len(results) : len(results) + sizes.of(shape)]
        outcome = _attempt(batch, predict)
        if not isinstance(outcome, Exception):
            results += outcome
        elif _out_of_memory(outcome):
            _free_memory()
            sizes.halve(shape, len(batch))
            results += [_too_large(outcome)] if len(batch) == 1 else []
        elif len(batch) == 1:
            results.append(outcome)
        else:
            middle = len(batch) // 2
            results += [*_run(batch[:middle], predict, sizes, shape), *_run(batch[middle:], predict, sizes, shape)]
    return results


def _attempt(items: list[Any], predict: Callable[[list[Any]], Sequence[Any]]) -> list[Any] | Exception:
    try:
        return list(predict(items))
    except Exception as error:  # returned, so that the caller can split the batch
        # The frames keep alive the tensors that filled the memory.
        traceback.clear_frames(error.__traceback__)
        return error


def _out_of_memory(error: Exception) -> bool:
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # What PyTorch's CPU allocator and the CUDA libraries raise instead.
    phrases = ("can't allocate memory", "not enough memory", "CUDA out of memory", "ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(phrase in str(error) for phrase in phrases)


def _too_large(error: Exception) -> RowRejected:
    cause = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    sentence = (
        f"The image does not fit into memory even alone ({cause}); use a smaller model or a device with more memory."
    )
    return RowRejected(Outcome.FAILED, Reason.OUT_OF_MEMORY, sentence)


def _free_memory() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
