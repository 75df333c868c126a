"""The rendered room behind an exact image: its whole mesh, also where the image does not show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenes.room_images import BuiltRoom, built_room
from scenes.scene import BACKGROUND, Scene
from scenes.settings import RenderSettings

Array = NDArray[Any]
_ATTEMPTS = 50
_SAME_POSE = 1e-6
_PREFIX = "render-"
_MAX_HITS = 30
_STEP_M = 1e-4


@dataclass(frozen=True, eq=False)
class ExactRoom:
    """A room as it was rendered. Points are given in frame W of the image; `to_world` [4, 4] takes them to the room."""

    built: BuiltRoom
    to_world: Array

    @property
    def scene(self) -> Scene:
        """Return the mesh."""
        return self.built.scene

    @cached_property
    def _ids(self) -> dict[int, int]:
        return {index: int(number) for index, number in enumerate(self.built.ids)}

    def world(self, points: Array) -> Array:
        """Return points (n, 3) of W in the room, m."""
        return points @ self.to_world[:3, :3].T + self.to_world[:3, 3]

    def wall_distance_m(self, points: Array, toward: Array) -> float:
        """Return the smallest distance of points (n, 3) from the wall that lies most in a direction [2] of W, m."""
        direction = self.to_world[:2, :2] @ toward
        axis = int(np.argmax(np.abs(direction)))
        along = self.world(points)[:, axis]
        return float((self.scene.room.size_m[axis] - along if direction[axis] > 0 else along).min())

    def beneath(self, points: Array) -> tuple[Array, Array]:
        """Return for points (n, 3) how far below them something is, m, and the id of that object, 0 for the room."""
        world = self.world(points).astype(np.float32)
        down = np.tile(np.array([0.0, 0.0, -1.0], np.float32), (len(world), 1))
        distance, owner = self._first(world, down)
        return distance, owner

    def blocked(self, start: Array, end: Array, but: tuple[int, ...]) -> bool:
        """Return whether anything but some objects lies on the line between two points [3]."""
        one, two = self.world(np.stack([start, end]))
        length = float(np.linalg.norm(two - one))
        direction = ((two - one) / length)[None].astype(np.float32)
        travelled = 0.0
        for _ in range(_MAX_HITS):
            origin = (one + travelled * direction[0])[None].astype(np.float32)
            distance, owner = self._first(origin, direction)
            travelled += float(distance[0]) + _STEP_M
            if travelled >= length:
                return False
            if int(owner[0]) not in but:
                return True
        return False

    def _first(self, origins: Array, directions: Array) -> tuple[Array, Array]:
        hits = self.scene.cast_from(origins, directions)
        hit = hits.face >= 0
        index = np.where(hit, self.scene.face_object[np.where(hit, hits.face, 0)], BACKGROUND)
        owner = np.array([self._ids.get(int(one), 0) for one in index])
        return np.where(hit, hits.z, np.inf).astype(float), owner


def rebuilt(row: Mapping[str, Any], size_px: tuple[int, int], rotation: Array, height_m: float) -> ExactRoom | None:
    """Return the room of a manifest row, its frame W given as the rotation C -> W; None if it is no rendered room.

    Only single images: a camera path depends on how many frames it has.
    """
    name = str(row.get("crawl_id") or "")
    if not name.startswith(_PREFIX) or row.get("pose") is None or row.get("sequence_id"):
        return None
    index = int(str(row["image"]).rsplit("/", 1)[-1].split("-")[0])
    pose = np.asarray(row["pose"], dtype=np.float64).reshape(4, 4)
    settings = RenderSettings(
        out=".", seed=int(name.removeprefix(_PREFIX)), width=size_px[0], height=size_px[1], doorways="doorways" in row
    )
    for attempt in range(_ATTEMPTS):
        built = built_room(settings, index, attempt)
        if built is not None and np.abs(built.cameras[0].pose - pose).max() < _SAME_POSE:
            to_world = np.eye(4)
            to_world[:3, :3] = pose[:3, :3] @ rotation.T
            to_world[:3, 3] = pose[:3, 3] - to_world[:3, :3] @ [0.0, 0.0, height_m]
            return ExactRoom(built, to_world)
    return None
