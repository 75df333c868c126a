"""Finds the pairs of 64-bit perceptual hashes that differ in a few bits, without comparing all pairs."""

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np

HASH_BITS = 64
# Of `max_bits + 3` blocks, a pair that differs in `max_bits` bits shares at least three.
_SHARED_BLOCKS = 3
# Hashes that share three blocks are sorted; of an enormous bucket, each is compared with this many that follow.
_MAX_COMPARED = 4_096


def hashes_of(texts: list[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """Return hashes written in hex as uint64 [n], and which of them are there [n]; 0 where one is not."""
    values = [_number(text) for text in texts]
    there = np.array([value is not None for value in values], bool)
    return np.array([value or 0 for value in values], np.uint64), there


def near_pairs(hashes: np.ndarray, max_bits: int, fresh: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of all pairs that differ in at most `max_bits` bits, each pair once, the lower one first.

    `hashes` is uint64 [n], sorted and without repeats. With `fresh`, bool [n], only pairs with a fresh one are found.

    The hash is cut into blocks, and hashes that agree in three of them are compared (multi-index hashing, Norouzi et
    al. 2012). No pair is missed unless more than 4,096 different hashes agree in the same three blocks; then each of
    these is compared with the 4,096 that follow it in numerical order.
    """
    found = [np.zeros((0, 2), np.int64)]
    for shared, before in _choices(max_bits):
        found += _compared(hashes, shared, before, max_bits, fresh)
    pairs = np.concatenate(found)
    return pairs[:, 0], pairs[:, 1]


def _number(text: str | None) -> int | None:
    try:
        value = int(text, 16) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 2**HASH_BITS else None


def _choices(max_bits: int) -> Iterator[tuple[np.uint64, list[np.uint64]]]:
    """Yield each choice of three blocks as the mask of their bits, with the other blocks before the last of them."""
    edges = np.linspace(0, HASH_BITS, max_bits + _SHARED_BLOCKS + 1).astype(int).tolist()
    blocks = [np.uint64((1 << end) - (1 << start)) for start, end in pairwise(edges)]
    for chosen in combinations(range(len(blocks)), _SHARED_BLOCKS):
        shared = np.bitwise_or.reduce([blocks[one] for one in chosen])
        yield shared, [blocks[one] for one in range(chosen[-1]) if one not in chosen]


def _compared(
    hashes: np.ndarray, shared: np.uint64, before: list[np.uint64], max_bits: int, fresh: np.ndarray | None
) -> Iterator[np.ndarray]:
    """Yield near pairs [m, 2] among the hashes that agree in the bits `shared` and in no block of `before`.

    In another block before, a pair would agree in an earlier choice too, which has found it.
    """
    keys, places = hashes & shared, np.arange(len(hashes))
    if fresh is not None:
        places = places[np.isin(keys, keys[fresh])]
    places = places[np.argsort(keys[places], kind="stable")]
    keys, in_order = keys[places], hashes[places]
    first = np.arange(len(keys))
    for step in range(1, min(_MAX_COMPARED, len(keys) - 1) + 1):
        first = first[first + step < len(keys)]
        first = first[keys[first] == keys[first + step]]
        if not len(first):
            return
        apart = in_order[first] ^ in_order[first + step]
        near = np.bitwise_count(apart) <= max_bits
        near[near] = np.logical_and.reduce([apart[near] & block != 0 for block in before], axis=0)
        pairs = np.sort(np.stack([places[first[near]], places[first[near] + step]], axis=1), axis=1)
        yield pairs if fresh is None else pairs[fresh[pairs].any(axis=1)]
