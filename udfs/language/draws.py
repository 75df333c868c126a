"""A small deterministic stream of random draws, the same on every machine and for every batch size."""

import hashlib
import math
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

_MASK = (1 << 64) - 1
_UNIT = 2.0**-53


class Draws:
    """The wyrand generator (Wang Yi, wyhash, public domain): equal seeds give equal streams.

    Seeds should come from `seed_of`. Cheap enough to make one per answer, which keeps every row independent of its
    neighbours.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def uniform(self) -> float:
        """Return a float in [0, 1) of 53 random bits."""
        self._state = state = (self._state + 0xA0761D6478BD642F) & _MASK
        product = state * (state ^ 0xE7037ED1A0B428DB)
        return ((((product >> 64) ^ product) & _MASK) >> 11) * _UNIT

    def normal(self) -> float:
        """Return a draw of the normal distribution with mean 0 and standard deviation 1 (Box and Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())

    def below(self, n: int) -> int:
        """Return an int in [0, n); n must be positive."""
        return int(self.uniform() * n)

    def coin(self) -> bool:
        """Return true half of the time."""
        return self.uniform() < 0.5

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of `items`, which must not be empty."""
        return items[int(self.uniform() * len(items))]


def seed_of(*parts: str | int) -> int:
    """Return a stable seed in [0, 2^63) of any texts and whole numbers, in order."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
