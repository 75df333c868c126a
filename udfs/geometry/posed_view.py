"""One frame of a posed sequence: what was lifted from it, as points of the world that all frames share."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.depth_map import DepthMap
from udfs.geometry.inputs import SceneInput
from udfs.geometry.masks import crop_of
from udfs.geometry.scene import surface_points
from udfs.margins import MAX_GRAVITY_SIGMA_DEG

Array = NDArray[np.float64]
_PX = NDArray[Any]


@dataclass(frozen=True, eq=False)
class PosedView:
    """One lifted frame.

    `pose` [4, 4] takes points of the camera to the world of the sequence, `scene` is a row of `scenes`, `labels` (h, w)
    holds the object id of every pixel (-1: none) and `points_c` each object's points (n, 3) in C, m. `lost` names
    regions that could not be lifted.
    """

    frame: int
    image_id: str
    pose: Array
    scene: Mapping[str, Any]
    depth: DepthMap
    labels: NDArray[np.int64]
    points_c: Mapping[int, Array]
    lost: frozenset[str] = frozenset()

    @classmethod
    def of(cls, frame: int, image_id: str, pose: Array, scene: Mapping[str, Any], lifted: SceneInput) -> "PosedView":
        """Cut the objects of a scene out of what it was lifted from."""
        height, width = lifted.depth.z_m.shape
        labels = np.full((height, width), -1, np.int64)
        for region in lifted.regions:
            crop = crop_of(region, height, width)
            if crop is not None:
                labels[crop.window][crop.mask > 0] = int(region["region_id"])
        points_c = surface_points(lifted)
        lost = frozenset(one.get("label") or "" for one in lifted.regions if int(one["region_id"]) not in points_c)
        return cls(frame, image_id, pose, scene, lifted.depth, labels, points_c, lost)

    @property
    def position(self) -> Array:
        """Return where the camera is in the world, m."""
        return self.pose[:3, 3]

    @cached_property
    def up(self) -> Array | None:
        """Return the unit vector up in the world, None where gravity is unknown or too uncertain."""
        down, sigma_deg = self.scene["gravity_c"], self.scene["gravity_sigma_deg"]
        if down is None or self.scene["gravity_src"] == "none" or (sigma_deg or 0.0) > MAX_GRAVITY_SIGMA_DEG:
            return None
        return -self.pose[:3, :3] @ np.asarray(down, np.float64)

    @property
    def sigma_rel(self) -> float:
        """Return the relative standard error of one depth, of its source and as measured."""
        noise = self.scene.get("depth_noise_rel")
        return float(np.hypot(self.scene.get("sigma_rel") or 0.0, 0.0 if noise is None or np.isnan(noise) else noise))

    def to_world(self, points_c: Array) -> Array:
        """Return points (n, 3) of C in the world, m."""
        return points_c @ self.pose[:3, :3].T + self.pose[:3, 3]

    def to_camera(self, points: Array) -> Array:
        """Return points (n, 3) of the world in C, m."""
        return (points - self.pose[:3, 3]) @ self.pose[:3, :3]

    def from_scene(self, points_w: Array) -> Array:
        """Return points (n, 3) of the scene's own frame W in the world, m."""
        lifted = np.asarray(self.scene["world_from_camera"], np.float64).reshape(3, 4)
        return self.to_world((points_w - lifted[:, 3]) @ lifted[:, :3])

    def projected(self, points: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Return the pixels (n, 2) of points of the world, their depth (n,) in m, and which lie in the image."""
        seen = self.to_camera(points)
        z_m = np.where(seen[:, 2] > 1e-6, seen[:, 2], np.nan)
        camera = self.depth.camera
        pixels = np.stack([camera.fx * seen[:, 0] / z_m + camera.cx, camera.fy * seen[:, 1] / z_m + camera.cy], axis=1)
        height, width = self.labels.shape
        inside = (pixels > -0.5).all(axis=1) & (pixels[:, 0] < width - 0.5) & (pixels[:, 1] < height - 0.5)
        return pixels, np.nan_to_num(z_m), inside

    def grid(self, columns: int) -> tuple[_PX, _PX]:
        """Return rows and columns (n,) of an even grid of pixels, about this many across."""
        height, width = self.labels.shape
        step = max(1, width // columns)
        v, u = np.mgrid[step // 2 : height : step, step // 2 : width : step]
        return v.ravel(), u.ravel()

    @cached_property
    def nearest_m(self) -> _PX:
        """Return the smallest depth (h, w) of every pixel and its neighbors, m; 0 where one of them has none."""
        return cv2.erode(self.depth.z_m, np.ones((3, 3), np.uint8))

    @cached_property
    def farthest_m(self) -> _PX:
        """Return the largest depth (h, w) of every pixel and its neighbors, m."""
        return cv2.dilate(self.depth.z_m, np.ones((3, 3), np.uint8))
