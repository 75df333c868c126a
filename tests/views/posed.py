"""Lifted frames of rendered camera paths, and the same frames in another world."""

from dataclasses import replace
from functools import cache

import numpy as np

from benchmarks.views import lifted_views
from scenes.paths import CameraPath, PathSettings, camera_path
from udfs.geometry.posed_view import PosedView

ORBIT = 7  # an orbit around things on a desk
PAN = 2  # a pan close to a table, of which no frame shows the legs


@cache
def path(index: int = ORBIT, moved: bool = False) -> CameraPath:
    return camera_path(1, index, PathSettings(moved=moved, frames=6))


@cache
def views(index: int = ORBIT, moved: bool = False) -> tuple[PosedView, ...]:
    return tuple(lifted_views(path(index, moved)))


def in_other_world(view: PosedView, rotation: np.ndarray, shift: np.ndarray) -> PosedView:
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = rotation, shift
    return replace(view, pose=motion @ view.pose)
