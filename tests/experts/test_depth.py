"""Monocular depth against transformers' own processors, models and post-processing, in metres on the upright image."""

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForDepthEstimation

from schemas.reasons import Outcome, Reason
from tests.experts import small_models
from tests.experts.image_rows import image_row, named, upright
from udfs.experts.expert import ExpertSpec, loaded_expert
from udfs.experts.loading import ModelUnavailable
from udfs.stages.rows import RowRejected

FAMILIES = ["zoedepth", "depth_anything", "depth_pro"]
NAMES = ["odd", "portrait", "grey", "jpeg", "one pixel wide", "one pixel high", "one pixel"]
CAMERA = {"fx": 40.0, "fy": 42.0, "cx": 33.0, "cy": 21.0}


def expert(models: Path, family: str, **options: Any) -> Any:
    return loaded_expert("depth", ExpertSpec(family=family, model=str(models / family), options=options))


def reference(models: Path, family: str, image: Image.Image) -> dict[str, Any]:
    """Return transformers' own `predicted_depth` (h, w) in m, and its field of view where it has one."""
    processor = AutoImageProcessor.from_pretrained(models / family)
    model = AutoModelForDepthEstimation.from_pretrained(models / family).eval()
    with torch.no_grad():
        outputs = model(**processor(images=image, return_tensors="pt"))
    size = [(image.height, image.width)]
    sizes = {"source_sizes": size} if family == "zoedepth" else {"target_sizes": size}
    (done,) = processor.post_process_depth_estimation(outputs, **sizes)
    return {**done, "predicted_depth": done["predicted_depth"].reshape(size[0]).numpy()}


def depth_mm(prediction: dict[str, Any]) -> np.ndarray:
    depth = cv2.imdecode(np.frombuffer(prediction["depth"], np.uint8), cv2.IMREAD_UNCHANGED)
    assert depth.dtype == np.uint16
    return depth


def assert_equal_m(found_mm: np.ndarray, wanted_m: np.ndarray) -> None:
    assert found_mm.shape == wanted_m.shape
    inside = (wanted_m > 0.001) & (wanted_m < 65.53)
    assert inside.mean() > 0.5, "the small model gives depths that can be stored"
    # half a millimetre of rounding, and what single precision makes of sums in another order
    assert (np.abs(found_mm[inside] / 1000.0 - wanted_m[inside]) <= 0.00051 + 1e-5 * wanted_m[inside]).all()
    assert (found_mm[(wanted_m < 0.0004) | (wanted_m > 65.54)] == 0).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_depth_is_that_of_transformers_or_the_image_is_too_thin(models: Path, family: str) -> None:
    names = [*NAMES, "8k"] if family == "depth_anything" else NAMES
    rows = [named(name) for name in names]
    for name, row, done in zip(names, rows, expert(models, family, batch_size=4).predict(rows), strict=True):
        try:
            wanted = reference(models, family, upright(row))
        except (RuntimeError, ValueError):
            assert "one pixel" in name and family != "depth_pro", name
            assert isinstance(done, RowRejected), name
            assert (done.outcome, done.reason) == (Outcome.FILTERED, Reason.IMAGE_TOO_THIN)
            assert "px is too thin for" in str(done)
            continue
        assert not isinstance(done, Exception), done
        assert_equal_m(depth_mm(done), wanted["predicted_depth"])
        assert done["depth_src"].endswith(family) and done["scale_ok"] is True


@pytest.mark.parametrize("orientation", range(1, 9))
def test_depth_lies_on_the_upright_image_whatever_the_orientation(models: Path, orientation: int) -> None:
    taken = image_row(67, 43, 2, orientation)
    (done,) = expert(models, "zoedepth").predict([taken])
    width, height = (67, 43) if orientation < 5 else (43, 67)
    assert depth_mm(done).shape == (height, width)
    assert (done["camera"]["cx"], done["camera"]["cy"]) == ((width - 1) / 2, (height - 1) / 2)
    assert_equal_m(depth_mm(done), reference(models, "zoedepth", upright(taken))["predicted_depth"])


