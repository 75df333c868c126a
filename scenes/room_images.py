"""Renders the images of a room with exact depth and masks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scenes.camera import Camera, random_lens
from scenes.placed_objects import PlacedObject
from scenes.render import Frame, render_frame
from scenes.rooms import furnished_room
from scenes.scene import BACKGROUND, Scene
from scenes.settings import RenderSettings
from scenes.shading import random_lighting
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


def room_images(settings: RenderSettings, index: int) -> list[RoomImage]:
    """Render the images of room `index`; the same settings and index always give the same pixels.

    Raises NoView if no candidate room shows three objects.
    """
    for attempt in range(_ATTEMPTS):
        rng = np.random.default_rng([settings.seed, index, attempt])
        kind = settings.rooms[int(rng.integers(len(settings.rooms)))]
        room = furnished_room(kind, rng)
        if len(room.objects) > 254 or not room.objects:
            continue
        scene = Scene(room, rng)
        lens = random_lens((settings.width, settings.height), rng)
        attitudes = path(scene, lens, settings.frames, rng)
        if attitudes is None:
            continue
        lighting = random_lighting(room.size_m, rng)
        ids = rng.permutation(len(room.objects)) + 1
        views: list[RoomImage] = []
        for number, attitude in enumerate(attitudes):
            camera = lens.camera(attitude)
            frame = render_frame(scene, camera, lighting, rng)
            view = _instances(scene, frame, ids, settings.min_object_px)
            if view is None:
                break
            views.append(RoomImage(index, kind, number, camera, frame, *view))
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
