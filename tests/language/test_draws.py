"""The stream of draws: stable across versions, uniform and uncorrelated."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from udfs.language.draws import Draws, seed_of


def test_streams_and_seeds_never_change() -> None:
    # existing lakes were made with these numbers
    draws = Draws(seed_of("image", "Q01", 3))
    assert seed_of("image", "Q01", 3) == 3117406805704770625
    assert [draws.below(1000) for _ in range(6)] == [100, 587, 736, 401, 97, 312]


def test_seed_parts_are_separated() -> None:
    assert seed_of("ab", "c") != seed_of("a", "bc")
    assert seed_of("a", 1) == seed_of("a", "1")


@given(st.integers(0, 2**64 - 1), st.integers(1, 1000))
def test_below_stays_below(seed: int, n: int) -> None:
    draws = Draws(seed)
    assert all(0 <= draws.below(n) < n for _ in range(20))
    assert all(0.0 <= draws.uniform() < 1.0 for _ in range(20))


def test_first_draws_of_neighboring_seeds_are_even() -> None:
    firsts = Counter(Draws(seed_of("image", i)).below(10) for i in range(20000))
    assert all(1800 < count < 2200 for count in firsts.values())


def test_pairs_in_one_stream_are_even() -> None:
    draws = Draws(7)
    pairs = Counter((draws.below(4), draws.below(4)) for _ in range(32000))
    assert len(pairs) == 16
    assert all(1800 < count < 2200 for count in pairs.values())


def test_coin_and_pick() -> None:
    draws = Draws(11)
    assert 4800 < sum(draws.coin() for _ in range(10000)) < 5200
    assert {draws.pick("abc") for _ in range(100)} == set("abc")
