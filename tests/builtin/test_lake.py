"""A lake's images as examples: bytes, depth, camera, gravity and objects come back as they went in."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import cv2
import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.cli.train import lake_rows
from jobs.engine.errors import LakeUnreadable
from schemas.images import IMAGES
from tests.experts.builtin_network import row
from vlm.builtin.sources import labeled_image


def png(pixels):
    return cv2.imencode(".png", pixels)[1].tobytes()


def test_images_come_back_with_their_labels(tmp_path):
    rng = np.random.default_rng(0)
    depth = rng.integers(500, 5000, (30, 40), np.uint16)
    ids = np.zeros((30, 40), np.uint8)
    ids[5:20, 5:30] = 3
    camera = {"fx": 40.0, "fy": 40.0, "cx": 19.5, "cy": 14.5}
    full = {
        **row(rng.integers(0, 255, (30, 40, 3), np.uint8), camera),
        "depth": png(depth),
        "instances": png(ids),
        "gravity": [0.0, 1.0, 0.0],
        "objects": [{"id": 3, "label": "chair", "captions": ["red chair"], "box_3d": None, "front": None}],
    }
    bare = row(rng.integers(0, 255, (30, 40), np.uint8))
    empty = dict.fromkeys(IMAGES.schema.names)
    keys = {"format": "png", "width": 40, "height": 30, "engine_version": "test"}
    rows = [
        {**empty, **keys, **full, "image_id": "b", "ingest_shard": 0},
        {**empty, **keys, **bare, "image_id": "a", "ingest_shard": 1},
    ]
    write_deltalake(str(tmp_path / "images"), pa.Table.from_pylist(rows, schema=to_arrow_schema(IMAGES.schema)))
    first, second = map(labeled_image, lake_rows(str(tmp_path)))
    np.testing.assert_allclose(first.depth_m, depth / 1000, atol=1e-6)
    np.testing.assert_array_equal(first.instances, ids)
    assert first.objects == {3: ("chair", ("red chair",))} and first.focal_px == 40 and first.gravity == [0, 1, 0]
    assert second.rgb.shape == (30, 40, 3) and second.depth_m is None and second.focal_px is None


def test_a_missing_lake_is_said(tmp_path):
    with pytest.raises(LakeUnreadable):
        list(lake_rows(str(tmp_path)))
