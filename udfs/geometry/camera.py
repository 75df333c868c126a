"""Pinhole camera: converts pixels and depth to points in frame C (x right, y down, z forward)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Pinhole:
    """Intrinsics in px; the center of the top-left pixel is (0, 0)."""

    fx: float
    fy: float
    cx: float
    cy: float

    @classmethod
    def of(cls, camera: Mapping[str, float]) -> "Pinhole":
        """Return the intrinsics of a CAMERA struct."""
        return cls(float(camera["fx"]), float(camera["fy"]), float(camera["cx"]), float(camera["cy"]))

    def rays(self, u: Array, v: Array) -> NDArray[np.float64]:
        """Return (n, 3) rays (x, y, 1) through pixel coordinates (n,), (n,)."""
        out = np.empty((len(u), 3))
        out[:, 0] = (u - self.cx) / self.fx
        out[:, 1] = (v - self.cy) / self.fy
        out[:, 2] = 1.0
        return out

    def unproject(self, u: Array, v: Array, z_m: Array) -> NDArray[np.float64]:
        """Return (n, 3) points in C, m, from pixel coordinates and depth along the optical axis, m."""
        out = np.empty((len(u), 3))
        out[:, 0] = (u - self.cx) * z_m / self.fx
        out[:, 1] = (v - self.cy) * z_m / self.fy
        out[:, 2] = z_m
        return out
