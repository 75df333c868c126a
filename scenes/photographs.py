"""One room to photographs with exact truth."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scenes.camera import Camera, drawn_lens
from scenes.render import Frame, rendered
from scenes.rooms import furnished
from scenes.scene import BACKGROUND, Scene
from scenes.settings import RenderSettings
from scenes.shading import drawn_lighting
from scenes.things import Thing
from scenes.views import path

_ATTEMPTS = 50
_LEAST_SHARE = 0.003
_LEAST_OBJECTS = 3


class NoView(Exception):
    """No camera in any drawn room sees enough objects."""


@dataclass(frozen=True, eq=False)
class Photograph:
    """One view: `frame`, its camera, `instances` [h, w] uint8 ids, and the things that show, by id, largest first."""

    room_index: int
    room_kind: str
    frame_index: int
    camera: Camera
    frame: Frame
    instances: np.ndarray
    objects: dict[int, Thing]


def photographs(settings: RenderSettings, index: int) -> list[Photograph]:
    """Return the photographs of room `index`; the same settings and index always give the same pixels.

    Raises NoView when no drawn room shows three objects.
    """
    for attempt in range(_ATTEMPTS):
        rng = np.random.default_rng([settings.seed, index, attempt])
        kind = settings.rooms[int(rng.integers(len(settings.rooms)))]
        room = furnished(kind, rng)
        if len(room.things) > 254 or not room.things:
            continue
        scene = Scene(room, rng)
        lens = drawn_lens((settings.width, settings.height), rng)
        attitudes = path(scene, lens, settings.frames, rng)
        if attitudes is None:
            continue
        lighting = drawn_lighting(room.size_m, rng)
        ids = rng.permutation(len(room.things)) + 1
        views: list[Photograph] = []
        for number, attitude in enumerate(attitudes):
            camera = lens.camera(attitude)
            frame = rendered(scene, camera, lighting, rng)
            view = _labelled(scene, frame, ids, settings.min_object_px)
            if view is None:
                break
            views.append(Photograph(index, kind, number, camera, frame, *view))
        if len(views) == settings.frames:
            return views
    raise NoView(f"No view of room {index} with seed {settings.seed} shows {_LEAST_OBJECTS} objects; use another seed.")


def _labelled(
    scene: Scene, frame: Frame, ids: np.ndarray, min_object_px: int
) -> tuple[np.ndarray, dict[int, Thing]] | None:
    """Return the instance ids and the things that show enough pixels, or None when too few are large enough."""
    counts = np.bincount(frame.things.ravel() - BACKGROUND, minlength=len(ids) + 1)[1:]
    if (counts > _LEAST_SHARE * frame.things.size).sum() < _LEAST_OBJECTS:
        return None
    shown = counts >= min_object_px
    table = np.concatenate([[0], np.where(shown, ids, 0)]).astype(np.uint8)
    order = [int(i) for i in np.argsort(-counts, kind="stable") if shown[i]]
    return table[frame.things - BACKGROUND], {int(ids[i]): scene.room.things[i] for i in order}


def every(settings: RenderSettings, first: int, last: int) -> Iterator[Photograph]:
    """Yield the photographs of rooms `first` (inclusive) to `last` (exclusive)."""
    for index in range(first, last):
        yield from photographs(settings, index)
