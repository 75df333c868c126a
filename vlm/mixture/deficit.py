"""The deficit controller: which stream is next, so that shares of tokens are exact."""

from collections.abc import Mapping


class Deficit:
    """Takes the stream that is furthest behind its share of the tokens taken so far.

    With two streams that is "take spatial while T_s < share * (T_s + T_g)"; no stream is ever off by more than about
    one example. Ties go to the stream named first.
    """

    def __init__(self, shares: Mapping[str, float], tokens: Mapping[str, int]) -> None:
        self._shares = dict(shares)
        self.tokens = {name: tokens.get(name, 0) for name in shares}
        self._total = sum(self.tokens.values())

    def next(self) -> str:
        """Return the stream to take from."""
        return max(self._shares, key=lambda name: self._shares[name] * self._total - self.tokens[name])

    def add(self, stream: str, tokens: int) -> None:
        """Count what was taken."""
        self.tokens[stream] += tokens
        self._total += tokens
