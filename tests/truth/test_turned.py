"""The exact scene of a crawl whose image file is turned is that of its upright copy."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jobs.views.truth_slots import exact_scene
from scenes.crawl import write_crawl
from scenes.truth.measure import png_pixels, read_manifest, read_scene
from tests.pixels import turned


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("room")
    write_crawl(str(folder), count=1, seed=3, width=160, height=120)
    return folder


@pytest.mark.parametrize("tag", turned.TAGS)
def test_exact_scenes_are_upright(crawl: Path, tmp_path: Path, tag: int) -> None:
    (row,) = read_manifest(crawl)
    rgb = np.asarray(Image.open(crawl / row["image"]))
    (tmp_path / "image.png").write_bytes(turned.file(tag, rgb))
    for name in ("depth", "instances"):
        (tmp_path / f"{name}.png").write_bytes(turned.png(turned.pixels(tag, png_pixels(crawl / row[name]))))

    stored = {
        **{"image": "image.png", "depth": "depth.png", "instances": "instances.png"},
        "camera": turned.camera(tag, row["camera"], (160, 120)),
        "gravity": turned.vector(tag, row["gravity"]),
        "objects": [turned.thing(tag, one) for one in row["objects"]],
        # The height of the camera is all that is read from a pose; its rotation is that of some other camera.
        "pose": np.reshape(row["pose"], (4, 4)).tolist(),
    }
    found, wanted = exact_scene(tmp_path, json.loads(json.dumps(stored))), read_scene(crawl, row)
    assert found.objects.keys() == wanted.objects.keys() and len(wanted.objects) > 3
    for ours, theirs in zip(found.objects.values(), wanted.objects.values(), strict=True):
        assert np.allclose(ours.center, theirs.center) and np.allclose(ours.lo, theirs.lo)
        assert (ours.box is None) == (theirs.box is None)
        if ours.box is not None and theirs.box is not None:
            assert np.allclose(ours.box.size, theirs.box.size) and ours.box.top == pytest.approx(theirs.box.top)
