"""The slots of the built-in family on images of every shape, with random weights."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import io

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools import mask as coco

from tests.experts.builtin_network import row, small_spec
from udfs.experts.expert import PROFILES, ExpertSpec, expert_class, loaded_expert
from udfs.experts.families.builtin.inference import working_size
from udfs.experts.families.builtin.weights import Calibration
from udfs.experts.loading import ModelUnavailable

SIZES = [(1, 40), (40, 1), (33, 70), (70, 33), (64, 48), (5, 5), (300, 20)]
ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    torch.set_num_threads(1)
    return small_spec(tmp_path_factory.mktemp("weights"))


def noise(width, height, channels=3):
    shape = (height, width, channels) if channels > 1 else (height, width)
    coarse = np.random.default_rng(width * 1000 + height).integers(0, 256, (6, 6, *shape[2:]), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


def turned(rgb, orientation):
    """Return a row whose stored pixels are the upright `rgb` as a camera held that way stores them."""
    plain = Image.fromarray(rgb)
    inverse = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif, held = Image.Exif(), io.BytesIO()
    exif[ORIENTATION] = orientation
    plain.transpose(inverse[orientation]).save(held, "PNG", exif=exif)
    return {"bytes": held.getvalue(), "camera": None}


def depth_of(prediction):
    return cv2.imdecode(np.frombuffer(prediction["depth"], np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_slot_takes_any_size(spec, size, channels):
    image = row(noise(*size, channels))
    scores = loaded_expert("filter", spec).predict([image])[0]["scores"]
    assert scores["room"] + scores["other"] == pytest.approx(1) and scores["spatial"] == scores["room"]
    depth = loaded_expert("depth", spec).predict([image])[0]
    assert depth_of(depth).shape == size[::-1] and depth_of(depth).min() > 0
    assert np.linalg.norm(depth["gravity"]) == pytest.approx(1)
    for region in loaded_expert("context", spec).predict([image])[0]["regions"]:
        assert coco.decode({"size": size[::-1], "counts": region["rle"].encode()}).sum() == region["area_px"]


def test_batch_gives_what_single_images_give(spec):
    images = [row(noise(w, h)) for w, h in [(64, 48), (48, 64), (64, 48), (90, 60)]]
    expert = loaded_expert("depth", spec)
    together, alone = expert.predict(images), [expert.predict([p])[0] for p in images]
    for a, b in zip(together, alone, strict=True):
        # batches of another size sum in another order
        np.testing.assert_allclose(depth_of(a).astype(float), depth_of(b), atol=2)
        np.testing.assert_allclose(a["gravity"], b["gravity"], atol=1e-5)


def test_broken_image_fails_alone(spec):
    broken = {"bytes": b"not an image", "camera": None}
    first, second, third = loaded_expert("depth", spec).predict([row(noise(64, 48)), broken, row(noise(20, 30))])
    assert isinstance(second, Exception)
    assert depth_of(first).shape == (48, 64) and depth_of(third).shape == (30, 20)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_exif_turned_images_are_seen_upright(spec, orientation):
    rgb = noise(64, 48)
    for slot in ("depth", "context"):
        upright, stored = loaded_expert(slot, spec).predict([row(rgb), turned(rgb, orientation)])
        assert stored == upright


def test_carried_intrinsics_scale_the_depth(spec):
    rgb = noise(64, 48)
    cameras = [{"fx": f, "fy": f, "cx": 31.5, "cy": 23.5} for f in (50.0, 100.0)]
    near, far, guessed = loaded_expert("depth", spec).predict([*(row(rgb, c) for c in cameras), row(rgb)])
    np.testing.assert_allclose(depth_of(far) / depth_of(near), 2.0, rtol=0.01)
    assert far["camera"] == cameras[1] and far["camera_src"] == "crawl" and guessed["camera_src"] == "model"
    np.testing.assert_allclose(depth_of(guessed) / depth_of(near), guessed["camera"]["fx"] / 50, rtol=0.01)


def test_declared_errors_follow_the_calibration(tmp_path):
    (tmp_path / "a").mkdir()
    plain = loaded_expert("depth", small_spec(tmp_path)).predict([row(noise(64, 48))])[0]
    wide = small_spec(tmp_path / "a", Calibration(depth=2, focal=2, gravity=3))
    doubled = loaded_expert("depth", wide).predict([row(noise(64, 48))])[0]
    assert doubled["sigma_rel"] == pytest.approx(2 * plain["sigma_rel"])
    assert doubled["gravity_sigma_deg"] == pytest.approx(3 * plain["gravity_sigma_deg"])


def test_missing_and_wrong_weights_say_what_to_do(tmp_path):
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"no weights")
    for path in (wrong, tmp_path / "none.safetensors"):
        with pytest.raises(ModelUnavailable, match="train-experts"):
            loaded_expert("depth", ExpertSpec(family="builtin", model=str(path)))


def test_profile_names_the_family():
    for slot in ("filter", "context", "depth"):
        assert expert_class(slot, getattr(PROFILES["builtin"], slot)).__name__.startswith("Builtin")


@pytest.mark.parametrize(
    ("size", "expected"), [((640, 480), (192, 144)), ((480, 640), (144, 192)), ((3, 2), (192, 128))]
)
def test_working_size_keeps_proportions(size, expected):
    assert working_size(*size, 192 * 144) == expected


def test_nothing_found_is_no_failure(tmp_path):
    sober = loaded_expert("context", small_spec(tmp_path, Calibration()))
    assert sober.predict([row(noise(64, 48))]) == [{"regions": []}]


def test_regions_are_apart_and_largest_first(spec):
    regions = loaded_expert("context", spec).predict([row(noise(64, 48))])[0]["regions"]
    areas = [region["area_px"] for region in regions]
    assert len(regions) > 1 and areas == sorted(areas, reverse=True)
    masks = [coco.decode({"size": (48, 64), "counts": region["rle"].encode()}) for region in regions]
    assert np.sum(masks, axis=0).max() == 1
    for region, mask in zip(regions, masks, strict=True):
        u0, v0, u1, v1 = region["bbox_px"]
        assert mask[v0:v1, u0:u1].sum() == region["area_px"] and region["captions"][-1] == region["label"]
