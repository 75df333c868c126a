"""The exact truth of a rendered camera path: what every frame shows, straight from full-resolution depth and masks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from scenes.paths import CameraPath, PathFrame

Array = NDArray[np.float64]


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
    def labels(self) -> Mapping[int, str]:
        """The label of every object by id."""
        return {number: self.path.item(number).label for number in self.path.ids}


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
