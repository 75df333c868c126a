"""One image in memory: the ways to give it, and sentences for what cannot be measured."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import spatiallake
from tests.pixels import turned

CAMERA = {"fx": 160.0, "fy": 160.0, "cx": 79.5, "cy": 59.5}
# Two fronto-parallel boards, 1.5 m and 3 m away; the wall behind them is at 4 m.
NEAR, FAR = (slice(40, 80), slice(20, 60)), (slice(40, 80), slice(100, 140))


def boards() -> dict[str, Any]:
    depth = np.full((120, 160), 4.0)
    depth[NEAR], depth[FAR] = 1.5, 3.0
    ids = np.zeros((120, 160), np.uint8)
    ids[NEAR], ids[FAR] = 1, 2
    return {"depth": depth, "masks": ids, "objects": ["red board", "blue board"], "camera": CAMERA}


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def image() -> bytes:
    return png(np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8))


def test_objects_are_as_far_and_as_wide_as_the_scene_was_made(image: bytes) -> None:
    near, far = spatiallake.measure(image, **boards(), gravity=[0, 1, 0]).objects
    assert [near["label"], far["label"]] == ["red board", "blue board"]
    assert near["depth_m"] == pytest.approx(1.5, abs=0.01)
    assert far["depth_m"] == pytest.approx(3.0, abs=0.01)
    # 40 px at 1.5 m and a focal length of 160 px; 2 % of the points at either end are left out.
    assert near["hi_m"][2] - near["lo_m"][2] == pytest.approx(40 * 1.5 / 160, rel=0.1)


def test_every_way_to_give_an_image_measures_the_same(image: bytes, tmp_path: Path) -> None:
    given = boards()
    (tmp_path / "image.png").write_bytes(image)
    (tmp_path / "depth.png").write_bytes(png((given["depth"] * 1000).astype(np.uint16)))
    (tmp_path / "ids.png").write_bytes(png(given["masks"]))
    files = {"depth": tmp_path / "depth.png", "masks": str(tmp_path / "ids.png")}
    stack: dict[str, Any] = {"masks": [given["masks"] == 1, given["masks"] == 2]}
    first = spatiallake.measure(image, **given)
    assert first.answers
    for other in (
        spatiallake.measure(tmp_path / "image.png", **given | files),
        spatiallake.measure(str(tmp_path / "image.png"), **given | stack),
        spatiallake.measure(image, **given, experts="sensor"),
    ):
        assert other.scene == first.scene
        assert other.answers == first.answers


def test_a_pillow_image_is_measured(image: bytes) -> None:
    measured = spatiallake.measure(Image.open(io.BytesIO(image)), **boards())
    assert len(measured.objects) == 2


@pytest.mark.parametrize("tag", turned.TAGS)
def test_a_turned_image_measures_as_its_upright_copy(image: bytes, tag: int) -> None:
    rgb = np.asarray(Image.open(io.BytesIO(image)))
    given = boards()
    stored = {
        "depth": turned.pixels(tag, np.rint(given["depth"] * 1000).astype(np.uint16)) / 1000,
        "masks": turned.pixels(tag, given["masks"]),
        "camera": turned.camera(tag, CAMERA, (160, 120)),
        "gravity": turned.vector(tag, (0, 1, 0)),
    }
    upright = spatiallake.measure(image, **given, gravity=[0, 1, 0])
    data = turned.file(tag, rgb, "WEBP")
    for one in (data, Image.open(io.BytesIO(data))):
        measured = spatiallake.measure(one, **{**given, **stored})
        assert measured.notes == []
        for ours, theirs in zip(measured.objects, upright.objects, strict=True):
            for name in ("center_m", "lo_m", "hi_m", "u_norm"):
                assert ours[name] == pytest.approx(theirs[name]), name


def test_settings_are_those_of_the_stages(image: bytes) -> None:
    with pytest.raises(spatiallake.ImageRejected) as rejected:
        spatiallake.measure(image, **boards(), settings={"lift": {"min_points": 100_000, "min_points_sparse": 100_000}})
    assert rejected.value.reason == "no_objects"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"depth": np.ones((60, 80))}, "resample the depth map"),
        ({"camera": {"fx": -1, "fy": 1, "cx": 0, "cy": 0}}, "fx"),
        ({"masks": np.zeros((3, 120, 160), bool)}, "3 masks and 2 objects"),
        ({"mask": None}, "measure takes no 'mask'"),
        ({"experts": "no-such-profile"}, "no-such-profile"),
        ({"settings": {"lift": {"min_pionts": 3}}}, "min_pionts"),
    ],
)
def test_what_cannot_be_used_is_named(image: bytes, change: dict[str, Any], words: str) -> None:
    with pytest.raises(spatiallake.SpatialLakeError, match=words):
        spatiallake.measure(image, **boards() | change)


@pytest.mark.parametrize("bad", [b"", b"GIF89a, an animation", Path("/no/such/image.jpg")])
def test_what_is_no_image_is_rejected_with_a_reason(bad: Any) -> None:
    with pytest.raises(spatiallake.ImageRejected) as rejected:
        spatiallake.measure(bad, **boards())
    assert rejected.value.reason in ("truncated_image", "unsupported_format", "missing_file")


def test_unused_parts_are_noted(image: bytes) -> None:
    given = boards()
    given["objects"] = [*given["objects"], "a board that has no mask"]
    measured = spatiallake.measure(image, **given)
    assert len(measured.objects) == 2
    assert "Objects 3 have no pixel" in measured.notes[0]
