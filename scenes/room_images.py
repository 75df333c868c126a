"""Renders the images of a room with exact depth and masks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scenes.camera import Camera, random_lens
from scenes.placed_objects import PlacedObject
from scenes.placement import Room
from scenes.render import Frame, render_frame
from scenes.rooms import furnished_room
from scenes.scene import BACKGROUND, Scene
from scenes.settings import RenderSettings
from scenes.shading import Lighting, random_lighting
from scenes.views import path

_ATTEMPTS = 50
_MIN_SHARE = 0.003
_MIN_OBJECTS = 3


class NoView(Exception):
    """No camera position in any candidate room sees enough objects."""


@dataclass(frozen=True, eq=False)
class RoomImage:
    """One view: `frame`, its camera, `instances` [h, w] uint8 ids, and the visible objects by id, largest first."""

    room_index: int
    room_kind: str
    frame_index: int
    camera: Camera
    frame: Frame
    instances: np.ndarray
    objects: dict[int, PlacedObject]
    room: Room


@dataclass(frozen=True, eq=False)
class BuiltRoom:
    """A room ready to be rendered: its mesh, the cameras, and the id of each object; `rng` draws the shading."""

    scene: Scene
    cameras: list[Camera]
    lighting: Lighting
    ids: np.ndarray
    rng: np.random.Generator


def built_room(settings: RenderSettings, index: int, attempt: int) -> BuiltRoom | None:
    """Build candidate `attempt` of room `index`; None if it holds too few objects or no camera sees enough."""
    rng = np.random.default_rng([settings.seed, index, attempt])
    kind = settings.rooms[int(rng.integers(len(settings.rooms)))]
    room = furnished_room(kind, rng, _doorway_rng(settings, index, attempt))
    if len(room.objects) > 254 or not room.objects:
        return None
    scene = Scene(room, rng)
    lens = random_lens((settings.width, settings.height), rng)
    attitudes = path(scene, lens, settings.frames, rng)
    if attitudes is None:
        return None
    lighting = random_lighting(room.size_m, rng)
    ids = rng.permutation(len(room.objects)) + 1
    return BuiltRoom(scene, [lens.camera(attitude) for attitude in attitudes], lighting, ids, rng)


def _doorway_rng(settings: RenderSettings, index: int, attempt: int) -> np.random.Generator | None:
    """Return a generator of its own, so that rooms without doorways stay what they were."""
    return np.random.default_rng([settings.seed, index, attempt, 1]) if settings.doorways else None


def room_images(settings: RenderSettings, index: int) -> list[RoomImage]:
    """Render the images of room `index`; the same settings and index always give the same pixels.

    Raises NoView if no candidate room shows three objects.
    """
    for attempt in range(_ATTEMPTS):
        built = built_room(settings, index, attempt)
        if built is None:
            continue
        views: list[RoomImage] = []
        for number, camera in enumerate(built.cameras):
            frame = render_frame(built.scene, camera, built.lighting, built.rng)
            view = _instances(built.scene, frame, built.ids, settings.min_object_px)
            if view is None:
                break
            views.append(RoomImage(index, built.scene.room.kind, number, camera, frame, *view, built.scene.room))
        if len(views) == settings.frames:
            return views
    raise NoView(f"No view of room {index} with seed {settings.seed} shows {_MIN_OBJECTS} objects; use another seed.")


def _instances(
    scene: Scene, frame: Frame, ids: np.ndarray, min_object_px: int
) -> tuple[np.ndarray, dict[int, PlacedObject]] | None:
    """Return the instance ids and the objects with enough pixels; None if too few are large enough."""
    counts = np.bincount(frame.object_index.ravel() - BACKGROUND, minlength=len(ids) + 1)[1:]
    if (counts > _MIN_SHARE * frame.object_index.size).sum() < _MIN_OBJECTS:
        return None
    shown = counts >= min_object_px
    table = np.concatenate([[0], np.where(shown, ids, 0)]).astype(np.uint8)
    order = [int(i) for i in np.argsort(-counts, kind="stable") if shown[i]]
    return table[frame.object_index - BACKGROUND], {int(ids[i]): scene.room.objects[i] for i in order}


def images_of_rooms(settings: RenderSettings, first: int, last: int) -> Iterator[RoomImage]:
    """Yield the images of rooms `first` (inclusive) to `last` (exclusive)."""
    for index in range(first, last):
        yield from room_images(settings, index)
