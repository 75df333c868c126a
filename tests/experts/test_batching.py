"""Batches: order, one shape together, memory that runs out, one bad item."""

import threading

import pytest
import torch

from schemas.reasons import Reason
from udfs.experts.batching import BatchSizes, ahead, predicted
from udfs.stages.rows import RowRejected


def test_items_of_one_shape_gopredict_prepared_and_come_back_in_order() -> None:
    batches: list[list[str]] = []

    def predict(items: list[str]) -> list[str]:
        batches.append(items)
        return [item.upper() for item in items]

    bad = ValueError("bad")
    items = ["a", "bb", "c", bad, "dd", "e"]
    assert predicted(items, predict, BatchSizes(2), len) == ["A", "BB", "C", bad, "DD", "E"]
    assert batches == [["a", "c"], ["e"], ["bb", "dd"]]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_batch_that_memory_does_not_hold_is_halved_once_and_for_all(error: Exception) -> None:
    tried: list[int] = []

    def predict(items: list[int]) -> list[int]:
        tried.append(len(items))
        if len(items) > 2:
            raise error
        return [item + 1 for item in items]

    sizes = BatchSizes(8)
    assert predicted(list(range(7)), predict, sizes) == list(range(1, 8))
    assert tried == [7, 4, 2, 2, 2, 1]
    tried.clear()
    assert predicted([1, 2, 3], predict, sizes) == [2, 3, 4]
    assert tried == [2, 1]


def test_memory_that_one_shape_fills_leaves_the_others_at_their_size() -> None:
    def predict(items: list[str]) -> list[str]:
        if len(items) > 1 and len(items[0]) == 2:
            raise MemoryError
        return items

    sizes = BatchSizes(4)
    items = ["aa", "bb", "c", "d"]
    assert predicted(items, predict, sizes, len) == items
    assert (sizes.of(2), sizes.of(1)) == (1, 4)


def test_an_image_that_does_not_fit_alone_is_rejected_alone() -> None:
    def predict(items: list[int]) -> list[int]:
        if 3 in items:
            raise torch.OutOfMemoryError("Tried to allocate 80 GiB\nand more")
        return items

    results = predicted([1, 2, 3, 4], predict)
    assert [one for one in results if not isinstance(one, Exception)] == [1, 2, 4]
    assert isinstance(results[2], RowRejected) and results[2].reason == Reason.OUT_OF_MEMORY
    assert "80 GiB" in str(results[2]) and "and more" not in str(results[2])


def test_an_item_that_fails_otherwise_stands_alone_and_does_not_lower_the_batch_size() -> None:
    def predict(items: list[int]) -> list[int]:
        if 5 in items:
            raise ZeroDivisionError("five")
        return items

    sizes = BatchSizes(8)
    results = predicted(list(range(8)), predict, sizes)
    assert isinstance(results[5], ZeroDivisionError)
    assert [one for one in results if one is not results[5]] == [0, 1, 2, 3, 4, 6, 7]
    assert sizes.of(None) == 8


def test_the_next_chunk_is_prepared_while_one_is_used() -> None:
    prepared = {number: threading.Event() for number in range(4)}

    def prepare(number: int) -> int:
        prepared[number].set()
        if number == 1:
            raise OSError("one")
        return number

    chunks = ahead(range(4), prepare, at_once=2)
    first = next(chunks)
    assert first[0] == 0 and isinstance(first[1], OSError)
    assert prepared[2].wait(10) and prepared[3].wait(10), "nothing is prepared while the first chunk is in use"
    assert list(chunks) == [[2, 3]]
    assert list(ahead([], prepare, at_once=2)) == []
