"""The distance and the test between two distributions, against formulas and against simulated samples."""

import math

import numpy as np
import pytest

from jobs.views.shares import Sample, adjusted, compared

FAIR = {"a": 0.5, "b": 0.3, "c": 0.2}


def sample(rng: np.random.Generator, shares: dict[str, float], images: int, answers_per_image: int = 1) -> Sample:
    """Draw images, all answers of which are alike: what answers about one image are at worst."""
    drawn = rng.multinomial(images, list(shares.values()))
    return Sample({name: int(n) * answers_per_image for name, n in zip(shares, drawn, strict=True)}, images)


def entropy(shares: list[float]) -> float:
    return -sum(p * math.log2(p) for p in shares if p)


def test_the_distance_is_the_root_of_the_divergence() -> None:
    a, b = {"x": 30, "y": 70}, {"x": 1, "y": 1, "z": 2}
    p, q = [0.3, 0.7, 0.0], [0.25, 0.25, 0.5]
    middle = [(one + other) / 2 for one, other in zip(p, q, strict=True)]
    divergence = entropy(middle) - (entropy(p) + entropy(q)) / 2
    assert compared("", Sample(a, 100), Sample(b, 4)).distance == pytest.approx(math.sqrt(divergence))


def test_the_distance_is_0_for_equal_shares_and_1_without_a_common_category() -> None:
    same = compared("", Sample({"a": 1, "b": 3}, 4), Sample({"a": 100, "b": 300}, 400))
    assert same.distance == pytest.approx(0.0, abs=1e-6)
    assert compared("", Sample({"a": 9}, 9), Sample({"b": 9}, 9)).distance == pytest.approx(1.0)


@pytest.mark.parametrize("answers_per_image", [1, 40])
def test_equal_distributions_are_told_apart_as_rarely_as_promised(answers_per_image: int) -> None:
    rng, small = np.random.default_rng(3), 0
    for _ in range(1_000):
        a, b = (sample(rng, FAIR, images, answers_per_image) for images in (400, 150))
        small += (compared("", a, b).p or 0.0) < 0.05
    # Three standard errors of a binomial share of 5 %.
    assert 50 - 3 * 6.9 <= small <= 50 + 3 * 6.9


def test_a_true_difference_is_found() -> None:
    rng = np.random.default_rng(4)
    a, b = sample(rng, FAIR, 2_000), sample(rng, {"a": 0.3, "b": 0.3, "c": 0.4}, 2_000)
    found = compared("", a, b)
    assert found.p is not None and found.p < 1e-6
    assert found.changes[0][0] in ("a", "c")
    assert [abs(p - q) for _, p, q in found.changes] == sorted((abs(p - q) for _, p, q in found.changes), reverse=True)


def test_rare_categories_are_tested_together() -> None:
    rare = {f"r{number}": 1 for number in range(20)}
    a, b = Sample({"common": 80, **rare}, 100), Sample({"common": 80, **{f"s{n}": 1 for n in range(20)}}, 100)
    # One by one, none could be told from chance; together they are as frequent in both.
    assert compared("", a, b).p == pytest.approx(1.0)
    assert (compared("", a, b).distance or 0.0) > 0.3


@pytest.mark.parametrize("counts", [{}, {"a": 3}, {"a": 2, "b": 1}])
def test_too_little_is_not_tested(counts: dict[str, float]) -> None:
    found = compared("", Sample(counts, sum(counts.values())), Sample({"a": 500, "b": 500}, 1_000))
    assert found.p is None
    assert (found.distance is None) == (not counts)


def test_p_values_are_adjusted_for_their_number() -> None:
    pairs = [({"a": 50, "b": 50}, {"a": 50 + d, "b": 50 - d}) for d in (0, 12, 14, 20)]
    found = [compared(str(i), Sample(a, 100), Sample(b, 100)) for i, (a, b) in enumerate(pairs)]
    found.insert(1, compared("none", Sample({}, 0), Sample({"a": 9}, 9)))
    after = {one.name: one.p_adjusted for one in adjusted(found)}
    p = sorted(one.p for one in found if one.p is not None)
    expected = [min(p[later] * len(p) / (later + 1) for later in range(place, len(p))) for place in range(len(p))]
    assert after.pop("none") is None
    assert sorted(value for value in after.values() if value is not None) == pytest.approx(expected)
