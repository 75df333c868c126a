"""Photographs, depth maps and masks as pages hold them, read back."""

import base64
import doctest
import io
import json
import re

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from jobs.views.pages import render, second_view, wording
from jobs.views.pages.images import depth_image, image_uri, mask_anchor, mask_path
from jobs.views.pages.render import script_json
from tests.pages.room import encoded
from tests.pages.small_lake import image_bytes, rooms


def decoded(uri: str) -> np.ndarray:
    """Return a data URI's pixels."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGB")).astype(int)


def test_an_image_is_shown_upright():
    room = rooms()[1]
    uri = image_uri(image_bytes(room), 2000)
    assert uri is not None
    assert np.abs(decoded(uri) - room.image.astype(int)).mean() < 5
    assert decoded(image_uri(image_bytes(room), 64) or "").shape == (64, 42, 3)
    assert image_uri(b"not an image", 64) is None


def test_near_is_warm_far_is_cold_unknown_is_dark():
    depth = np.zeros((90, 120), np.uint16)
    depth[:, 40:80], depth[:, 80:] = 500, 8000
    screenshot = depth_image(cv2.imencode(".png", depth)[1].tobytes(), 200)
    assert screenshot is not None
    assert (screenshot.near_m, screenshot.far_m) == (0.5, 8.0)
    unknown, near, far = (decoded(screenshot.uri)[45, column] for column in (15, 60, 100))
    assert unknown.max() < 80 and near[0] > near[2] + 60 and far[2] > far[0]
    assert depth_image(cv2.imencode(".png", depth * 0)[1].tobytes(), 200) is None


def test_sparse_depth_is_made_visible():
    depth = np.zeros((200, 300), np.uint16)
    depth[::10, ::10] = 4000
    screenshot = depth_image(cv2.imencode(".png", depth)[1].tobytes(), 300)
    assert screenshot is not None
    assert (decoded(screenshot.uri).max(-1) > 90).mean() > 0.2


@given(st.integers(0, 2**31))
def test_mask_path_fills_the_mask(seed):
    random = np.random.default_rng(seed)
    mask = cv2.GaussianBlur(random.normal(size=(120, 160)).astype(np.float32), (0, 0), 9) > 0.01
    path = mask_path(encoded(mask), 160, 120)
    drawn = np.zeros(mask.shape, np.uint8)
    loops = [re.findall(r"[\d.]+", loop) for loop in path.split("Z") if loop]
    polygons = [np.array(loop, float).reshape(-1, 2) - 0.5 for loop in loops]
    cv2.fillPoly(drawn, [polygon.astype(np.int32) for polygon in polygons], 1)
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5))) > 0
    outer = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))) > 0
    assert (drawn[inner] == 1).all() and (drawn[~outer] == 0).all()


def test_label_sits_inside_its_mask():
    ring = np.zeros((100, 100), bool)
    ring[10:90, 10:90] = True
    ring[20:80, 30:85] = False
    anchor = mask_anchor(encoded(ring), 100, 100)
    assert anchor is not None
    assert ring[int(anchor[1]), int(anchor[0])]
    assert mask_anchor(encoded(ring & False), 100, 100) is None
    assert mask_path(encoded(ring & False), 100, 100) == ""


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_script_json_is_the_value_and_ends_no_script(value):
    text = str(script_json(value))
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\u2029")


def test_examples_in_the_wording_hold():
    for module in (wording, render, second_view):
        found = doctest.testmod(module)
        assert found.attempted and not found.failed
