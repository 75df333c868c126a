"""The exact truth of a rendered camera path: what every frame shows, straight from full-resolution depth and masks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from scenes.paths import CameraPath, PathFrame
from scenes.scene import Scene

Array = NDArray[np.float64]
_SIDES = 24
_BODY_M = np.arange(0.08, 1.8, 0.1)  # heights of a person's body above the floor


@dataclass
class ExactPath:
    """A rendered path; frames are those of the path, by place, and object ids those of its masks."""

    path: CameraPath
    _clouds: dict[int, Array] = field(default_factory=dict)

    def frame(self, number: int) -> PathFrame:
        """Return a frame."""
        return self.path.frames[number]

    def pixels(self, object_id: int, number: int) -> int:
        """Return how many pixels of an object a frame shows."""
        return int(np.count_nonzero(self.frame(number).exact_instances == object_id))

    def points_c(self, object_id: int, number: int) -> Array:
        """Return the visible points (n, 3) of an object in the frame's camera, m."""
        frame = self.frame(number)
        v, u = np.nonzero(frame.exact_instances == object_id)
        return unprojected(frame, u, v)

    def cloud(self, object_id: int) -> Array:
        """Return the points (n, 3) of an object that all frames show, in the world, m."""
        if object_id not in self._clouds:
            parts = [
                world(self.frame(k), self.points_c(object_id, k))
                for k in range(len(self.path.frames))
                if self.pixels(object_id, k)
            ]
            self._clouds[object_id] = np.concatenate(parts)
        return self._clouds[object_id]

    def gap_m(self, a: int, b: int) -> float:
        """Return D_gap of what all frames show of two objects: 1st percentile of nearest distances, m."""
        one, two = self.cloud(a), self.cloud(b)
        return min(
            float(np.percentile(np.asarray(KDTree(two).query(one)[0]), 1)),
            float(np.percentile(np.asarray(KDTree(one).query(two)[0]), 1)),
        )

    def box_center(self, object_id: int, number: int = 0) -> Array:
        """Return the center [3] of an object's box in the world, m."""
        item = self.path.item(object_id, number)
        return item.world((0.0, 0.0, float(item.design.size_m[2]) / 2))

    @cached_property
    def scenes(self) -> list[Scene]:
        """The meshes of the room as it stood in the first frame and in the last one."""
        rooms = {id(self.frame(number).room): self.frame(number).room for number in (0, len(self.path.frames) - 1)}
        return [Scene(room, np.random.default_rng(0)) for room in rooms.values()]

    def is_walkable(self, line: Array, half_width_m: float) -> bool:
        """Return whether a person can walk along places (n, 2) of the floor, in the world, and touches nothing."""
        length, width, _ = self.frame(0).room.size_m
        inside = (line > half_width_m).all() and (line < np.array([length, width]) - half_width_m).all()
        return bool(inside) and not any(_touches(scene, line, half_width_m) for scene in self.scenes)

    @cached_property
    def labels(self) -> Mapping[int, str]:
        """The label of every object by id."""
        return {number: self.path.item(number).label for number in self.path.ids}


def _touches(scene: Scene, line: Array, half_width_m: float) -> bool:
    """Return whether rays to all sides of a body at any of the places hit something."""
    angles = np.arange(_SIDES) * (2 * np.pi / _SIDES)
    sides = np.column_stack([np.cos(angles), np.sin(angles), np.zeros(_SIDES)])
    shape = (len(line), len(_BODY_M), _SIDES, 3)
    stood = np.concatenate([np.repeat(line, len(_BODY_M), axis=0), np.tile(_BODY_M, len(line))[:, None]], axis=1)
    origins = np.broadcast_to(stood.reshape(shape[0], shape[1], 1, 3), shape).reshape(-1, 3).astype(np.float32)
    directions = np.broadcast_to(sides, shape).reshape(-1, 3).astype(np.float32)
    return bool(scene.blocked(origins, directions, half_width_m).any())


def unprojected(frame: PathFrame, u: NDArray[Any], v: NDArray[Any]) -> Array:
    """Return the points (n, 3) in C, m, that a frame shows at pixels."""
    camera = frame.camera
    z = frame.exact_m[v, u].astype(np.float64)
    x = (u - camera.center_px[0]) / camera.focal_px * z
    y = (v - camera.center_px[1]) / camera.focal_px * z
    return np.stack([x, y, z], axis=-1)


def world(frame: PathFrame, points_c: Array) -> Array:
    """Return points (n, 3) of a frame's camera in the world, m."""
    return points_c @ frame.camera.rotation.T + frame.camera.position_m
