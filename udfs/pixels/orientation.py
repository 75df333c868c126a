"""EXIF orientations: one table of signed permutations, from which every turn to the upright image follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Size = tuple[int, int]


@dataclass(frozen=True)
class Orientation:
    """How the stored pixels of a file are turned to the upright image, which is the one that people see.

    `axes` takes a stored direction (u right, v down) to an upright one: a rotation by quarters, or with a mirror.
    Camera frames (x right, y down, z forward) turn likewise about z. `transpose` is Pillow's name for the turn.
    """

    tag: int
    axes: tuple[tuple[int, int], tuple[int, int]]
    transpose: Image.Transpose | None

    @property
    def quarter(self) -> bool:
        """Return whether the upright width is the stored height."""
        return self.axes[0][0] == 0

    @property
    def mirrored(self) -> bool:
        """Return whether stored pixels show the upright image in a mirror."""
        (a, b), (c, d) = self.axes
        return a * d - b * c < 0

    def size(self, size: Size) -> Size:
        """Return width and height of the upright image, px, from the stored ones, or the other way around."""
        return (size[1], size[0]) if self.quarter else size

    def image(self, stored: Image.Image) -> Image.Image:
        """Return an image of stored pixels upright."""
        return stored if self.transpose is None else stored.transpose(self.transpose)

    def map(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return a map (h, w) or (h, w, c) of the stored pixels upright."""
        turned = stored.swapaxes(0, 1) if self.quarter else stored
        across, down = (-1 if sum(row) < 0 else 1 for row in self.axes)
        return np.ascontiguousarray(turned[::down, ::across])

    def vector(self, stored: Sequence[float]) -> list[float]:
        """Return a direction or a point [3] of the stored pixels' camera frame in that of the upright image."""
        return _numbers(self._frame @ np.asarray(stored, dtype=np.float64))

    def camera(self, stored: Mapping[str, float], stored_size: Size) -> dict[str, float]:
        """Return the intrinsics {fx, fy, cx, cy}, px, of an upright image whose stored pixels have these."""
        axes = np.array(self.axes)
        fx, fy = np.abs(axes) @ (stored["fx"], stored["fy"])
        last = np.subtract(self.size(stored_size), 1)
        # A reversed axis is counted from the other edge, whose pixel has the center side - 1.
        cx, cy = axes @ (stored["cx"], stored["cy"]) + last * (axes.sum(axis=1) < 0)
        return {"fx": float(fx), "fy": float(fy), "cx": float(cx), "cy": float(cy)}

    def box(self, stored: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
        """Return a box {center, size, rotation} of the stored pixels' camera frame in that of the upright image.

        Where the turn mirrors, the box's own x axis is reversed, so that its axes stay right-handed; the box fills the
        same space.
        """
        rotation = self._frame @ np.reshape(np.asarray(stored["rotation"], dtype=np.float64), (3, 3))
        return {
            "center": self.vector(stored["center"]),
            "size": list(stored["size"]),
            "rotation": _numbers(rotation @ self._reflection[:3, :3]),
        }

    def pose(self, stored: Sequence[float]) -> list[float]:
        """Return a pose [16], camera to world, row-major, for the camera frame of the upright image.

        Where the turn mirrors, the world is mirrored too, in the plane x = 0, since no rigid pose takes a mirrored
        camera frame to the given world. World up, which is y or z, stays.
        """
        turn = np.eye(4)
        turn[:3, :3] = self._frame
        pose = np.reshape(np.asarray(stored, dtype=np.float64), (4, 4))
        return _numbers(self._reflection @ pose @ turn.T)

    @property
    def _frame(self) -> NDArray[np.float64]:
        frame = np.eye(3)
        frame[:2, :2] = self.axes
        return frame

    @property
    def _reflection(self) -> NDArray[np.float64]:
        return np.diag([-1.0 if self.mirrored else 1.0, 1.0, 1.0, 1.0])


# Tag 6: the stored rows run from right to left and the stored columns from top to bottom.
_TABLE: dict[int, tuple[tuple[tuple[int, int], tuple[int, int]], Image.Transpose | None]] = {
    1: (((1, 0), (0, 1)), None),
    2: (((-1, 0), (0, 1)), Image.Transpose.FLIP_LEFT_RIGHT),
    3: (((-1, 0), (0, -1)), Image.Transpose.ROTATE_180),
    4: (((1, 0), (0, -1)), Image.Transpose.FLIP_TOP_BOTTOM),
    5: (((0, 1), (1, 0)), Image.Transpose.TRANSPOSE),
    6: (((0, -1), (1, 0)), Image.Transpose.ROTATE_270),
    7: (((0, -1), (-1, 0)), Image.Transpose.TRANSVERSE),
    8: (((0, 1), (-1, 0)), Image.Transpose.ROTATE_90),
}
ORIENTATIONS: Mapping[int, Orientation] = {tag: Orientation(tag, *turn) for tag, turn in _TABLE.items()}
UPRIGHT = ORIENTATIONS[1]


def _numbers(values: NDArray[np.float64]) -> list[float]:
    # Adding 0 turns -0.0 into 0.0.
    return (values + 0.0).ravel().tolist()