@pytest.mark.parametrize("family", FAMILIES)
def test_small_models_tell_images_and_pixels_apart(models: Path, family: str) -> None:
    first, second = (depth_mm(d) for d in expert(models, family).predict([image_row(67, 43, s) for s in (0, 1)]))
    assert len(np.unique(first)) > 20 and (first != second).mean() > 0.5


def test_intrinsics_come_from_the_crawl_or_a_stated_prior(models: Path) -> None:
    gravity = [0.0, 1.0, 0.0]
    rows = [image_row(67, 43), image_row(43, 67), image_row(67, 43, camera=CAMERA, gravity=gravity)]
    wide, tall, carried = expert(models, "depth_anything").predict(rows)
    assert wide["camera_src"] == tall["camera_src"] == "prior"
    assert 2 * math.degrees(math.atan(33.5 / wide["camera"]["fx"])) == pytest.approx(60.0)
    assert wide["camera"] == {"fx": wide["camera"]["fx"], "fy": wide["camera"]["fx"], "cx": 33.0, "cy": 21.0}
    assert tall["camera"] == {"fx": wide["camera"]["fx"], "fy": wide["camera"]["fx"], "cx": 21.0, "cy": 33.0}
    # A degree more or less changes the focal length by what the fold says.
    focal = [33.5 / math.tan(math.radians(angle / 2)) for angle in (59.5, 60.5)]
    slope = (focal[0] - focal[1]) / wide["camera"]["fx"]
    assert wide["focal_sigma_rel"] == pytest.approx(10 * slope, rel=1e-3)
    assert wide["scale_sigma_rel"] == pytest.approx(math.hypot(0.1, 10 * slope), rel=1e-3)
    assert wide["sigma_rel"] == 0.1
    assert (wide["gravity"], wide["gravity_src"], wide["gravity_sigma_deg"]) == (None, "none", None)
    assert (carried["camera"], carried["camera_src"], carried["sigma_rel"]) == (CAMERA, "crawl", 0.1)
    assert (carried["scale_sigma_rel"], carried["focal_sigma_rel"]) == (0.1, 0.0)
    assert (carried["gravity"], carried["gravity_src"], carried["gravity_sigma_deg"]) == (gravity, "imu", 1.0)


@pytest.mark.parametrize("orientation", [1, 6])
def test_depth_pro_gives_the_intrinsics_that_go_with_its_depth(models: Path, orientation: int) -> None:
    taken = image_row(67, 43, orientation=orientation)
    (done,) = expert(models, "depth_pro").predict([taken])
    wanted = reference(models, "depth_pro", upright(taken))
    assert done["camera_src"] == "model" and done["sigma_rel"] == 0.1
    assert done["camera"]["fx"] == done["camera"]["fy"] == pytest.approx(float(wanted["focal_length"]), rel=1e-5)
    middle = (33.0, 21.0) if orientation == 1 else (21.0, 33.0)
    assert (done["camera"]["cx"], done["camera"]["cy"]) == middle


@pytest.mark.parametrize("orientation", [1, 8])
def test_depth_pro_takes_the_focal_length_that_the_crawl_carries(models: Path, orientation: int) -> None:
    plain = image_row(67, 43, orientation=orientation)
    (done,) = expert(models, "depth_pro").predict([{**plain, "camera": CAMERA}])
    own = reference(models, "depth_pro", upright(plain))
    # Inverse depth is in units of the focal length: depth grows with it.
    assert_equal_m(depth_mm(done), own["predicted_depth"] * CAMERA["fx"] / float(own["focal_length"]))
    assert (done["camera"], done["camera_src"]) == (CAMERA, "crawl")


def spoiled(models: Path, family: str, value: float, tmp_path: Path, *names: str) -> Any:
    """Return the expert with a model whose named parameters are multiplied by `value`."""
    model = AutoModelForDepthEstimation.from_pretrained(models / family)
    with torch.no_grad():
        for key, weights in model.named_parameters():
            if key in names:
                weights.mul_(value)
    model.save_pretrained(tmp_path)
    AutoImageProcessor.from_pretrained(models / family).save_pretrained(tmp_path)
    return loaded_expert("depth", ExpertSpec(family=family, model=str(tmp_path)))


