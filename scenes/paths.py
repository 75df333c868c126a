"""Camera paths through rendered rooms, with exact depth and masks: walk-throughs, orbits and pans.

A turn all around shows every wall of the room, a watch keeps one place in sight. A thing may be moved in the middle of
a path, and depth and masks may be those of an imitated sensor.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from scenes.camera import Attitude, Camera, Lens, is_free, probe, random_lens
from scenes.mesh import Mesh
from scenes.placed_objects import PlacedObject
from scenes.placement import Room
from scenes.render import Frame, render_frame
from scenes.rooms import furnished_room
from scenes.scene import BACKGROUND, Scene
from scenes.sensing import Surfaces, drawn_masks, random_sensor, sensed_depth
from scenes.settings import ROOM_KINDS
from scenes.shading import Lighting, random_lighting
from scenes.shapes import pick

PathKind = Literal["walk", "orbit", "pan", "turn", "watch"]
# Those that are drawn in turn where no kind is named.
KINDS: tuple[PathKind, ...] = ("walk", "orbit", "pan")
_ATTEMPTS, _TRIES, _MOVES = 60, 30, 40
_MIN_PX = 100
_MIN_OBJECTS = 4
_MIN_MOVE_M, _MAX_MOVED_M = 0.25, 1.2
_HEIGHT_M = (1.0, 1.8)


@dataclass(frozen=True)
class PathSettings:
    """How paths are rendered.

    `sensor` gives depth and masks as an imitated sensor sees them, `moved` moves one thing in the middle of the path,
    and `shaded` also renders the image itself. `kind` is that of all paths; without it, walks, orbits and pans come in
    turn.
    """

    width: int = 320
    height: int = 240
    frames: int = 8
    sensor: bool = False
    moved: bool = False
    shaded: bool = False
    kind: PathKind | None = None


@dataclass(frozen=True, eq=False)
class PathFrame:
    """One frame: what the engine may see (`depth_mm`, `instances`), and the truth.

    `exact_m` [h, w] and `exact_instances` [h, w] are exact, `room` is the room as it stands in this frame, and
    `frame` its image, None unless it is shaded.
    """

    camera: Camera
    depth_mm: np.ndarray
    instances: np.ndarray
    exact_m: np.ndarray
    exact_instances: np.ndarray
    room: Room
    frame: Frame | None = None


@dataclass(frozen=True, eq=False)
class CameraPath:
    """A rendered path; `ids` are those of the room's objects in every mask, `moved_id` is that of the moved one."""

    name: str
    kind: PathKind
    ids: list[int]
    moved_id: int | None
    frames: list[PathFrame] = field(default_factory=list)

    def item(self, object_id: int, frame: int = 0) -> PlacedObject:
        """Return an object as it stands in a frame, by its place in the path."""
        return self.frames[frame].room.objects[self.ids.index(object_id)]

    def mesh(self, object_id: int, frame: int = 0) -> Mesh:
        """Return its surface in the world."""
        item = self.item(object_id, frame)
        vertices, faces, _ = item.design.merged
        return Mesh(item.world(vertices), faces)


def camera_path(seed: int, index: int, settings: PathSettings | None = None) -> CameraPath:
    """Render path `index` of a seed; the same arguments always give the same pixels.

    Raises:
        ValueError: none of 60 candidate rooms has such a path.
    """
    settings = settings or PathSettings()
    for attempt in range(_ATTEMPTS):
        rng = np.random.default_rng([seed, index, attempt, 7])
        made = _path(seed, index, rng, settings)
        if made is not None:
            return made
    raise ValueError(f"No room of path {index} with seed {seed} has room for the camera; use another seed.")


def camera_paths(count: int, seed: int, settings: PathSettings | None = None) -> Iterator[CameraPath]:
    """Yield `count` paths, of every kind in turn."""
    for index in range(count):
        yield camera_path(seed, index, settings)


