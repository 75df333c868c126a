"""Analytic rooms, ray-cast in closed form: exact depth and masks without any code of the product."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

Array = NDArray[np.float64]
_NO_HIT = 1e9


@dataclass(frozen=True)
class Block:
    """An upright box: foot center (x, y), bottom z, size (along, across, height), yaw; m and radians, room frame."""

    x: float
    y: float
    z: float
    size: tuple[float, float, float]
    yaw: float = 0.0


@dataclass(frozen=True)
class Ball:
    """A sphere by its center and radius, m, room frame."""

    x: float
    y: float
    z: float
    radius: float


@dataclass(frozen=True)
class Room:
    """Shapes with ids 1 .. n, unlabeled background boxes, a floor at z = 0 (or none) and up to four walls.

    The room frame has z up; `walls` are (normal x, normal y, offset): points with n . p = offset.
    """

    shapes: tuple[Block | Ball, ...]
    floor: bool = True
    walls: tuple[tuple[float, float, float], ...] = ()
    scenery: tuple[Block | Ball, ...] = ()


@dataclass(frozen=True)
class View:
    """A camera at `eye` in the room, turned by yaw, pitched down and rolled, radians; intrinsics in px."""

    eye: tuple[float, float, float] = (0.0, 0.0, 1.5)
    yaw: float = 0.0
    pitch: float = 0.35
    roll: float = 0.0
    width: int = 320
    height: int = 240
    focal: float = 280.0

    @property
    def rotation(self) -> Array:
        """Room from camera: columns are the camera's x, y, z in the room."""
        cy, sy, cp, sp = np.cos(self.yaw), np.sin(self.yaw), np.cos(self.pitch), np.sin(self.pitch)
        forward = np.array([cy * cp, sy * cp, -sp])
        right = np.array([sy, -cy, 0.0])
        down = np.cross(forward, right)
        cr, sr = np.cos(self.roll), np.sin(self.roll)
        return np.stack([cr * right + sr * down, -sr * right + cr * down, forward], axis=1)

    @property
    def camera(self) -> dict[str, float]:
        """The CAMERA struct."""
        return {"fx": self.focal, "fy": self.focal, "cx": (self.width - 1) / 2, "cy": (self.height - 1) / 2}

    @property
    def down_c(self) -> Array:
        """Gravity in the camera frame."""
        return self.rotation.T @ np.array([0.0, 0.0, -1.0])


@dataclass
class RenderedImage:
    """Exact z-depth (h, w) in m with inf where nothing is hit, and ids (h, w): 0 background, -1 scenery or walls."""

    room: Room
    view: View
    z: Array
    ids: NDArray[np.int_]
    masks: dict[int, NDArray[np.bool_]] = field(default_factory=dict)


def render(room: Room, view: View) -> RenderedImage:
    """Ray-cast a room."""
    v, u = np.mgrid[0 : view.height, 0 : view.width]
    rays_c = np.stack(
        [(u - view.camera["cx"]) / view.focal, (v - view.camera["cy"]) / view.focal, np.ones(u.shape)], axis=-1
    )
    rays = rays_c @ view.rotation.T
    eye = np.array(view.eye)
    z = np.full(u.shape, _NO_HIT)
    ids = np.zeros(u.shape, int)
    if room.floor:
        z = np.where(rays[..., 2] < -1e-9, -eye[2] / np.minimum(rays[..., 2], -1e-9), z)
    for nx, ny, offset in room.walls:
        along = rays[..., 0] * nx + rays[..., 1] * ny
        hit = (offset - eye[0] * nx - eye[1] * ny) / np.where(np.abs(along) < 1e-9, 1e-9, along)
        closer = (hit > 0) & (hit < z)
        z, ids = np.where(closer, hit, z), np.where(closer, -1, ids)
    for number, shape in [*enumerate(room.shapes, 1), *((-1, s) for s in room.scenery)]:
        hit = _block_hit(shape, eye, rays) if isinstance(shape, Block) else _ball_hit(shape, eye, rays)
        closer = hit < z
        z, ids = np.where(closer, hit, z), np.where(closer, number, ids)
    masks = {k: ids == k for k in range(1, len(room.shapes) + 1)}
    return RenderedImage(room, view, np.where(z >= _NO_HIT, np.inf, z), ids, masks)


