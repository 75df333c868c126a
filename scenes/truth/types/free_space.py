"""Free space, room to stand and lines of sight, by the mesh of the rendered room and by every pixel of the image."""

import cv2
import numpy as np
from numpy.typing import NDArray

from scenes.truth.measure import Box, ExactObject, ExactScene, back_project, frame_w
from scenes.truth.room import ExactRoom
from scenes.truth.verdict import Row, Verdict, number_verdict

Array = NDArray[np.float64]
_UP_M, _LEVEL_M, _SURFACE_M = 0.2, 0.01, 0.004
_UP = np.array([0.0, 0.0, _UP_M])
_RING_M, _RING = 0.03, 8
_MARGIN_M, _OVERHEAD_M = 0.02, 1.0
_STEP_M = 0.01
_TURNS_DEG = range(0, 180, 15)
_SIDES = {"left": (0.0, 1.0), "right": (0.0, -1.0), "front": (-1.0, 0.0), "behind": (1.0, 0.0)}
_MIN_REACH_M = 0.3
_SHIFT = 0.25


def _boxed(scene: ExactScene, number: int) -> Box:
    box = scene.objects[number].box
    if box is None:
        raise ValueError(f"Object {number} has no box; free space is judged on crawls with boxes.")
    return box


def _pixels_w(scene: ExactScene) -> Array:
    """Return every pixel (h, w, 3) as a point in W, m."""
    points = back_project(scene.depth, scene.row["camera"]) @ frame_w(scene.gravity_c).T
    return points + np.array([0.0, 0.0, scene.camera_height])


def _pointed(row: Row, scene: ExactScene) -> tuple[Array, int]:
    """Return the point in W that the answer's pixel shows, and its label."""
    height, width = scene.depth.shape
    u, v = row["points"][0]
    column, line = min(int(u * width), width - 1), min(int(v * height), height - 1)
    return _pixels_w(scene)[line, column], int(scene.labels[line, column])


def _is_free(room: ExactRoom, point: Array) -> bool:
    """Return whether nothing is within 20 cm above a surface point and a ring of 3 cm about it."""
    turns = np.arange(_RING) * 2 * np.pi / _RING
    ring = np.column_stack([np.cos(turns), np.sin(turns), np.zeros(_RING)]) * _RING_M
    places = np.vstack([point, point + ring]) + _UP
    below, _ = room.beneath(places)
    return bool(np.all(np.abs(below - _UP_M) <= _LEVEL_M))


def _area_m2(scene: ExactScene, chosen: NDArray[np.bool_], height_m: float) -> float:
    """Return the area of the pixels of a level surface."""
    camera = scene.row["camera"]
    return float((scene.depth[chosen] ** 3).sum() / (camera["fx"] * camera["fy"] * (scene.camera_height - height_m)))


def _clear_of(flat: Array, boxes: list[Box], margin_m: float) -> NDArray[np.bool_]:
    """Return which places (n, 2) keep a margin from all boxes seen from above."""
    clear = np.ones(len(flat), bool)
    for box in boxes:
        polygon = box.foot.astype(np.float64)
        step = np.roll(polygon, -1, axis=0) - polygon
        offset = flat[:, None] - polygon[None]
        share = np.clip((offset * step).sum(2) / (step * step).sum(1), 0.0, 1.0)
        away = np.linalg.norm(offset - share[..., None] * step, axis=2).min(1)
        cross = step[:, 0] * offset[..., 1] - step[:, 1] * offset[..., 0]
        inside = np.all(cross >= 0, axis=1) | np.all(cross <= 0, axis=1)
        clear &= ~inside & (away >= margin_m)
    return clear


def _judged(row: Row, scene: ExactScene, right: bool, chosen: NDArray[np.bool_], height_m: float) -> Verdict:
    truth = _area_m2(scene, chosen, height_m)
    return Verdict(right, truth, abs(row["value_si"] - truth) / truth if truth > 1e-6 else float("inf"))


def _beside(row: Row, scene: ExactScene) -> Verdict:
    room = scene.room
    if room is None:
        return Verdict(None, None)
    own = _boxed(scene, row["object_ids"][0])
    center, axis = own.foot.mean(0), np.asarray(_SIDES[row["side"]])
    apart = own.foot[:, None] - own.foot[None]
    reach_m = max(_MIN_REACH_M, float(np.linalg.norm(apart, axis=2).max()))
    point, _ = _pointed(row, scene)
    offset = point[:2] - center
    right = abs(point[2] - own.bottom) <= _LEVEL_M + 0.01 and float(offset @ axis) > abs(_cross(axis, offset))
    right = right and float(np.linalg.norm(offset)) <= reach_m and _is_free(room, point)
    height_m = float(point[2])
    pixels = _pixels_w(scene)
    flat = pixels[..., :2] - center
    chosen = (np.abs(pixels[..., 2] - height_m) <= _SURFACE_M) & (flat @ axis > np.abs(_cross(axis, flat)))
    chosen &= (np.linalg.norm(flat, axis=2) <= reach_m) & (scene.depth > 0)
    boxes = [one.box for one in scene.objects.values() if one.box is not None]
    standing = [box for box in boxes if box.top > height_m + 0.005 and box.bottom < height_m + _OVERHEAD_M]
    chosen[chosen] = _clear_of(pixels[chosen][:, :2], standing, _MARGIN_M)
    return _judged(row, scene, bool(right), chosen, height_m)


