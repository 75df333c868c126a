"""Small rows of `images`, and their way into a lake."""

import hashlib
from typing import Any

import cv2
import numpy as np

from jobs.engine.lake import Lake
from schemas.images import IMAGES
from schemas.table import ENGINE_VERSION

WIDTH, HEIGHT = 32, 24


def png(array: np.ndarray) -> bytes:
    ok, data = cv2.imencode(".png", array)
    assert ok
    return data.tobytes()


def image_row(number: int, shard: int = 0, **changes: Any) -> dict[str, Any]:
    """One image with two objects, a depth map and intrinsics; `changes` replace columns."""
    instances = np.zeros((HEIGHT, WIDTH), np.uint8)
    instances[4:12, 3:10] = 1
    instances[10:20, 15:30] = 2
    objects = [
        {"id": 1, "label": "box", "captions": ["red box"], "box_3d": None, "front": None},
        {"id": 2, "label": "chair", "captions": ["blue chair"], "box_3d": None, "front": None},
    ]
    row = {
        "image_id": hashlib.sha256(str(number).encode()).hexdigest(),
        "bytes": b"image",
        "format": "png",
        "width": WIDTH,
        "height": HEIGHT,
        "exif_orientation": 1,
        "phash": "0" * 16,
        "licence": "CC0",
        "alt_text": None,
        "camera": {"fx": 30.0, "fy": 30.0, "cx": 15.5, "cy": 11.5},
        "gravity": [0.0, 1.0, 0.0],
        "pose": None,
        "sequence_id": None,
        "frame_index": None,
        "depth": png(np.full((HEIGHT, WIDTH), 1500 + number, np.uint16)),
        "instances": png(instances),
        "objects": objects,
        "episode_json": None,
        "ingest_shard": shard,
        "engine_version": ENGINE_VERSION,
    }
    return {**row, **changes}


def add_images(lake: Lake, rows: list[dict[str, Any]], version: int = 0) -> None:
    lake.ensure(IMAGES)
    frame = lake.session.createDataFrame(rows, IMAGES.schema).repartitionByRange(3, "ingest_shard")
    lake.append(IMAGES, frame, "test", version)


def ids(lake: Lake, table: Any) -> list[str]:
    return sorted(row["image_id"] for row in lake.read(table).select("image_id").collect())