def _block_hit(block: Block, eye: Array, rays: Array) -> Array:
    c, s = np.cos(block.yaw), np.sin(block.yaw)
    turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    start = turn @ (eye - [block.x, block.y, block.z + block.size[2] / 2])
    step = rays @ turn.T
    step = np.where(np.abs(step) < 1e-12, 1e-12, step)
    half = np.array(block.size) / 2
    one, two = (-half - start) / step, (half - start) / step
    enter, leave = np.minimum(one, two).max(axis=-1), np.maximum(one, two).min(axis=-1)
    return np.where((enter < leave) & (enter > 0), enter, _NO_HIT)


def _ball_hit(ball: Ball, eye: Array, rays: Array) -> Array:
    start = eye - np.array([ball.x, ball.y, ball.z])
    a, b = (rays**2).sum(axis=-1), 2 * (rays @ start)
    c = float(start @ start) - ball.radius**2
    root = b * b - 4 * a * c
    hit = (-b - np.sqrt(np.maximum(root, 0))) / (2 * a)
    return np.where((root > 0) & (hit > 0), hit, _NO_HIT)


def noisy(rendered: RenderedImage, noise_rel: float, bleed_px: int, seed: int) -> RenderedImage:
    """Return the image with multiplicative pixel noise, and with masks that extend beyond their objects."""
    rng = np.random.default_rng(seed)
    z = rendered.z * (1 + noise_rel * rng.standard_normal(rendered.z.shape))
    kernel = np.ones((2 * bleed_px + 1, 2 * bleed_px + 1), np.uint8)
    masks = {k: cv2.dilate(m.astype(np.uint8), kernel).astype(bool) for k, m in rendered.masks.items()}
    return replace(rendered, z=z, masks=masks)


def scenes_input(rendered: RenderedImage, gravity: bool = True, **changes: Any) -> dict[str, Any]:
    """Return the input row of lifting, with the depth rounded to millimeters as datasets store it."""
    depth = np.where(np.isfinite(rendered.z), np.clip(np.rint(rendered.z * 1000), 0, 65535), 0).astype(np.uint16)
    return {
        "image_id": "0" * 64,
        "width": rendered.view.width,
        "height": rendered.view.height,
        "depth": cv2.imencode(".png", depth)[1].tobytes(),
        "depth_src": "sensor",
        "sigma_rel": 0.01,
        "scale_ok": True,
        "camera": rendered.view.camera,
        "camera_src": "crawl",
        "gravity": [float(g) for g in rendered.view.down_c] if gravity else None,
        "gravity_src": "gt" if gravity else "none",
        "gravity_sigma_deg": 0.0 if gravity else None,
        "regions": [region(k, mask) for k, mask in rendered.masks.items() if mask.any()],
        "ingest_shard": 0,
        **changes,
    }


def region(number: int, mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Return a REGION struct."""
    rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    v, u = np.nonzero(mask)
    return {
        "region_id": number,
        "label": f"thing {number}",
        "captions": [],
        "score": 1.0,
        "bbox_px": [int(u.min()), int(v.min()), int(u.max()) + 1, int(v.max()) + 1],
        "area_px": int(mask.sum()),
        "rle": rle["counts"].decode("ascii"),
        "box_3d": None,
        "front": None,
    }


def points_w(rendered: RenderedImage, number: int) -> Array:
    """Return the exact visible points (n, 3) of a shape in frame W above the room's floor, m."""
    seen = (rendered.ids == number) & np.isfinite(rendered.z)
    v, u = np.nonzero(seen)
    view = rendered.view
    z = rendered.z[v, u]
    points_c = np.stack(
        [(u - view.camera["cx"]) / view.focal * z, (v - view.camera["cy"]) / view.focal * z, z], axis=-1
    )
    c, s = np.cos(view.yaw), np.sin(view.yaw)
    turned = points_c @ view.rotation.T @ np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    turned[:, 2] += view.eye[2]
    return turned
