"""Several views: the camera's motion, points, first appearances, moved things, distances and counts of a path."""

import numpy as np
import shapely

from scenes.truth.path import ExactPath, unprojected, world
from scenes.truth.verdict import Row, Verdict, number_verdict

_SHOWN_PX = 200
_POINT_SHARE, _SEEN_REL, _HIDDEN_REL = 0.01, 0.03, 0.01
_AXES = {"right": (0, 1), "left": (0, -1), "down": (1, 1), "up": (1, -1), "forward": (2, 1), "backward": (2, -1)}

# What somebody may do who is told to turn left, right or around, and when they are there.
_MEANT_DEG = {"left": range(30, 136, 5), "right": range(-135, -29, 5), "around": range(140, 221, 5)}
_BESIDE_M, _HALF_WIDTH_M, _STRIDE_M = 0.85, 0.15, 0.05


def _shift(row: Row, path: ExactPath) -> np.ndarray:
    one, other = (path.frame(k).camera for k in row["frames"])
    return one.rotation.T @ (other.position_m - one.position_m)


def _which_way(row: Row, path: ExactPath) -> Verdict:
    shift = _shift(row, path)
    axis, sign = _AXES[row["side"]]
    right = bool(np.argmax(np.abs(shift)) == axis and shift[axis] * sign > 0)
    return Verdict(right, str(np.round(shift, 3)))


def _how_far(row: Row, path: ExactPath) -> Verdict:
    return number_verdict(row, float(np.linalg.norm(_shift(row, path))))


def _turned(row: Row, path: ExactPath) -> Verdict:
    one, other = (path.frame(k).camera for k in row["frames"])
    x, y, z = one.rotation.T @ other.rotation[:, 2]
    sideways, upward = np.arctan2(x, z), np.arctan2(-y, np.hypot(x, z))
    turn = sideways if row["side"] in ("left", "right") else upward
    is_main = abs(turn) >= max(abs(sideways), abs(upward)) - 1e-9
    return number_verdict(row, float(abs(turn)), bool(is_main and (turn > 0) == (row["side"] in ("right", "up"))))


def _same_point(row: Row, path: ExactPath) -> Verdict:
    first, second = (path.frame(k) for k in row["frames"])
    height, width = first.exact_m.shape
    u, v = (round(share * side - 0.5) for share, side in zip(row["asked_point"], (width, height), strict=True))
    point = world(first, unprojected(first, np.array([u]), np.array([v])))[0]
    seen = second.camera.rotation.T @ (point - second.camera.position_m)
    found = second.camera.focal_px * seen[:2] / max(seen[2], 1e-9) + np.array(second.camera.center_px)
    inside = bool(seen[2] > 0 and (found >= -0.5).all() and found[0] < width - 0.5 and found[1] < height - 0.5)
    at = tuple(np.rint(found).astype(int)[::-1]) if inside else None
    behind = 0.0 if at is None else seen[2] / float(second.exact_m[at]) - 1.0
    if row["points"] is None:
        return Verdict(not inside or behind > _HIDDEN_REL, f"inside {inside}, {behind:.3f} behind the surface")
    said = np.array(row["points"][0]) * (width, height) - 0.5
    off_px = float(np.linalg.norm(said - found))
    right = inside and abs(behind) <= _SEEN_REL and off_px <= _POINT_SHARE * np.hypot(width, height)
    return Verdict(bool(right), f"{off_px:.1f} px off, {behind:.3f} behind the surface")


def _first(row: Row, path: ExactPath) -> Verdict:
    frames = [
        next((k for k in row["frames"] if path.pixels(one, k) >= _SHOWN_PX), len(path.path.frames))
        for one in row["object_ids"]
    ]
    wanted = min(frames) if row["side"] == "earlier" else max(frames)
    truth = row["object_ids"][frames.index(wanted)]
    return Verdict(frames[0] != frames[1] and row["answer_object_id"] == truth, truth)


