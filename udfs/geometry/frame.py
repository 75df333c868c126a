"""Frame W: x is the horizontal part of the camera's forward direction, y left, z up, origin below the camera."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
_MIN_HORIZONTAL = 0.02


@dataclass(frozen=True)
class WorldFrame:
    """p_W = rotation @ p_C + [0, 0, camera_height_m]."""

    rotation: NDArray[np.float64]
    camera_height_m: float

    def points(self, points_c: NDArray[np.float64]) -> NDArray[np.float64]:
        """Transform (n, 3) points from C to W, m."""
        out = points_c @ self.rotation.T
        out[:, 2] += self.camera_height_m
        return out

    def row_major(self) -> list[float]:
        """Return the 3x4 matrix as 12 floats in row-major order."""
        matrix = np.hstack([self.rotation, [[0.0], [0.0], [self.camera_height_m]]])
        return [float(value) for value in matrix.ravel()]


def rotation_of(up_c: Vector) -> NDArray[np.float64]:
    """Return the rotation C -> W for a unit up vector in C.

    For a camera that looks straight down, the image's up direction replaces the missing horizontal forward.
    """
    forward: Vector = np.array([0.0, 0.0, 1.0]) - up_c[2] * up_c
    if np.linalg.norm(forward) < _MIN_HORIZONTAL:
        forward = np.array([0.0, -1.0, 0.0]) + up_c[1] * up_c
    forward = forward / float(np.linalg.norm(forward))
    return np.stack([forward, np.cross(up_c, forward), up_c])
