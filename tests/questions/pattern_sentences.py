"""Sentences drawn from a pattern: one of its alternatives at every place."""

import random

from udfs.language.patterns import NAME, Pattern


def drawn_sentence(pattern: Pattern, rng: random.Random) -> tuple[str, ...]:
    """One sentence of a pattern; the slots A and B become @0 and @1, WHO becomes @who."""
    return tuple(_drawn(pattern.group, rng))


def _drawn(group, rng: random.Random) -> list[str]:
    words: list[str] = []
    for item in rng.choice(group.rows):
        if isinstance(item, str):
            words.append(item)
        elif hasattr(item, "rows"):
            words += _drawn(item, rng)
        elif item.part is not None:
            words += _drawn(item.part, rng)
        else:
            words.append(f"{NAME}{'AB'.index(item.name) if len(item.name) == 1 else item.name.lower()}")
    return words
