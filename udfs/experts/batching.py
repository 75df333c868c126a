"""Batches of pictures through a model: decoded ahead, halved when memory runs out, one bad picture alone."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from udfs.experts.expert import Photograph
from udfs.experts.pictures import Picture, picture_of

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


def decoded(batch: Sequence[Photograph], at_once: int) -> Iterator[list[Picture | Exception]]:
    """Yield the batch's pictures `at_once` at a time, in order; the next ones are decoded while these are worked on."""
    chunks = [batch[start : start + at_once] for start in range(0, len(batch), at_once)]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_decode, chunks[0]) if chunks else None
        for following in [*chunks[1:], None]:
            ready = waiting.result() if waiting else []
            waiting = pool.submit(_decode, following) if following is not None else None
            yield ready


def _decode(chunk: Sequence[Photograph]) -> list[Picture | Exception]:
    return [_guarded(picture_of, photograph) for photograph in chunk]


def _guarded(function: Callable[[Any], ResultT], item: Any) -> ResultT | Exception:
    try:
        return function(item)
    except Exception as error:  # returned, so that the neighbours in the batch go on
        return error


def predicted(
    items: Sequence[ItemT | Exception], predict: Callable[[list[ItemT]], Sequence[ResultT]]
) -> list[ResultT | Exception]:
    """Return `predict` of the sound items, in order, with the exceptions of the others in their places.

    A batch that does not fit into memory is halved, and one that fails otherwise is tried item by item.
    """
    sound = [item for item in items if not isinstance(item, Exception)]
    results = iter(_halving(sound, predict))
    return [item if isinstance(item, Exception) else next(results) for item in items]


def _halving(items: list[Any], predict: Callable[[list[Any]], Sequence[Any]]) -> list[Any]:
    if not items:
        return []
    try:
        return list(predict(items))
    except Exception as error:
        if len(items) == 1:
            return [error]
        _free_memory()
        middle = len(items) // 2
        return [*_halving(items[:middle], predict), *_halving(items[middle:], predict)]


def _free_memory() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
