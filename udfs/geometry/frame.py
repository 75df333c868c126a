"""Frame W: x the camera's forward made horizontal, y left, z up, origin below the camera."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
_LEAST_HORIZONTAL = 0.02


@dataclass(frozen=True)
class WorldFrame:
    """p_W = rotation @ p_C + [0, 0, camera_height_m]."""

    rotation: NDArray[np.float64]
    camera_height_m: float

    def points(self, points_c: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, 3) points of C in W, m."""
        out = points_c @ self.rotation.T
        out[:, 2] += self.camera_height_m
        return out

    def row_major(self) -> list[float]:
        """Return the 3x4 matrix, row by row, as 12 floats."""
        matrix = np.hstack([self.rotation, [[0.0], [0.0], [self.camera_height_m]]])
        return [float(value) for value in matrix.ravel()]


def rotation_of(up_c: Vector) -> NDArray[np.float64]:
    """Return the rotation C -> W for a unit up vector in C.

    A camera that looks straight down has no horizontal forward; there the picture's up takes its place.
    """
    forward: Vector = np.array([0.0, 0.0, 1.0]) - up_c[2] * up_c
    if np.linalg.norm(forward) < _LEAST_HORIZONTAL:
        forward = np.array([0.0, -1.0, 0.0]) + up_c[1] * up_c
    forward = forward / float(np.linalg.norm(forward))
    return np.stack([forward, np.cross(up_c, forward), up_c])
