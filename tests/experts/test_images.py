"""Decoding: what a viewer shows, whatever the stored pixels are, and one bad image alone."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import io

import numpy as np
import pytest
from PIL import Image

from schemas.reasons import Outcome, Reason
from tests.experts.image_rows import image_row, named, row, upright
from udfs.experts.batching import decoded
from udfs.experts.images import upright_image
from udfs.stages.rows import RowRejected


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_upright(orientation: int) -> None:
    taken = image_row(7, 5, orientation=orientation)
    image = upright_image(taken)
    assert np.array_equal(np.asarray(image.image), np.asarray(upright(taken)))
    assert image.size == ((7, 5) if orientation < 5 else (5, 7))


@pytest.mark.parametrize("name", ["grey", "palette", "jpeg"])
def test_every_mode_becomes_rgb(name: str) -> None:
    taken = named(name)
    assert np.array_equal(np.asarray(upright_image(taken).image), np.asarray(upright(taken)))


def test_sixteen_bit_greys_keep_their_shades() -> None:
    shades = (np.arange(256, dtype=np.uint16).reshape(16, 16) << 8) + 7
    taken = row(Image.fromarray(shades))
    assert np.array_equal(np.asarray(upright_image(taken).image)[..., 1], (shades >> 8).astype(np.uint8))


def test_a_cut_or_empty_file_says_so_and_its_neighbours_are_decoded() -> None:
    whole = image_row(30, 20)
    cut = {**whole, "bytes": whole["bytes"][:300]}
    (done,) = decoded([whole, cut, {**whole, "bytes": b""}, whole], at_once=4)
    assert [isinstance(one, RowRejected) for one in done] == [False, True, True, False]
    assert done[1].reason == Reason.UNREADABLE_IMAGE and "300 bytes" in str(done[1])


def test_a_strip_is_left_out_before_it_is_decoded() -> None:
    data = io.BytesIO()
    Image.new("RGB", (1, 1001)).save(data, "PNG")
    with pytest.raises(RowRejected, match="1 x 1001 px") as caught:
        upright_image({"bytes": data.getvalue()})
    assert (caught.value.outcome, caught.value.reason) == (Outcome.FILTERED, Reason.IMAGE_TOO_THIN)
