"""Pictures that show no room: the same by seed, of every kind, at the asked size."""

import numpy as np
import pytest

from scenes.negatives import NEGATIVES, negative


@pytest.mark.parametrize("kind", sorted(NEGATIVES))
def test_equal_seeds_give_equal_pictures(kind):
    first, again, other = (negative(kind, (96, 64), seed) for seed in (5, 5, 6))
    assert first.shape == (64, 96, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("kind", sorted(NEGATIVES))
def test_pictures_are_not_blank(kind):
    spread = [negative(kind, (96, 64), seed).std() for seed in range(6)]
    assert np.median(spread) > 4


def test_a_product_stands_on_a_plain_ground():
    for seed in range(4):
        picture = negative("product", (96, 64), seed)
        corners = picture[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert (corners == corners[0]).all() and corners.min() > 200


def test_a_close_up_shows_one_thing_large():
    # a room has many edges; the middle of a close-up is one thing
    for seed in range(4):
        picture = negative("close-up", (96, 64), seed).astype(int)
        assert picture[20:44, 30:66].std(axis=(0, 1)).mean() < 70