@pytest.mark.parametrize(
    ("family", "value", "name"),
    [
        ("depth_anything", math.nan, "head.conv3.bias"),
        ("depth_pro", math.inf, "head.layers.4.bias"),
        ("depth_pro", math.nan, "fov_model.head.layers.4.bias"),
        ("depth_pro", -1.0, "fov_model.head.layers.4.bias"),
        ("depth_pro", 0.0, "fov_model.head.layers.4.bias"),
    ],
)
def test_output_that_is_no_depth_is_rejected(
    models: Path, tmp_path: Path, family: str, value: float, name: str
) -> None:
    (done,) = spoiled(models, family, value, tmp_path, name).predict([image_row(67, 43)])
    assert isinstance(done, RowRejected), done
    assert (done.outcome, done.reason) == (Outcome.FAILED, Reason.MODEL_OUTPUT_INVALID)


def test_one_pixel_that_is_no_number_rejects_its_image_and_no_other(models: Path) -> None:
    depth = expert(models, "depth_anything", batch_size=3)
    prepared = [depth.prepared(image_row(67, 43, seed)) for seed in range(3)]
    prepared[1].inputs["pixel_values"][0, 0, 3, 3] = math.nan
    results = depth.predict_prepared(prepared)
    assert [isinstance(one, RowRejected) for one in results] == [False, True, False]
    assert results[1].reason == Reason.MODEL_OUTPUT_INVALID


def test_what_cannot_be_stored_is_none_and_an_image_of_nothing_else_says_so(models: Path, tmp_path: Path) -> None:
    taken = image_row(67, 43)
    last = ("head.layers.4.weight", "head.layers.4.bias")
    far = spoiled(models, "depth_pro", 0.1, tmp_path / "far", *last)
    wanted = reference(tmp_path, "far", upright(taken))["predicted_depth"]
    (done,) = far.predict([taken])
    none = depth_mm(done) == 0
    assert none.any() and not none.all()
    assert (none == (wanted > 65.5355)).mean() > 0.999
    (done,) = spoiled(models, "depth_pro", 0.01, tmp_path / "beyond", *last).predict([taken])
    assert isinstance(done, RowRejected) and (done.outcome, done.reason) == (Outcome.FILTERED, Reason.NO_DEPTH)
    assert "65.535 m" in str(done)


def test_memory_that_runs_out_lowers_the_batch_and_changes_no_depth(models: Path) -> None:
    rows = [image_row(67, 43, seed) for seed in range(7)]
    wanted = [one["depth"] for one in expert(models, "depth_anything", batch_size=1).predict(rows)]
    cramped = expert(models, "depth_anything", batch_size=7)
    forward, tried = cramped.model.forward, []

    def forward_of_two(pixel_values: torch.Tensor, **others: Any) -> Any:
        tried.append(len(pixel_values))
        if len(pixel_values) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return forward(pixel_values, **others)

    cramped.model.forward = forward_of_two
    found = cramped.predict(rows)
    assert tried == [7, 4, 2, 2, 2, 1]
    for one, depth in zip(found, wanted, strict=True):
        alone = cv2.imdecode(np.frombuffer(depth, np.uint8), cv2.IMREAD_UNCHANGED)
        assert np.abs(depth_mm(one).astype(int) - alone).max() <= 1
    tried.clear()
    cramped.predict(rows[:2])
    assert tried == [2]


def test_depth_without_metres_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    small_models.depth_anything(tmp_path / "relative", kind="relative")
    small_models.depth_pro(tmp_path / "without", with_fov=False)
    with pytest.raises(ModelUnavailable, match="estimates relative depth, not meters"):
        loaded_expert("depth", ExpertSpec(family="depth_anything", model=str(tmp_path / "relative")))
    with pytest.raises(ModelUnavailable, match="no head for the field of view"):
        loaded_expert("depth", ExpertSpec(family="depth_pro", model=str(tmp_path / "without")))
