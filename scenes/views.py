"""Chooses camera poses: log-uniform distances, enough objects, short paths."""

import numpy as np

from scenes.camera import HEIGHT_M, PITCH_DEG, RANGE_M, ROLL_DEG, Attitude, Lens, View, is_free, probe
from scenes.doorways import Doorway
from scenes.scene import Scene

_TRIES = 60
_CANDIDATES = 4
_BEARINGS = 8
_COUNT_POWER = 0.3
_DOORWAY_SHARE, _DOORWAY_RANGE_M = 0.5, (1.5, 5.0)
# relative frequency of each half octave of range from 0.5 to 8 m without weighting; its inverse evens them out
_FREQUENCY = np.array([0.3, 0.45, 0.7, 1.0, 1.2, 1.25, 1.05, 0.6])


def _aimed(scene: Scene, rng: np.random.Generator) -> Attitude | None:
    """Draw a pose that looks at one object from a log-uniform distance."""
    room = scene.room
    if room.doorway is not None and rng.random() < _DOORWAY_SHARE:
        return _at_doorway(scene, room.doorway, rng)
    weights = np.array([1.0 if item.label != "rug" else 0.2 for item in room.objects])
    if room.kind == "tabletop":
        weights[1:] *= np.array([2.0 if item.parent == 0 else 0.3 for item in room.objects[1:]])
    target = room.objects[int(rng.choice(len(weights), p=weights / weights.sum()))]
    aside = rng.uniform(-0.5, 0.5, 2) * target.half_m * 2
    aim = target.world((*aside, target.design.size_m[2] * rng.uniform(0.2, 1.0)))
    far = RANGE_M[1] if room.kind != "tabletop" else 2.4
    distance = float(np.exp(rng.uniform(np.log(RANGE_M[0] * 1.1), np.log(far))))
    height = rng.uniform(*HEIGHT_M)
    rise = float(np.clip(height - aim[2], -0.95 * distance, 0.95 * distance))
    height = float(aim[2] + rise)
    along = np.sqrt(distance**2 - rise**2)
    pitch = np.arctan2(rise, along) + rng.normal(0, 0.14)
    low, high = np.deg2rad(PITCH_DEG)
    if pitch < low:
        # view objects above the camera with a level camera, provided that they stay in the image
        pitch = rng.uniform(low, 0.2) if pitch > -0.35 else high + 1
    if pitch > high:
        return None
    roll = float(np.deg2rad(np.clip(rng.normal(0, 4.5), -ROLL_DEG, ROLL_DEG)))
    for bearing in rng.uniform(-np.pi, np.pi, _BEARINGS):
        position = (float(aim[0] - along * np.cos(bearing)), float(aim[1] - along * np.sin(bearing)), height)
        if is_free(scene, position):
            return Attitude(position, float(bearing + rng.normal(0, 0.25)), float(pitch), roll)
    return None


def _at_doorway(scene: Scene, doorway: Doorway, rng: np.random.Generator) -> Attitude | None:
    """Draw a pose that looks at the doorway."""
    middle = np.array([[doorway.start_m + doorway.width_m / 2, 0.0, rng.uniform(0.7, 1.2)]])
    aim = doorway.world(middle, scene.room.size_m)[0]
    height = rng.uniform(0.8, HEIGHT_M[1])
    for bearing in rng.uniform(-np.pi, np.pi, _BEARINGS):
        along = rng.uniform(*_DOORWAY_RANGE_M)
        position = (float(aim[0] - along * np.cos(bearing)), float(aim[1] - along * np.sin(bearing)), float(height))
        pitch = float(np.clip(np.arctan2(height - aim[2], along), *np.deg2rad(PITCH_DEG)))
        if is_free(scene, position):
            roll = float(np.deg2rad(np.clip(rng.normal(0, 3.0), -ROLL_DEG, ROLL_DEG)))
            return Attitude(position, float(bearing + rng.normal(0, 0.15)), pitch, roll)
    return None


def _worth(view: View, rng: np.random.Generator) -> float:
    """Score a view: rare ranges and several objects score higher."""
    step = np.log2(np.clip(np.array(view.ranges_m), 0.5, 7.99) / 0.5) * 2
    rare = float((1 / _FREQUENCY[step.astype(int)]).mean())
    return rare * min(len(view.ranges_m), 9) ** _COUNT_POWER * float(np.exp(rng.normal(0, 0.3)))


def single(scene: Scene, lens: Lens, rng: np.random.Generator) -> Attitude | None:
    """Return the best of several good poses; None if the room has none."""
    best: tuple[float, Attitude] | None = None
    candidates = 0
    for _ in range(_TRIES):
        attitude = _aimed(scene, rng)
        view = None if attitude is None else probe(scene, lens, attitude)
        if view is None or not view.good:
            continue
        worth = _worth(view, rng)
        if best is None or worth > best[0]:
            best = (worth, view.attitude)
        candidates += 1
        if candidates >= _CANDIDATES:
            break
    return None if best is None else best[1]


def path(scene: Scene, lens: Lens, frames: int, rng: np.random.Generator) -> list[Attitude] | None:
    """Return a smooth path of `frames` good poses; None if there is none."""
    start = single(scene, lens, rng)
    if start is None or frames == 1:
        return None if start is None else [start]
    for attempt in range(_TRIES):
        shrink = 0.5 ** (attempt // 12)
        candidate = _moved(start, frames, shrink, rng)
        if all(is_free(scene, a.position_m) for a in candidate) and all(probe(scene, lens, a).good for a in candidate):
            return candidate
    return None


def _moved(start: Attitude, frames: int, shrink: float, rng: np.random.Generator) -> list[Attitude]:
    way = rng.uniform(-np.pi, np.pi)
    reach = rng.uniform(0.25, 1.2) * shrink
    step = np.array([np.cos(way), np.sin(way), rng.uniform(-0.3, 0.3)]) * reach
    turn = rng.uniform(-0.6, 0.6) * shrink
    nod, tilt = rng.uniform(-0.15, 0.15) * shrink, rng.uniform(-0.05, 0.05) * shrink
    low, high = np.deg2rad(PITCH_DEG)
    limit = np.deg2rad(ROLL_DEG)
    attitudes = []
    for t in np.linspace(0, 1, frames):
        x, y, z = np.array(start.position_m) + t * step
        attitudes.append(
            Attitude(
                (float(x), float(y), float(z)),
                float(start.yaw_rad + t * turn),
                float(np.clip(start.pitch_rad + t * nod, low, high)),
                float(np.clip(start.roll_rad + t * tilt, -limit, limit)),
            )
        )
    return attitudes
