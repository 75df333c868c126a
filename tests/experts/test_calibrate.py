"""`calibrate`: factors and errors that were put into the depth come out of the fit, and the profile has them."""

import json
import shutil

import cv2
import numpy as np
import pytest
import yaml

from jobs.calibrating.command import calibrate
from jobs.calibrating.fit import before, fitted, kept_aside, pair_of
from jobs.engine.errors import UsageError
from jobs.engine.settings import load_settings
from scenes.crawl import write_crawl
from tests.command import invoke
from tests.experts.builtin_network import small_spec
from udfs.experts.expert import PROFILES, loaded_expert
from udfs.pixels.maps import decoded_map

ROOMS, SIZE = 12, (96, 72)
SIGMAS = 1.2816


def pairs_of(count, rng, factor=1.0, scale_sigma=0.0, local_sigma=0.0, focal=1.0):
    """Return pairs of depth in which the truth differs from the prediction by known errors."""
    found = []
    for number in range(count):
        predicted = np.full((80, 80), 2000.0)
        true = predicted * factor * np.exp(rng.normal(0, scale_sigma))
        cells = np.exp(rng.normal(0, local_sigma, (8, 8)))
        true = true * np.kron(cells / np.median(cells), np.ones((10, 10)))
        found.append(
            pair_of(
                predicted.astype(np.uint16), np.rint(true).astype(np.uint16), None, group=str(number),
                declared=(0.01, 0.01), focal_px=(100.0 * focal, 100.0),
            )
        )  # fmt: skip
    return found


def test_a_fit_finds_the_errors_that_were_put_in():
    rng = np.random.default_rng(0)
    fit = fitted(pairs_of(400, rng, factor=1.7, scale_sigma=0.2, local_sigma=0.05, focal=1.3))
    assert fit.depth_scale == pytest.approx(1.7, rel=0.04)
    assert fit.scale_sigma_rel == pytest.approx(0.2, rel=0.12)
    assert fit.sigma_rel == pytest.approx(0.05, rel=0.1)
    assert fit.focal_scale == pytest.approx(1.3) and fit.fov_deg == pytest.approx(np.rad2deg(2 * np.arctan(80 / 260)))


def test_one_wrong_image_moves_the_fit_little():
    rng = np.random.default_rng(1)
    pairs = pairs_of(20, rng, factor=1.4, scale_sigma=0.03)
    wrong = pairs_of(1, rng, factor=20.0)
    assert fitted([*pairs, *wrong]).depth_scale == pytest.approx(fitted(pairs).depth_scale, rel=0.02)


def test_images_kept_aside_are_measured_with_a_fit_of_the_others():
    rng = np.random.default_rng(2)
    pairs = pairs_of(60, rng, factor=0.5, scale_sigma=0.1)
    now, then = before(pairs), kept_aside(pairs)
    assert now.abs_rel == pytest.approx(1.0, abs=0.15) and now.coverage < 0.1
    assert then.abs_rel < 0.12 and 0.7 < then.coverage < 0.9
    # Errors of one image each cannot be predicted from the others.
    lone = [*pairs_of(5, rng), *pairs_of(1, rng, factor=3.0)]
    assert kept_aside(lone).abs_rel == pytest.approx(abs(1 / 3 - 1) / 6, abs=0.01)


@pytest.fixture(scope="module")
def crawl(tmp_path_factory):
    out = tmp_path_factory.mktemp("crawl")
    write_crawl(str(out), ROOMS, 31, width=SIZE[0], height=SIZE[1], min_object_px=20)
    rows = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    # Ingest drops depth that contradicts the objects' boxes.
    bare = [{**row, "objects": [{"id": one["id"], "label": one["label"]} for one in row["objects"]]} for row in rows]
    (out / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in bare))
    return out


def settings_of(spec):
    profile = {slot: spec.model_dump() for slot in ("filter", "context", "depth")}
    return load_settings({"lake": ".", "experts": {"name": "small", **profile}}, None, [])


def test_the_written_profile_predicts_the_true_scale(crawl, tmp_path):
    larger = tmp_path / "larger"
    shutil.copytree(crawl, larger)
    for path in (larger / "depth").rglob("*.png"):
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED) // 4)
    out = tmp_path / "calibrated.yaml"
    settings = settings_of(small_spec(tmp_path))
    found = calibrate(settings, str(larger), out, 100)
    plain = calibrate(settings, str(crawl), tmp_path / "plain.yaml", 100)
    assert found.images == ROOMS and found.left_out == 0
    assert found.fit.depth_scale == pytest.approx(plain.fit.depth_scale / 4, rel=0.01)
    assert found.after.abs_rel < found.before.abs_rel
    profile = load_settings({"lake": ".", "experts": str(out)}, None, []).profile()
    assert profile.depth.options["depth_scale"] == pytest.approx(found.fit.depth_scale, rel=1e-3)
    assert profile.depth.options["scale_sigma_rel"] == pytest.approx(found.fit.scale_sigma_rel, rel=1e-3)
    errors = []
    for line in (larger / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        image = {"bytes": (larger / row["image"]).read_bytes(), "camera": row["camera"]}
        (predicted,) = loaded_expert("depth", profile.depth).predict([image])
        true = decoded_map((larger / row["depth"]).read_bytes())
        errors.append(np.median(np.log(true / decoded_map(predicted["depth"]))))
        assert predicted["sigma_rel"] == pytest.approx(found.fit.sigma_rel, rel=1e-3)
    assert abs(np.median(errors)) < 0.01


def test_what_cannot_be_calibrated_is_said(crawl, tmp_path):
    out = tmp_path / "out.yaml"
    with pytest.raises(UsageError, match="The depth family sensor has nothing to calibrate; name a profile"):
        calibrate(load_settings({"lake": "."}, None, []), str(crawl), out, 10)
    with pytest.raises(UsageError, match="has 3 images or sequences with depth, and a calibration needs 6"):
        calibrate(settings_of(small_spec(tmp_path)), str(crawl), out, 3)
    assert not out.exists()


def test_the_command_writes_a_profile(crawl, tmp_path):
    out = tmp_path / "calibrated.yaml"
    told = invoke("calibrate", "--crawl", crawl, "--out", out, "--limit", 8)
    assert "Depth of 8 images" in told and "in 80 % intervals" in told and f"--experts {out}" in told
    written = yaml.safe_load(out.read_text())
    assert {"depth_scale", "scale_sigma_rel"} <= written["depth"]["options"].keys()
    assert written["filter"] == {"family": "builtin", "revision": PROFILES["builtin"].filter.revision}
