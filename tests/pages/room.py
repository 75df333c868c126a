"""Rooms of boxes, ray-cast with numpy alone: images, masks and depth whose geometry is known exactly."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from jobs.views.pages.projection import View

Array = NDArray[np.float64]

PALETTE = ((214, 96, 77), (67, 147, 195), (244, 190, 88), (118, 184, 112), (153, 112, 171), (120, 140, 160))


@dataclass(frozen=True)
class Block:
    """An upright box standing in W: center, lengths along its own axes, heading."""

    number: int
    label: str
    expression: str
    center: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw_rad: float = 0.0

    @cached_property
    def axes(self) -> Array:
        c, s = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])

    @cached_property
    def corners(self) -> Array:
        signs = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
        unit = np.array([[a, b, level] for level in (-1, 1) for a, b in signs], dtype=float)
        return np.array(self.center) + (unit * np.array(self.size) / 2) @ self.axes.T


@dataclass(frozen=True)
class Room:
    """Boxes on a floor at z = 0, seen by a camera at `eye_m` above the origin, pitched down."""

    blocks: tuple[Block, ...]
    width: int = 640
    height: int = 480
    focal: float = 520.0
    eye_m: float = 1.5
    pitch_rad: float = 0.35
    colors: tuple[tuple[int, int, int], ...] = field(default=PALETTE)

    @cached_property
    def world_from_camera(self) -> Array:
        """Return 3x4: columns are the camera's right, down and forward axes in W, then its place."""
        c, s = math.cos(self.pitch_rad), math.sin(self.pitch_rad)
        forward, right = np.array([c, 0.0, -s]), np.array([0.0, -1.0, 0.0])
        down = np.cross(forward, right)
        return np.column_stack([right, down, forward, [0.0, 0.0, self.eye_m]])

    @cached_property
    def camera(self) -> dict[str, float]:
        return {"fx": self.focal, "fy": self.focal, "cx": (self.width - 1) / 2, "cy": (self.height - 1) / 2}

    def pixel(self, point_w: Array) -> tuple[float, float, float]:
        """Return u, v px and depth m of a point of W, by a homogeneous projection matrix."""
        pose = np.vstack([self.world_from_camera, [0, 0, 0, 1]])
        k = np.array([[self.focal, 0, self.camera["cx"]], [0, self.focal, self.camera["cy"]], [0, 0, 1]])
        u, v, w = k @ np.linalg.inv(pose)[:3] @ np.append(point_w, 1.0)
        return (float(u / w), float(v / w), float(w)) if w > 1e-9 else (math.nan, math.nan, float(w))

    @cached_property
    def cast(self) -> tuple[NDArray[np.int32], Array]:
        """Return block numbers (0 = floor or wall) and depth along the optical axis, m, both height x width."""
        v, u = np.mgrid[0 : self.height, 0 : self.width].astype(float)
        right, down = (u - self.camera["cx"]) / self.focal, (v - self.camera["cy"]) / self.focal
        rays = np.stack([right, down, np.ones_like(u)], -1)
        rays_w = rays @ self.world_from_camera[:, :3].T
        eye = self.world_from_camera[:, 3]
        with np.errstate(divide="ignore", invalid="ignore"):
            floor = np.where(rays_w[..., 2] < 0, -eye[2] / rays_w[..., 2], np.inf)
            depth = np.minimum(floor, 9.0 / rays_w[..., 0])
            owner = np.zeros(depth.shape, np.int32)
            for block in self.blocks:
                start = (eye - np.array(block.center)) @ block.axes
                step = rays_w @ block.axes
                half = np.array(block.size) / 2
                one, two = (-half - start) / step, (half - start) / step
                enter, leave = np.minimum(one, two).max(-1), np.maximum(one, two).min(-1)
                nearer = (enter < leave) & (enter > 0) & (enter < depth)
                depth, owner = np.where(nearer, enter, depth), np.where(nearer, block.number, owner)
        return owner, depth

    @cached_property
    def image(self) -> NDArray[np.uint8]:
        """Return RGB pixels, shaded by distance, with a floor of planks."""
        owner, depth = self.cast
        across = (np.arange(self.width) - self.camera["cx"]) / self.focal * depth
        plank = np.where((np.floor(across / 0.25) % 2) == 0, 205, 188)
        shade = np.clip(1.15 - depth / 12.0, 0.35, 1.0)
        pixels = np.stack([plank, plank - 14, plank - 34], -1) * shade[..., None]
        for block in self.blocks:
            color = np.array(self.colors[block.number % len(self.colors)])
            facets = 0.82 + 0.18 * np.sin(40.0 * depth)[..., None]
            pixels = np.where((owner == block.number)[..., None], color * shade[..., None] * facets, pixels)
        return np.clip(pixels, 0, 255).astype(np.uint8)


def view_of(room: Room) -> View:
    """Return the room's camera as the page sees it."""
    return View(room.world_from_camera.ravel().tolist(), room.camera, room.width, room.height)


def encoded(mask: np.ndarray) -> str:
    """Return a mask as COCO counts."""
    return str(coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"], "ascii")  # pyright: ignore[reportArgumentType]
