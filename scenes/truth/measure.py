"""Exact scenes: the primitives of the definitions, straight from full-resolution depth and masks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, KDTree, QhullError

from scenes.truth.room import ExactRoom, rebuilt

Array = NDArray[np.float64]
MANIFEST_NAME = "manifest.jsonl"


@dataclass(frozen=True)
class Box:
    """An amodal box, m: size (e_x, e_y, H, L, D) in frame W, its own volume in m3, its lowest and highest z in W.

    `foot` (k, 2) is its outline from above in W.
    """

    size: Array
    volume: float
    bottom: float
    top: float
    foot: Array


@dataclass
class ExactObject:
    """One object: visible points (n, 3) in C and in W, m, and its amodal box if the crawl gives one."""

    object_id: int
    label: str
    points_c: Array
    points_w: Array
    box: Box | None

    @cached_property
    def lo(self) -> Array:
        """2nd percentile per axis, W, m."""
        return np.percentile(self.points_w, 2, axis=0)

    @cached_property
    def hi(self) -> Array:
        """98th percentile per axis, W, m."""
        return np.percentile(self.points_w, 98, axis=0)

    @cached_property
    def center(self) -> Array:
        """Median per axis, W, m."""
        return np.median(self.points_w, axis=0)

    @cached_property
    def range(self) -> float:
        """5th percentile of the distance from the camera, m."""
        return float(np.percentile(np.linalg.norm(self.points_c, axis=1), 5))

    @cached_property
    def depth(self) -> float:
        """5th percentile of z in C, m."""
        return float(np.percentile(self.points_c[:, 2], 5))

    @cached_property
    def foot(self) -> Array:
        """Convex hull (k, 2) of the points between the 1st and 99th percentile of x and y, W, m."""
        return self._outline(1)

    def _outline(self, percent: float) -> Array:
        """Return the convex hull (k, 2), seen from above, without this share of the points at each end of x and y."""
        flat = self.points_w[:, :2]
        low, high = np.percentile(flat, [percent, 100 - percent], axis=0)
        return hull(flat[np.all((flat >= low) & (flat <= high), axis=1)])

    @cached_property
    def tree(self) -> KDTree:
        """All visible points."""
        return KDTree(self.points_w)

    @cached_property
    def size(self) -> Array:
        """(e_x, e_y, H, L, D) in m: the amodal box's, else the visible points'."""
        if self.box is not None:
            return self.box.size
        long, short = sides(self._outline(2))
        return np.array([*(self.hi - self.lo), long, short])

    @cached_property
    def volume(self) -> float:
        """The amodal box's volume, else that of the visible extents along W, m3."""
        return self.box.volume if self.box is not None else float(np.prod(self.hi - self.lo))


@dataclass
class ExactScene:
    """One image: objects by id; `floor` says whether heights in W are above the rendered floor."""

    objects: dict[int, ExactObject]
    gravity_c: Array
    floor: bool
    depth: Array = field(default_factory=lambda: np.zeros((0, 0)))
    labels: NDArray[Any] = field(default_factory=lambda: np.zeros((0, 0), np.uint8))
    row: Mapping[str, Any] = field(default_factory=dict)
    _gaps: dict[tuple[int, int], float] = field(default_factory=dict)

    def gap(self, a: int, b: int) -> float:
        """Return D_gap in m: 1st percentile of the nearest-neighbor distances, the smaller of both directions."""
        key = (min(a, b), max(a, b))
        if key not in self._gaps:
            one, two = self.objects[a], self.objects[b]
            self._gaps[key] = min(_nearest_percent(one, two), _nearest_percent(two, one))
        return self._gaps[key]

    @property
    def camera_height(self) -> float:
        """Height of the camera above the floor, m; 0 where it is unknown."""
        pose = self.row.get("pose")
        return float(np.asarray(pose, dtype=np.float64).reshape(4, 4)[2, 3]) if pose is not None else 0.0

    @cached_property
    def room(self) -> ExactRoom | None:
        """The rendered room behind the image, None where there is none."""
        height, width = self.depth.shape
        return rebuilt(self.row, (width, height), frame_w(self.gravity_c), self.camera_height)

    def surfaces(self) -> list[float]:
        """Return the heights above the floor, m, that may carry things: tops and raised bottoms of amodal boxes."""
        boxes = [item.box for item in self.objects.values() if item.box is not None]
        return [box.top for box in boxes] + [box.bottom for box in boxes if box.bottom > 0.05]

    def clearance(self, a: int, b: int) -> float:
        """Return the distance between the two footprints in m."""
        return polygon_distance(self.objects[a].foot, self.objects[b].foot)


def _nearest_percent(one: ExactObject, two: ExactObject) -> float:
    """Return the 1st percentile of the distances from every point of `one` to the nearest point of `two`, m.

    Points are taken in the order of their distance to `two`'s bounding box, which bounds the wanted distance from
    below, so that far points need no query; the result is that of querying all.
    """
    points, box_lo, box_hi = one.points_w, two.points_w.min(axis=0), two.points_w.max(axis=0)
    bound = np.linalg.norm(points - np.clip(points, box_lo, box_hi), axis=1)
    order = np.argsort(bound)
    rank = 0.01 * (len(points) - 1)
    taken, distances = 0, np.empty(0)
    while taken < len(points):
        upto = min(len(points), max(2 * taken, int(rank) + 2, 500))
        distances = np.concatenate([distances, two.tree.query(points[order[taken:upto]])[0]])
        taken = upto
        ranked = np.sort(distances)
        if taken < len(points) and len(ranked) > int(rank) + 1 and ranked[int(rank) + 1] <= bound[order[taken]]:
            break
    return float(np.interp(rank, np.arange(len(distances)), np.sort(distances)))