def _moved(row: Row, path: ExactPath) -> Verdict:
    (one,), (before, after) = row["object_ids"], row["frames"]
    way = float(np.linalg.norm(path.box_center(one, after) - path.box_center(one, before)))
    return number_verdict(row, way, one == path.path.moved_id and way > 0.0)


def _never_together(row: Row, path: ExactPath) -> Verdict:
    return number_verdict(row, path.gap_m(*row["object_ids"]))


def _count(row: Row, path: ExactPath) -> Verdict:
    label = path.labels[row["object_ids"][0]]
    shown = {
        one for one, name in path.labels.items() if name == label and any(path.pixels(one, k) for k in row["frames"])
    }
    return number_verdict(row, float(len(shown)))


def _after_moving(row: Row, path: ExactPath) -> Verdict:
    (one,), (k,) = row["object_ids"], row["frames"]
    camera = path.frame(k).camera
    ahead = camera.rotation[:, 2] * (1.0, 1.0, 0.0)
    ahead = ahead / np.linalg.norm(ahead)
    new = camera.position_m + row["asked_m"] * ahead
    center = path.box_center(one, k)
    if row["side"] in ("closer", "farther"):
        nearer = np.linalg.norm(center - new) < np.linalg.norm(center - camera.position_m)
        return Verdict(bool(nearer == (row["side"] == "closer")), bool(nearer))
    turn = row["asked_rad"]
    heading = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ ahead[:2]
    apart = (center - new)[:2]
    is_left = bool(heading[0] * apart[1] - heading[1] * apart[0] > 0)
    return Verdict(is_left == (row["side"] == "left"), is_left)


def _range(row: Row, path: ExactPath) -> Verdict:
    points = path.points_c(row["object_ids"][0], row["asked_frame"])
    return number_verdict(row, float(np.percentile(np.linalg.norm(points, axis=1), 5)))


def _room(row: Row, path: ExactPath) -> Verdict:
    length, width, _ = path.frame(0).room.size_m
    return number_verdict(row, length * width)


def _route(row: Row, path: ExactPath) -> Verdict:
    """Walk the route with every turn that the missing word could mean: only the answered one leads to the thing."""
    leading = [word for word, angles in _MEANT_DEG.items() if any(_leads(row, path, deg) for deg in angles)]
    return Verdict(leading == [row["side"]], ", ".join(leading))


def _leads(row: Row, path: ExactPath, turn_deg: float) -> bool:
    """Return whether a route with this turn to the left ends beside the thing, without touching anything."""
    from_one, facing, goal = row["object_ids"]
    middle = path.box_center(from_one)[:2]
    ahead = path.box_center(facing)[:2] - middle
    ahead = ahead / np.linalg.norm(ahead)
    place = middle + row["asked_m"] * ahead
    line = [place[None]]
    for leg in row["asked_route"]:
        turn = np.deg2rad(turn_deg) if leg["turn_rad"] is None else leg["turn_rad"]
        ahead = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ ahead
        way_m = np.append(np.arange(_STRIDE_M, leg["forward_m"], _STRIDE_M), leg["forward_m"])
        line.append(place + way_m[:, None] * ahead)
        place = line[-1][-1]
    outline = shapely.MultiPoint(path.path.mesh(goal).vertices[:, :2]).convex_hull
    near = shapely.distance(outline, shapely.points(place)) <= _BESIDE_M
    return bool(near) and path.is_walkable(np.concatenate(line), _HALF_WIDTH_M)


def _best(row: Row, path: ExactPath) -> Verdict:
    counts = {k: path.pixels(row["object_ids"][0], k) for k in row["frames"]}
    truth = max(counts, key=counts.__getitem__)
    return Verdict(row["answer_frame"] == truth, truth)


ORACLES = {
    "V01": _which_way,
    "V02": _how_far,
    "V03": _turned,
    "V04": _same_point,
    "V05": _first,
    "V06": _moved,
    "V07": _never_together,
    "V08": _count,
    "V09": _after_moving,
    "V10": _range,
    "V11": _room,
    "V12": _route,
    "V13": _best,
}
