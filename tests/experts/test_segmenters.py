"""Masks are those that transformers' own processors and post-processing give, over the stored pixels."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from typing import Any

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from tests.experts import small_detectors
from tests.experts.awkward_images import HUGE, SHAPES, image_row, upright
from tests.experts.references import sam_reference
from udfs.experts.expert import ExpertSpec, expert_class
from udfs.experts.images import upright_image


@pytest.fixture(scope="module")
def sam(tmp_path_factory: pytest.TempPathFactory) -> str:
    return small_detectors.sam(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="module")
def sam2(tmp_path_factory: pytest.TempPathFactory) -> str:
    return small_detectors.sam2(tmp_path_factory.mktemp("sam2"))


def loaded(family: str, folder: str, **options: Any):
    spec = ExpertSpec(family=family, model=folder, options=options)
    part = expert_class("segmenter", spec)(spec)
    part.load("cpu")
    return part


def boxes_in(size: tuple[int, int], count: int) -> np.ndarray:
    rng = np.random.default_rng(count)
    corners = np.sort(rng.random((count, 2, 2)), axis=1) * size
    return corners.reshape(count, 4)


@pytest.mark.parametrize("family", ["sam", "sam2"])
def test_masks_are_those_of_transformers(family: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(family)
    segmenter = loaded(family, folder, boxes_at_once=2)
    rows = [image_row(name) for name in SHAPES]
    images = [upright_image(row) for row in rows]
    boxes = [boxes_in(image.size, count) for count, image in enumerate(images, start=1)]
    filled = 0
    for row, some, rles in zip(rows, boxes, segmenter.segment(images, boxes), strict=True):
        for expected, rle in zip(sam_reference(family, folder, upright(row), some), rles, strict=True):
            drawn = coco_mask.decode(rle).astype(bool)
            assert drawn.shape == expected.shape
            # batches of another size may flip pixels whose logit is nearly 0
            assert (drawn != expected).sum() <= 1, row["image_id"]
            filled += 0 < drawn.sum() < drawn.size
    assert filled > len(rows)


def test_sam_on_an_8k_image(sam: str) -> None:
    row = image_row("huge")
    boxes = np.array([[900.0, 700.0, 5000.0, 4200.0]])
    drawn = coco_mask.decode(loaded("sam", sam).segment([upright_image(row)], [boxes])[0][0]).astype(bool)
    expected = sam_reference("sam", sam, upright(row), boxes)[0]
    assert drawn.shape == expected.shape == HUGE[::-1]
    assert (drawn != expected).mean() < 1e-6


@pytest.mark.parametrize("family", ["sam", "sam2"])
def test_half_precision_draws_nearly_the_same(family: str, request: pytest.FixtureRequest) -> None:
    segmenter = loaded(family, request.getfixturevalue(family))
    image = upright_image(image_row("odd"))
    boxes = [np.array([[5.0, 6.0, 50.0, 40.0]])]
    single = segmenter.segment([image], boxes)[0]
    segmenter.model.half()
    half = segmenter.segment([image], boxes)[0]
    assert coco_mask.iou(single, half, [0])[0, 0] > 0.95


@pytest.mark.parametrize("family", ["sam", "sam2"])
def test_nan_is_an_error(family: str, request: pytest.FixtureRequest) -> None:
    segmenter = loaded(family, request.getfixturevalue(family))
    with torch.no_grad():
        for parameter in segmenter.model.mask_decoder.parameters():
            parameter.fill_(float("nan"))
    with pytest.raises(ValueError, match="NaN"):
        segmenter.segment([upright_image(image_row("odd"))], [np.array([[5.0, 6.0, 50.0, 40.0]])])
