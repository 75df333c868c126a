"""What the image shows at a place in frame W: every pixel as a point, and which object it belongs to."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.depth_map import DepthMap
from udfs.geometry.frame import WorldFrame

Array = NDArray[Any]
_LEVEL_M, _LEVEL_REL, _NOISES = 0.003, 0.0015, 4.0
_NEAREST_M = 0.05


@dataclass(frozen=True)
class Shown:
    """What the image shows in the direction of n places.

    `inside` says that the place projects into the image, where there is depth; `label` is that of the pixel, 0 for no
    object; `point` (n, 3) is what the pixel shows, W, m; `ahead_m` is how far that lies behind the place, along the
    optical axis.
    """

    inside: NDArray[np.bool_]
    label: NDArray[np.int64]
    point: NDArray[np.float64]
    ahead_m: NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A depth map with its label map (h, w), 0 where there is no object, in frame W."""

    depth: DepthMap
    labels: NDArray[np.uint16]
    frame: WorldFrame

    @property
    def camera_m(self) -> NDArray[np.float64]:
        """Return the position of the camera in W."""
        return np.array([0.0, 0.0, self.frame.camera_height_m])

    @cached_property
    def points(self) -> NDArray[np.float32]:
        """Every pixel (h, w, 3) as a point in W, m; NaN without depth."""
        height, width = self.depth.z_m.shape
        camera, rotation = self.depth.camera, self.frame.rotation.astype(np.float32)
        x = ((np.arange(width) - camera.cx) / camera.fx).astype(np.float32)
        y = ((np.arange(height) - camera.cy) / camera.fy).astype(np.float32)
        rays = x[None, :, None] * rotation[:, 0] + y[:, None, None] * rotation[:, 1] + rotation[:, 2]
        z_m = np.where(self.depth.z_m > 0, self.depth.z_m, np.float32(np.nan))
        points = rays * z_m[..., None]
        points[..., 2] += np.float32(self.frame.camera_height_m)
        return points

    def tolerance_m(self, range_m: Array) -> Array:
        """Return how far a pixel of a plane may lie off it, m, at a distance from the camera."""
        return np.maximum(_LEVEL_M, (_LEVEL_REL + _NOISES * (self.depth.noise_rel or 0.0)) * range_m)

    def pixels(self, places: Array) -> tuple[Array, Array, Array]:
        """Return column and row, px, and depth, m, of places (n, 3) in W; NaN behind the camera."""
        own = (places - self.camera_m) @ self.frame.rotation
        z_m = np.where(own[:, 2] > _NEAREST_M, own[:, 2], np.nan)
        camera = self.depth.camera
        return camera.fx * own[:, 0] / z_m + camera.cx, camera.fy * own[:, 1] / z_m + camera.cy, z_m

    def normalized(self, places: Array) -> Array:
        """Return places (n, 3) in W as (u, v) in [0, 1), the convention of point answers."""
        height, width = self.depth.z_m.shape
        u, v, _ = self.pixels(places)
        return np.stack([(u + 0.5) / width, (v + 0.5) / height], axis=1)

    def shown(self, places: Array) -> Shown:
        """Return what the image shows in the direction of places (n, 3) in W."""
        height, width = self.depth.z_m.shape
        u, v, z_m = self.pixels(places)
        known = np.isfinite(u) & np.isfinite(v) & (np.abs(u) < 1e6) & (np.abs(v) < 1e6)
        column, row = (np.rint(np.where(known, one, -1.0)).astype(np.int64) for one in (u, v))
        inside = known & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        column, row = np.where(inside, column, 0), np.where(inside, row, 0)
        depth_m = self.depth.z_m[row, column].astype(np.float64)
        inside &= depth_m > 0
        ahead_m = np.where(inside, depth_m - z_m, np.nan)
        return Shown(inside, self.labels[row, column].astype(np.int64), self.points[row, column].astype(float), ahead_m)

    def area_m2(self, chosen: NDArray[np.bool_], below_m: float) -> float:
        """Return the area of a horizontal plane that some pixels (h, w) of it show, `below_m` beneath the camera."""
        camera = self.depth.camera
        cubes = self.depth.z_m[chosen].astype(np.float64) ** 3
        return float(cubes.sum() / (camera.fx * camera.fy * max(below_m, 1e-3)))