def read_manifest(crawl: Path) -> list[dict[str, Any]]:
    """Return the rows of `manifest.jsonl`."""
    return [json.loads(line) for line in (crawl / MANIFEST_NAME).read_text().splitlines() if line.strip()]


def read_scene(crawl: Path, row: Mapping[str, Any]) -> ExactScene:
    """Measure one row of an exact crawl; objects with fewer than 50 points are left out."""
    return scene_of(row, png_pixels(crawl / row["depth"]), png_pixels(crawl / row["instances"]))


def scene_of(row: Mapping[str, Any], depth_mm: NDArray[Any], labels: NDArray[Any]) -> ExactScene:
    """Measure one row whose depth and masks (h, w) have been read."""
    depth = depth_mm.astype(np.float64) / 1000.0
    cloud = back_project(depth, row["camera"])
    down = np.asarray(row["gravity"], dtype=np.float64)
    down = down / np.linalg.norm(down)
    rotation = frame_w(down)
    pose = np.asarray(row["pose"], dtype=np.float64).reshape(4, 4) if row.get("pose") is not None else None
    height = float(pose[2, 3]) if pose is not None else 0.0
    objects = {}
    for item in row["objects"]:
        points_c = cloud[(labels == item["id"]) & (depth > 0)]
        if len(points_c) >= 50:
            points_w = points_c @ rotation.T + [0.0, 0.0, height]
            box = _box(item.get("box_3d"), rotation, height)
            objects[item["id"]] = ExactObject(item["id"], item["label"], points_c, points_w, box)
    return ExactScene(objects, down, pose is not None, depth, labels, row)


def png_pixels(path: Path) -> NDArray[Any]:
    """Return a PNG's pixels as stored."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise FileNotFoundError(f"{path} is not a readable image.")
    return pixels


def back_project(depth: Array, camera: Mapping[str, float]) -> Array:
    """Return (height, width, 3) points in C from z-depth in m; the center of the top-left pixel is (0, 0)."""
    v, u = np.mgrid[0 : depth.shape[0], 0 : depth.shape[1]]
    x = (u - camera["cx"]) / camera["fx"] * depth
    y = (v - camera["cy"]) / camera["fy"] * depth
    return np.stack([x, y, depth], axis=-1)


def frame_w(down_c: Array) -> Array:
    """Return the rotation C -> W: x the camera's forward made horizontal, y left, z up."""
    up = -down_c
    forward = np.array([0.0, 0.0, 1.0]) - up[2] * up
    forward = forward / float(np.sqrt(forward @ forward))
    return np.array([forward, np.cross(up, forward), up], dtype=np.float64)


def angle_deg(found: Sequence[float], true: Sequence[float]) -> float:
    """Return the angle between two vectors [3] in degrees."""
    a, b = np.asarray(found, dtype=np.float64), np.asarray(true, dtype=np.float64)
    return float(np.rad2deg(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


def hull(flat: Array) -> Array:
    """Return the convex hull of points (n, 2), counter-clockwise; flat clouds give their bounding segment."""
    try:
        return flat[ConvexHull(flat).vertices]
    except QhullError:
        return np.stack([flat.min(axis=0), flat.max(axis=0)])


def sides(polygon: Array) -> tuple[float, float]:
    """Return the longer and the shorter side of the minimum-area rectangle around a convex polygon."""
    best = (np.inf, 0.0, 0.0)
    for edge in np.roll(polygon, -1, axis=0) - polygon:
        length = np.linalg.norm(edge)
        if length > 0:
            along = edge / length
            spans = np.ptp(polygon @ np.stack([along, [-along[1], along[0]]]).T, axis=0)
            best = min(best, (float(np.prod(spans)), float(spans.max()), float(spans.min())))
    return best[1], best[2]


def polygon_distance(one: Array, two: Array) -> float:
    """Return the distance between two convex polygons; 0 when they overlap."""
    if not _separated(one, two) and not _separated(two, one):
        return 0.0
    return min(_vertex_distance(one, two), _vertex_distance(two, one))


def _separated(one: Array, two: Array) -> bool:
    edges = np.roll(one, -1, axis=0) - one
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
    mine, other = normals @ one.T, normals @ two.T
    return bool(np.any((mine.max(axis=1) < other.min(axis=1)) | (other.max(axis=1) < mine.min(axis=1))))


def _vertex_distance(vertices: Array, polygon: Array) -> float:
    start, step = polygon, np.roll(polygon, -1, axis=0) - polygon
    offset = vertices[:, None, :] - start[None]
    share = (offset * step).sum(axis=2) / np.maximum((step * step).sum(axis=1), 1e-18)
    nearest = offset - np.clip(share, 0.0, 1.0)[..., None] * step
    return float(np.linalg.norm(nearest, axis=2).min())


def _box(box: Mapping[str, Any] | None, rotation: Array, height: float) -> Box | None:
    if box is None:
        return None
    size = np.asarray(box["size"], dtype=np.float64)
    signs = np.array([[i, j, k] for i in (-0.5, 0.5) for j in (-0.5, 0.5) for k in (-0.5, 0.5)])
    axes = np.asarray(box["rotation"], dtype=np.float64).reshape(3, 3)
    corners_c = np.asarray(box["center"], dtype=np.float64) + (signs * size) @ axes.T
    corners = corners_c @ rotation.T + [0.0, 0.0, height]
    extent = np.ptp(corners, axis=0)
    foot = hull(corners[:, :2])
    long, short = sides(foot)
    bottom, top = corners[:, 2].min(), corners[:, 2].max()
    return Box(np.array([*extent, long, short]), float(np.prod(size)), float(bottom), float(top), foot)