def _cross(axis: Array, flat: Array) -> Array:
    return axis[0] * flat[..., 1] - axis[1] * flat[..., 0]


def _on_top(row: Row, scene: ExactScene) -> Verdict:
    room, number = scene.room, row["object_ids"][0]
    if room is None:
        return Verdict(None, None)
    own = _boxed(scene, number)
    point, label = _pointed(row, scene)
    right = label == number and abs(point[2] - own.top) <= _LEVEL_M and _is_free(room, point)
    pixels = _pixels_w(scene)
    chosen = (scene.labels == number) & (np.abs(pixels[..., 2] - own.top) <= _SURFACE_M) & (scene.depth > 0)
    carried = [box for box in _others(scene, number) if own.top - 0.015 <= box.bottom <= own.top + _UP_M]
    chosen[chosen] = _clear_of(pixels[chosen][:, :2], carried, 0.0)
    return _judged(row, scene, right, chosen, own.top)


def _others(scene: ExactScene, number: int) -> list[Box]:
    return [one.box for key, one in scene.objects.items() if key != number and one.box is not None]


def _top_cells(room: ExactRoom, box: Box, number: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which cells of 1 cm, along the box's sides, are the thing's top, and which of them are free."""
    first, second, *_ = box.foot
    along, across = second - first, box.foot[3] - first
    lengths = np.linalg.norm(along), np.linalg.norm(across)
    counts = [max(1, int(np.ceil(length / _STEP_M))) for length in lengths]
    shares = [(np.arange(count) + 0.5) / count for count in counts]
    flat = first + shares[0][:, None, None] * along + shares[1][None, :, None] * across
    places = np.dstack([flat, np.full(counts, box.top)]).reshape(-1, 3)
    above, owner = room.beneath(places + _UP)
    free = (owner == number) & (np.abs(above - _UP_M) <= _SURFACE_M)
    just, under = room.beneath(places + _UP * 0.005)
    top = (under == number) & (just <= _SURFACE_M)
    return (free | top).reshape(counts), free.reshape(counts)


def _free_area(row: Row, scene: ExactScene) -> Verdict:
    if scene.room is None:
        return Verdict(None, None)
    number = row["object_ids"][0]
    box = _boxed(scene, number)
    _, free = _top_cells(scene.room, box, number)
    sides = [np.linalg.norm(box.foot[k] - box.foot[0]) for k in (1, 3)]
    return number_verdict(row, float(np.mean(free) * sides[0] * sides[1]))


def _fits_on(row: Row, scene: ExactScene) -> Verdict:
    if scene.room is None:
        return Verdict(None, None)
    small, large = row["object_ids"]
    long_m, short_m = _boxed(scene, small).size[3:]
    top, free = _top_cells(scene.room, _boxed(scene, large), large)
    # what stands on the whole top at no angle cannot, what stands on the free part at some angle can
    truth = _stands(free, long_m, short_m)
    if not row["answer_bool"]:
        truth = truth or _stands(top, long_m, short_m)
    return Verdict(row["answer_bool"] == truth, truth)


def _stands(cells: NDArray[np.bool_], long_m: float, short_m: float) -> bool:
    half = np.array([long_m, short_m]) / 2 / _STEP_M
    for turn in np.deg2rad(_TURNS_DEG):
        c, s = abs(np.cos(turn)), abs(np.sin(turn))
        reach = np.ceil([c * half[0] + s * half[1], s * half[0] + c * half[1]]).astype(int)
        i, j = np.mgrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
        along, across = np.cos(turn) * i + np.sin(turn) * j, -np.sin(turn) * i + np.cos(turn) * j
        kernel = ((np.abs(along) <= half[0]) & (np.abs(across) <= half[1])).astype(np.uint8)
        if np.any(np.array(kernel.shape) > np.array(cells.shape) + 2):
            continue
        padded = np.pad(cells.astype(np.uint8), 1)
        if cv2.erode(padded, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=(0,)).any():
            return True
    return False


def _sight(row: Row, scene: ExactScene) -> Verdict:
    room = scene.room
    if room is None:
        return Verdict(None, None)
    a, b = row["object_ids"]
    ends = zip(_ends(scene.objects[a]), _ends(scene.objects[b]), strict=True)
    clear = [not room.blocked(one, two, (a, b)) for one, two in ends]
    truth = sum(clear) >= 2
    return Verdict(row["answer_bool"] == truth, truth)


def _ends(item: ExactObject) -> list[Array]:
    rise = np.array([0.0, 0.0, _SHIFT * (item.hi[2] - item.lo[2])])
    wanted = [item.center, item.center + rise, item.center - rise]
    return [item.points_w[item.tree.query(place)[1]] for place in wanted]


ORACLES = {"F03": _fits_on, "F06": _beside, "F08": _on_top, "F09": _free_area, "F11": _sight}
