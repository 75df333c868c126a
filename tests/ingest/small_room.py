"""A room of boxes on a floor before a wall, cast ray by ray: exact depth, masks, boxes and gravity of one image."""

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.manifest import ManifestRow
from tests.ingest.pictures import encoded, pixels
from udfs.crawl.fetch import Fetched
from udfs.crawl.limits import IngestSettings
from udfs.stages.ingest import ingest_row

Array = NDArray[np.float64]

# Centers and sizes in m, in a frame with x right, y forward and z up, the camera 1.4 m above the origin.
_BOXES = {
    1: ("crate", (-0.45, 1.9, 0.25), (0.5, 0.5, 0.5)),
    2: ("carton", (0.35, 2.3, 0.4), (0.6, 0.4, 0.8)),
    3: ("stool", (0.95, 2.0, 0.22), (0.35, 0.35, 0.44)),
    4: ("trunk", (-0.1, 1.45, 0.12), (0.4, 0.3, 0.24)),
}
_WALL_M, _HEIGHT_M, _PITCH_DEG = 3.2, 1.4, 25.0


@dataclass
class SmallRoom:
    """What a crawl carries about the room; depth (h, w) in mm, instance map (h, w), the row without URIs."""

    width: int = 160
    height: int = 120
    focal_px: float = 130.0
    depth_mm: NDArray[np.uint16] = field(init=False)
    labels: NDArray[np.uint8] = field(init=False)
    row: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        cx, cy = (self.width - 1) / 2, (self.height - 1) / 2
        v, u = np.indices((self.height, self.width))
        rays_c = np.stack([(u - cx) / self.focal_px, (v - cy) / self.focal_px, np.ones_like(u, float)], axis=-1)
        world_from_c = _world_from_camera()
        rays = rays_c @ world_from_c.T
        depth_m, self.labels = _cast(rays)
        self.depth_mm = np.rint(depth_m * 1000).astype(np.uint16)
        self.row = {
            "camera": {"fx": self.focal_px, "fy": self.focal_px, "cx": cx, "cy": cy},
            "gravity": (world_from_c.T @ (0, 0, -1)).tolist(),
            "objects": [_object(one, world_from_c) for one in _BOXES],
        }

    def files(self, seed: int = 0) -> dict[str, bytes]:
        """Return image, depth map and instance map."""
        image = encoded(pixels(seed, self.width, self.height))
        return {"image": image, "depth": encoded(self.depth_mm, "PNG"), "instances": encoded(self.labels, "PNG")}


def _world_from_camera() -> Array:
    sin, cos = np.sin(np.deg2rad(_PITCH_DEG)), np.cos(np.deg2rad(_PITCH_DEG))
    return np.array([[1, 0, 0], [0, -sin, cos], [0, -cos, -sin]])


def _cast(rays: Array) -> tuple[Array, NDArray[np.uint8]]:
    """Return depth in m and the id of the nearest box; rays have depth 1 in the camera frame."""
    with np.errstate(divide="ignore", invalid="ignore"):
        floor = np.where(rays[..., 2] < 0, -_HEIGHT_M / rays[..., 2], np.inf)
        depth = np.minimum(floor, _WALL_M / rays[..., 1])
        labels = np.zeros(depth.shape, np.uint8)
        for one, (_, center, size) in _BOXES.items():
            middle = np.array(center) - (0, 0, _HEIGHT_M)
            ends = np.stack([(middle + side * np.array(size) / 2) / rays for side in (-1, 1)])
            enter, leave = ends.min(axis=0).max(axis=-1), ends.max(axis=0).min(axis=-1)
            hit = (enter < leave) & (enter > 0) & (enter < depth)
            depth, labels = np.where(hit, enter, depth), np.where(hit, one, labels).astype(np.uint8)
    return depth, labels


def _object(one: int, world_from_c: Array) -> dict[str, Any]:
    label, center, size = _BOXES[one]
    middle = world_from_c.T @ (np.array(center) - (0, 0, _HEIGHT_M))
    box = {"center": middle.tolist(), "size": list(size), "rotation": world_from_c.T.tolist()}
    return {"id": one, "label": label, "captions": [f"wooden {label}"], "box_3d": box}


def ingested(row: dict[str, Any], files: dict[str, Any]) -> dict[str, Any]:
    """The output row of ingest for a manifest row whose files were read."""
    entry = {"entry_id": "e", "uri": "file:/room", "member": None, "ingest_shard": 0}
    maps = {name: files.get(name) for name in ("depth", "instances")}
    fetched = Fetched(entry, ManifestRow.model_validate({"image": "room", **row}), files["image"], **maps)
    return ingest_row(fetched, IngestSettings())


ROOM = SmallRoom()


def checked(depth: NDArray[Any] | None = None, **change: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The row that ingest makes, and its errors by reason."""
    files = ROOM.files()
    if depth is not None:
        files["depth"] = encoded(depth.astype(np.uint16), "PNG")
    row = ingested({**copy.deepcopy(ROOM.row), **change}, files)
    return row, {reject["reason"]: reject["error"] for reject in row["rejects"]}


def without_boxes() -> list[dict[str, Any]]:
    return [{**item, "box_3d": None} for item in ROOM.row["objects"]]
