"""Seeded random draws that are the same on every machine and for every batch size."""

import hashlib
import math
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

_MASK = (1 << 64) - 1
_UNIT = 2.0**-53


class Draws:
    """The wyrand generator (Wang Yi, wyhash, public domain): equal seeds give equal streams.

    Seeds come from `seed_of`. It is cheap enough to construct per answer, which random.Random is not; so every row is
    independent of the others.
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
        """Return a standard normal draw (Box and Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())

    def below(self, n: int) -> int:
        """Return an int in [0, n); n must be positive."""
        return int(self.uniform() * n)

    def coin(self) -> bool:
        """Return True with probability 0.5."""
        return self.uniform() < 0.5

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of `items`, which must not be empty."""
        return items[int(self.uniform() * len(items))]


def seed_of(*parts: str | int) -> int:
    """Return a stable seed in [0, 2^63) from texts and integers; their order matters."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
