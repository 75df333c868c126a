"""Focal lengths of EXIF in every depth expert: after the crawl's intrinsics, before estimates and priors."""

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from tests.experts.builtin_network import small_spec
from tests.experts.image_rows import image_row
from udfs.experts.expert import SENSOR, ExpertSpec, loaded_expert

EXIF = {"exif_focal_px": 50.0, "exif_focal_sigma_rel": 0.05}
CAMERA = {"fx": 40.0, "fy": 42.0, "cx": 33.0, "cy": 21.0}
FROM_EXIF = {"fx": 50.0, "fy": 50.0, "cx": 33.0, "cy": 21.0}


def depth_of(prediction: dict[str, Any]) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(prediction["depth"], np.uint8), cv2.IMREAD_UNCHANGED).astype(float)


@pytest.fixture(scope="module")
def specs(models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ExpertSpec]:
    torch.set_num_threads(1)
    learned = {
        name: ExpertSpec(family=name, model=str(models / name)) for name in ("depth_anything", "depth_pro", "zoedepth")
    }
    return {"sensor": SENSOR, "builtin": small_spec(tmp_path_factory.mktemp("weights")), **learned}


@pytest.mark.parametrize("family", ["sensor", "builtin", "depth_anything", "depth_pro", "zoedepth"])
def test_exif_stands_between_the_crawl_and_estimates(specs: dict[str, ExpertSpec], family: str) -> None:
    depth = cv2.imencode(".png", np.full((43, 67), 900, np.uint16))[1].tobytes()
    plain = {**image_row(67, 43), "depth": depth, "width": 67, "height": 43}
    expert = loaded_expert("depth", specs[family])
    told, carried, bare = expert.predict([{**plain, **EXIF}, {**plain, **EXIF, "camera": CAMERA}, plain])
    assert (told["camera"], told["camera_src"], told["focal_sigma_rel"]) == (FROM_EXIF, "exif", 0.05)
    assert (carried["camera"], carried["camera_src"], carried["focal_sigma_rel"]) == (CAMERA, "crawl", 0.0)
    # Lengths across the image are as wrong as the focal length, on top of the scale's own error.
    own = carried["scale_sigma_rel"]
    assert told["scale_sigma_rel"] == pytest.approx(math.hypot(own, 0.05), rel=1e-3)
    if family == "sensor":
        assert bare.reason == "no_intrinsics" and np.array_equal(depth_of(told), depth_of(carried))
    else:
        assert bare["camera_src"] in ("model", "prior")


def test_depth_in_units_of_the_focal_length_follows_that_of_exif(specs: dict[str, ExpertSpec]) -> None:
    for family in ("builtin", "depth_pro"):
        expert = loaded_expert("depth", specs[family])
        near, far = expert.predict([image_row(67, 43, **{**EXIF, "exif_focal_px": focal}) for focal in (50.0, 100.0)])
        ratio = depth_of(far) / depth_of(near)
        np.testing.assert_allclose(np.median(ratio), 2.0, rtol=0.02)


def test_the_sensor_filter_counts_exif_as_intrinsics() -> None:
    row = {"has_depth": True, "camera": None, "objects": [{"label": "cup", "captions": []}]}
    told, bare = loaded_expert("filter", SENSOR).predict([{**row, **EXIF}, row])
    assert told["scores"]["spatial"] == told["scores"]["has_intrinsics"] == 1.0
    assert bare["scores"]["spatial"] == bare["scores"]["has_intrinsics"] == 0.0
