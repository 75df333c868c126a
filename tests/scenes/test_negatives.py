"""Images that are not rooms: reproducible, of every kind, at the requested size."""

import numpy as np
import pytest

from scenes.negatives import NEGATIVES, negative


@pytest.mark.parametrize("kind", sorted(NEGATIVES))
def test_equal_seeds_give_equal_images(kind):
    first, again, other = (negative(kind, (96, 64), seed) for seed in (5, 5, 6))
    assert first.shape == (64, 96, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("kind", sorted(NEGATIVES))
def test_images_are_not_blank(kind):
    spread = [negative(kind, (96, 64), seed).std() for seed in range(6)]
    assert np.median(spread) > 4


def test_a_product_has_a_plain_background():
    for seed in range(4):
        image = negative("product", (96, 64), seed)
        corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert (corners == corners[0]).all() and corners.min() > 200


def test_a_close_up_shows_one_large_object():
    # a room has many edges; the middle of a close-up is one object
    for seed in range(4):
        image = negative("close-up", (96, 64), seed).astype(int)
        assert image[20:44, 30:66].std(axis=(0, 1)).mean() < 70
