"""Regions of an instance map are those of a mask per object, whatever the number of ids."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from udfs.experts.families.sensor import instance_boxes, regions_of

SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12))
MAPS = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda kind: arrays(kind, SHAPES, elements=st.one_of(st.integers(0, 3), st.integers(0, 255)))
)


def annotation(number: int) -> dict[str, Any]:
    return {"id": number, "label": f"thing {number}", "captions": None}


def one_by_one(labels: NDArray[Any], number: int) -> tuple[list[int], int, str]:
    """Box, area and mask of an id by scanning the whole map for it."""
    hit = labels == number
    rows, columns = np.flatnonzero(hit.any(axis=1)), np.flatnonzero(hit.any(axis=0))
    rle: Any = coco_mask.encode(np.asfortranarray(hit, dtype=np.uint8))
    box = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
    return box, int(hit.sum()), rle["counts"].decode()


@given(MAPS, st.permutations(range(1, 6)))
def test_regions_are_those_of_a_mask_per_object(labels: NDArray[Any], listed: list[int]) -> None:
    there = [number for number in listed if (labels == number).any()]
    regions = regions_of(labels, [annotation(number) for number in listed])
    assert [region["region_id"] for region in regions] == there
    for region in regions:
        assert (region["bbox_px"], region["area_px"], region["rle"]) == one_by_one(labels, region["region_id"])
    assert {number: list(box) for number, box in instance_boxes(labels).items()} == {
        number: one_by_one(labels, number)[0] for number in set(labels.ravel().tolist()) - {0}
    }


@pytest.mark.parametrize("listed", [1, 1_000])
def test_a_map_of_noise_is_read_in_passes_and_not_id_by_id(listed: int) -> None:
    # An id at a time, these 65,535 ids of 3 megapixels would be 200 billion comparisons.
    noise = np.random.default_rng(0).integers(0, 65_536, (1_500, 2_000), np.uint16)
    regions = regions_of(noise, [annotation(number) for number in range(1, listed + 1)])
    assert len(regions) == listed
    assert regions[-1]["area_px"] == np.count_nonzero(noise == listed)