def _path(seed: int, index: int, rng: np.random.Generator, settings: PathSettings) -> CameraPath | None:
    kind = settings.kind or KINDS[index % len(KINDS)]
    room = furnished_room(ROOM_KINDS[int(rng.integers(len(ROOM_KINDS) - (kind == "walk")))], rng)
    if not _MIN_OBJECTS <= len(room.objects) <= 250:
        return None
    scene = Scene(room, rng)
    lens = random_lens((settings.width, settings.height), rng)
    attitudes = _attitudes(kind, scene, lens, settings.frames, rng)
    if attitudes is None:
        return None
    cameras = [lens.camera(attitude) for attitude in attitudes]
    rooms, place = [room] * settings.frames, None
    if settings.moved:
        place, after = _with_move(scene, cameras, rng)
        if after is None:
            return None
        rooms = [room if number < settings.frames // 2 else after for number in range(settings.frames)]
    ids = [int(one) + 1 for one in rng.permutation(len(room.objects))]
    frames = _rendered(cameras, rooms, ids, settings, rng)
    name = f"{kind}-{seed}-{index:04d}"
    return CameraPath(name, kind, ids, None if place is None else ids[place], frames)


def _attitudes(
    kind: PathKind, scene: Scene, lens: Lens, frames: int, rng: np.random.Generator
) -> list[Attitude] | None:
    """Draw a path on which nothing blocks the view and most frames show three objects or more."""
    draw = {"walk": _walk, "orbit": _orbit, "pan": _pan, "turn": _turn, "watch": _watch}[kind]
    for _ in range(_TRIES):
        found = draw(scene.room, frames, rng)
        if not all(is_free(scene, one.position_m) for one in found):
            continue
        views = [probe(scene, lens, one) for one in found]
        good = sum(view.good for view in views)
        if all(view.clear and view.ranges_m for view in views) and 2 * good >= frames:
            return found
    return None


def _walk(room: Room, frames: int, rng: np.random.Generator) -> list[Attitude]:
    """Go straight through the room, looking ahead and more and more aside."""
    start, goal = (rng.uniform(0.3, np.array(room.size_m[:2]) - 0.3) for _ in range(2))
    height, pitch = rng.uniform(*_HEIGHT_M), rng.uniform(0.1, 0.5)
    ahead = float(np.arctan2(*(goal - start)[::-1]))
    aside, turn = rng.normal(0, 0.4), rng.uniform(-1.2, 1.2)
    rise = rng.uniform(-0.2, 0.2)
    reach = min(1.0, rng.uniform(0.8, 3.0) / max(float(np.hypot(*(goal - start))), 1e-6))
    return [
        _attitude(start + t * reach * (goal - start), height + t * rise, ahead + aside + t * turn, pitch, rng)
        for t in np.linspace(0, 1, frames)
    ]


def _orbit(room: Room, frames: int, rng: np.random.Generator) -> list[Attitude]:
    """Go around one thing, looking at it."""
    return _around(room, frames, rng, (np.pi / 3, 1.4 * np.pi), (0.7, 2.0))


def _watch(room: Room, frames: int, rng: np.random.Generator) -> list[Attitude]:
    """Keep one thing and its surroundings in sight, from a little farther away, and go a few steps aside."""
    return _around(room, frames, rng, (0.1, 0.6), (1.5, 3.0))


def _around(
    room: Room, frames: int, rng: np.random.Generator, span_rad: tuple[float, float], away_m: tuple[float, float]
) -> list[Attitude]:
    target = room.objects[int(rng.integers(len(room.objects)))]
    center = target.world((0.0, 0.0, float(target.design.size_m[2]) / 2))
    radius = target.radius_m + rng.uniform(*away_m)
    start, span = rng.uniform(-np.pi, np.pi), rng.uniform(*span_rad) * pick(rng, (-1.0, 1.0))
    height = float(np.clip(center[2] + rng.uniform(0.2, 0.9), 0.35, 1.9))
    pitch = float(np.clip(np.arctan2(height - center[2], radius), 0.0, 1.0))
    around = [start + t * span for t in np.linspace(0, 1, frames)]
    return [
        _attitude(center[:2] + radius * np.array([np.cos(a), np.sin(a)]), height, a + np.pi, pitch, rng) for a in around
    ]


def _turn(room: Room, frames: int, rng: np.random.Generator) -> list[Attitude]:
    """Turn on the spot, near the middle of the room and nearly level, once all around."""
    place = rng.uniform(0.35, 0.65, 2) * np.array(room.size_m[:2])
    height, pitch = rng.uniform(*_HEIGHT_M), rng.uniform(0.0, 0.3)
    start, step = rng.uniform(-np.pi, np.pi), 2 * np.pi / frames * pick(rng, (-1.0, 1.0))
    return [_attitude(place, height, start + k * step, pitch, rng) for k in range(frames)]


def _pan(room: Room, frames: int, rng: np.random.Generator) -> list[Attitude]:
    """Turn on the spot, up to all around."""
    place = rng.uniform(0.25, 0.75, 2) * np.array(room.size_m[:2])
    height, pitch = rng.uniform(*_HEIGHT_M), rng.uniform(0.15, 0.55)
    start = rng.uniform(-np.pi, np.pi)
    span = rng.uniform(np.pi / 3, 2 * np.pi * (frames - 1) / frames) * pick(rng, (-1.0, 1.0))
    return [_attitude(place, height, start + t * span, pitch, rng) for t in np.linspace(0, 1, frames)]


def _attitude(place: np.ndarray, height: float, yaw_rad: float, pitch_rad: float, rng: np.random.Generator) -> Attitude:
    jitter = rng.normal(0, 0.01, 3)
    position = (float(place[0]), float(place[1]), float(height))
    return Attitude(position, float(yaw_rad + jitter[0]), float(pitch_rad + jitter[1]), float(jitter[2]))


def _with_move(scene: Scene, cameras: list[Camera], rng: np.random.Generator) -> tuple[int | None, Room | None]:
    """Return the place of an object that is seen before and after, and the room with it moved; None if none fits."""
    room, half = scene.room, len(cameras) // 2
    seen = [_pixels(scene, camera, len(room.objects)) for camera in cameras]
    carriers = {item.parent for item in room.objects}
    shown = [place for place in range(len(room.objects)) if place not in carriers]
    shown = [place for place in shown if max(counts[place] for counts in seen[:half]) >= 4 * _MIN_PX]
    for place in rng.permutation(shown)[:_MOVES]:
        item = room.objects[int(place)]
        angle, far = rng.uniform(-np.pi, np.pi), rng.uniform(_MIN_MOVE_M, _MAX_MOVED_M)
        shift = far * np.array([np.cos(angle), np.sin(angle), 0.0])
        moved = replace(item, position_m=item.position_m + shift)
        others = [other for k, other in enumerate(room.objects) if k != place]
        if not replace(room, objects=others).fits(moved, None) or not _is_held(room, item, moved):
            continue
        after = replace(room, objects=[moved if k == place else other for k, other in enumerate(room.objects)])
        later = Scene(after, np.random.default_rng(0))
        if max(_pixels(later, camera, len(room.objects))[place] for camera in cameras[half:]) >= 4 * _MIN_PX:
            return int(place), after
    return None, None


def _is_held(room: Room, item: PlacedObject, moved: PlacedObject) -> bool:
    """Return whether a moved object still stands: on the floor, or wholly within the top of what carries it."""
    if item.parent is None:
        return float(item.position_m[2]) < 0.01
    host = room.objects[item.parent]
    for surface in host.design.shape.surfaces:
        local = (moved.position_m - host.position_m) @ host.rotation
        x0, y0, x1, y1 = surface.rect
        within = x0 + item.radius_m <= local[0] <= x1 - item.radius_m
        within = within and y0 + item.radius_m <= local[1] <= y1 - item.radius_m
        if within and abs(surface.z - local[2]) < 0.01 and not surface.inside:
            return True
    return False


def _pixels(scene: Scene, camera: Camera, objects: int) -> np.ndarray:
    hits = scene.cast(camera.position_m, camera.rays())
    return np.bincount(scene.face_object[hits.face] - BACKGROUND, minlength=objects + 1)[1:]


def _rendered(
    cameras: list[Camera], rooms: list[Room], ids: list[int], settings: PathSettings, rng: np.random.Generator
) -> list[PathFrame]:
    looks, sensor = int(rng.integers(2**31)), random_sensor(rng)
    lighting = random_lighting(rooms[0].size_m, rng)
    wander_px, bleed_px = float(rng.uniform(0.0, 1.5)), int(rng.integers(0, 4))
    scenes = {id(room): Scene(room, np.random.default_rng(looks)) for room in rooms}
    frames = []
    for camera, room in zip(cameras, rooms, strict=True):
        scene = scenes[id(room)]
        size = camera.size_px[::-1]
        hits = scene.cast(camera.position_m, camera.rays())
        exact_m, faces = hits.z.reshape(size).astype(np.float32), hits.face.reshape(size)
        objects = scene.face_object[faces]
        counts = np.bincount(objects.ravel() - BACKGROUND, minlength=len(ids) + 1)[1:]
        exact = np.concatenate([[0], np.where(counts >= _MIN_PX, ids, 0)]).astype(np.uint8)[objects - BACKGROUND]
        depth_m, masks = exact_m, exact
        if settings.sensor:
            materials = scene.face_material[faces]
            albedo = np.array([np.mean(one.rgb) for one in scene.materials], np.float32)[materials]
            gloss = np.array([one.gloss for one in scene.materials], np.float32)[materials]
            depth_m = sensed_depth(Surfaces(exact_m, albedo, gloss), camera.focal_px, sensor, rng)
            masks = drawn_masks(exact, wander_px, bleed_px, rng)
        depth_mm = np.clip(np.rint(depth_m * 1000.0), 0, 65535).astype(np.uint16)
        shown = _shaded(scene, camera, lighting, rng) if settings.shaded else None
        frames.append(PathFrame(camera, depth_mm, masks, exact_m, exact, room, shown))
    return frames


def _shaded(scene: Scene, camera: Camera, lighting: Lighting, rng: np.random.Generator) -> Frame:
    return render_frame(scene, camera, lighting, rng)
