"""Pinhole cameras in a room: sampling, rays and paths."""

from dataclasses import dataclass

import numpy as np

from scenes.scene import BACKGROUND, Scene

HEIGHT_M = (0.3, 2.0)
PITCH_DEG = (0.0, 60.0)
ROLL_DEG = 10.0
FIELD_DEG = (40.0, 80.0)
RANGE_M = (0.5, 8.0)
_PROBE = (64, 48)
_MIN_SHARE = 0.003
_MIN_OBJECTS = 3


@dataclass(frozen=True, eq=False)
class Camera:
    """`rotation` [3, 3] and `position_m` [3] take camera points (x right, y down, z forward) to the world (z up)."""

    rotation: np.ndarray
    position_m: np.ndarray
    focal_px: float
    center_px: tuple[float, float]
    size_px: tuple[int, int]

    def rays(self) -> np.ndarray:
        """Return world directions [h * w, 3] through the pixel centers, float32, of length 1 along the optical axis."""
        width, height = self.size_px
        x = (np.arange(width) - self.center_px[0]) / self.focal_px
        y = (np.arange(height) - self.center_px[1]) / self.focal_px
        columns = x[:, None] * self.rotation[:, 0]
        rows = y[:, None] * self.rotation[:, 1] + self.rotation[:, 2]
        return (rows[:, None, :] + columns[None]).astype(np.float32).reshape(-1, 3)

    def at_size(self, width: int, height: int) -> "Camera":
        """Return the same view on another pixel grid."""
        factor = width / self.size_px[0]
        u = (self.center_px[0] + 0.5) * factor - 0.5
        v = (self.center_px[1] + 0.5) * height / self.size_px[1] - 0.5
        return Camera(self.rotation, self.position_m, self.focal_px * factor, (u, v), (width, height))

    @property
    def gravity(self) -> np.ndarray:
        """Unit vector [3] pointing down in the camera frame."""
        return -self.rotation[2]

    @property
    def pose(self) -> np.ndarray:
        """Camera to world [4, 4]."""
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = self.rotation, self.position_m
        return pose


@dataclass(frozen=True)
class Attitude:
    """Position and orientation of a camera; angles in radians, pitch positive downward."""

    position_m: tuple[float, float, float]
    yaw_rad: float
    pitch_rad: float
    roll_rad: float

    def rotation(self) -> np.ndarray:
        """Return camera to world [3, 3]; columns are right, down, forward."""
        cy, sy = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        cp, sp = np.cos(self.pitch_rad), np.sin(self.pitch_rad)
        forward, right = np.array([cy * cp, sy * cp, -sp]), np.array([sy, -cy, 0.0])
        down = np.cross(forward, right)
        cr, sr = np.cos(self.roll_rad), np.sin(self.roll_rad)
        return np.stack([cr * right + sr * down, cr * down - sr * right, forward], 1)


@dataclass(frozen=True)
class Lens:
    """Intrinsics of one room's camera."""

    focal_px: float
    center_px: tuple[float, float]
    size_px: tuple[int, int]

    def camera(self, attitude: Attitude) -> Camera:
        """Return the camera at an attitude."""
        return Camera(attitude.rotation(), np.array(attitude.position_m), self.focal_px, self.center_px, self.size_px)


def random_lens(size_px: tuple[int, int], rng: np.random.Generator) -> Lens:
    """Draw a lens with a horizontal field of view of 40 to 80 degrees and a center offset of up to 1.5 %."""
    width, height = size_px
    field = np.deg2rad(rng.uniform(*FIELD_DEG))
    off = rng.uniform(-0.015, 0.015, 2)
    center = ((width - 1) / 2 + off[0] * width, (height - 1) / 2 + off[1] * height)
    return Lens(float(width / 2 / np.tan(field / 2)), (float(center[0]), float(center[1])), size_px)


@dataclass(frozen=True)
class View:
    """The result of a low-resolution probe: ranges in m of the objects that cover enough of the image."""

    camera: Camera
    attitude: Attitude
    ranges_m: tuple[float, ...]
    clear: bool

    @property
    def good(self) -> bool:
        """Whether enough objects are visible and nothing blocks the view."""
        return self.clear and len(self.ranges_m) >= _MIN_OBJECTS


def probe(scene: Scene, lens: Lens, attitude: Attitude) -> View:
    """Cast rays through a camera at low resolution."""
    camera = lens.camera(attitude)
    small = camera.at_size(*_PROBE)
    rays = small.rays()
    hits = scene.cast(small.position_m, rays)
    objects = scene.face_object[hits.face]
    ranges = hits.z * np.linalg.norm(rays, axis=1)
    near = ranges < 0.75 * RANGE_M[0]
    clear = bool(hits.face.min() >= 0 and ranges.min() > 0.2 and near.mean() < 0.1)
    visible, inverse, counts = np.unique(objects, return_inverse=True, return_counts=True)
    nearest_m = np.full(len(visible), np.inf)
    np.minimum.at(nearest_m, inverse, ranges)
    large = (visible != BACKGROUND) & (counts > _MIN_SHARE * 1.2 * len(objects))
    return View(camera, attitude, tuple(float(r) for r in nearest_m[large]), clear)


def is_free(scene: Scene, position_m: tuple[float, float, float]) -> bool:
    """Return whether a camera fits here: inside the room, at an allowed height and outside every object's box."""
    point = np.array(position_m)
    lx, ly, lz = scene.room.size_m
    inside = 0.12 < point[0] < lx - 0.12 and 0.12 < point[1] < ly - 0.12
    level = HEIGHT_M[0] <= point[2] <= min(HEIGHT_M[1], lz - 0.15)
    return bool(inside and level and not any(item.holds(point, 0.1) for item in scene.room.objects))
