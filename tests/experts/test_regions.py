"""From overlapping masks to regions: the smaller keeps its pixels, whatever the masks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco_mask

from udfs.experts.families.composed import _agreeing
from udfs.experts.regions import Detections, clipped, distinct, instance_map, suppressed

masks = st.lists(arrays.arrays(np.bool_, (5, 7)), min_size=1, max_size=6)


def encoded(mask: np.ndarray) -> dict:
    return coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))


@given(masks)
def test_every_pixel_goes_to_the_smallest_mask_that_holds_it(drawn: list[np.ndarray]) -> None:
    owner = instance_map([encoded(mask) for mask in drawn])
    for place in np.ndindex(5, 7):
        holders = [(mask.sum(), index) for index, mask in enumerate(drawn) if mask[place]]
        assert owner[place] == (min(holders)[1] + 1 if holders else 0)


@given(masks, st.floats(0.05, 1.0))
def test_distinct_masks_overlap_no_more_than_allowed(drawn: list[np.ndarray], most: float) -> None:
    kept = distinct([encoded(mask) for mask in drawn], most)
    for index, mask in enumerate(drawn):
        overlaps = [(mask & drawn[k]).sum() / max(1, (mask | drawn[k]).sum()) > most for k in kept if k < index]
        assert (index in kept) == (mask.any() and not any(overlaps))


def test_boxes_are_cut_at_the_border_and_the_best_is_kept_across_names() -> None:
    boxes = np.array([[-5.0, -5, 10, 10], [0, 0, 10, 11], [30, 30, 50, 50], [60, 0, 70, 10], [20, 20, 20, 25]])
    names = ("cup", "mug", "box", "lamp", "pen")
    found = clipped(Detections(boxes, np.array([0.5, 0.9, 0.4, 0.8, 0.7]), names), (40, 40))
    assert found.labels == ("cup", "mug", "box")
    np.testing.assert_array_equal(found.boxes_px[2], [30, 30, 40, 40])
    assert suppressed(found, 0.7, 10).labels == ("mug", "box")
    assert suppressed(found, 0.95, 2).labels == ("mug", "cup")
    with pytest.raises(ValueError, match="finite"):
        clipped(Detections(np.full((1, 4), np.nan), np.ones(1), ("mug",)), (40, 40))


@pytest.mark.parametrize(
    ("label", "short", "long", "captions"),
    [
        ("mug", "a red mug", "A red mug sits on a desk.", ["red mug", "A red mug sits on a desk."]),
        ("mug", "a cup of coffee", "a desk with a laptop", ["cup of coffee"]),
        ("mug", "a laptop", "", []),
        ("mug", "red mug", "red mug", ["red mug"]),
        ("misc", "a red toy", "", ["red toy"]),
    ],
)
def test_captions_of_something_else_are_left_out(label: str, short: str, long: str, captions: list[str]) -> None:
    assert _agreeing(label, short, long) == captions
