"""Rows of `images` of a rendered camera path: what the engine reads of each frame."""

from typing import Any

import numpy as np

from scenes.captions import captions
from scenes.crawl import object_row
from scenes.paths import CameraPath
from scenes.sensor_images import encoded


def image_rows(path: CameraPath, boxes: bool = False) -> list[dict[str, Any]]:
    """Return one row per frame, with the crawl's own boxes if asked for; ids are those of the path's objects."""
    rows = []
    for number, frame in enumerate(path.frames):
        camera = frame.camera
        shown = [int(one) for one in np.unique(frame.instances) if one]
        items = {one: frame.room.objects[path.ids.index(one)] for one in shown}
        focal, (cx, cy) = camera.focal_px, camera.center_px
        nothing = {"box_3d": None, "front": None}
        rows.append(
            {
                "image_id": f"{abs(hash_of(path.name)) + number:064x}",
                "ingest_shard": 0,
                "width": camera.size_px[0],
                "height": camera.size_px[1],
                "depth": encoded(frame.depth_mm),
                "instances": encoded(frame.instances),
                "camera": {"fx": focal, "fy": focal, "cx": cx, "cy": cy},
                "gravity": camera.gravity.tolist(),
                "pose": camera.pose.ravel().tolist(),
                "objects": [
                    object_row(one, item, camera)
                    if boxes
                    else {"id": one, "label": item.label, "captions": captions(item), **nothing}
                    for one, item in items.items()
                ],
                "sequence_id": path.name,
                "frame_index": number,
                "licence": None,
            }
        )
    return rows


def hash_of(name: str) -> int:
    """Return a number that tells paths apart."""
    return int.from_bytes(name.encode()[-12:], "big") << 32
