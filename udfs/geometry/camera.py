"""Pinhole camera: converts pixels and depth to points in frame C (x right, y down, z forward)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FOV_RANGE_DEG = (5.0, 170.0)
_MAX_FOCAL_RATIO = 2.0
# The narrow side of a strip that is cropped from an image may span any angle.
_STRIP_ASPECT = 2.0


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

    def impossible(self, width: int, height: int) -> str | None:
        """Return why no camera has these intrinsics with an image of that size in px, None where one may.

        Both sides span 5 to 170 degrees, a strip's narrow side any angle up to 170; fx and fy are within 2 times of
        each other.
        """
        low, high = FOV_RANGE_DEG
        sides = (
            ("horizontal", "fx", "cx", self.fx, self.cx, width),
            ("vertical", "fy", "cy", self.fy, self.cy, height),
        )
        for name, of_focal, of_center, focal, center, side in sides:
            spans_deg = math.degrees(math.atan2(side - 0.5 - center, focal) + math.atan2(center + 0.5, focal))
            # An image off the optical axis spans less than one of its size on the axis.
            widest_deg = math.degrees(2 * math.atan2(0.5 * side, focal))
            is_strip = _STRIP_ASPECT * side < max(width, height)
            if not widest_deg <= high or not (spans_deg >= low or is_strip):
                fov_deg = spans_deg if widest_deg <= high else widest_deg
                given = f"{of_focal} = {focal!r} and {of_center} = {center!r} px span {fov_deg:.3g} degrees over"
                return f"{given} the image's {side} px, and a {name} field of view is {low:.0f} to {high:.0f} degrees"
        if not max(self.fx, self.fy) <= _MAX_FOCAL_RATIO * min(self.fx, self.fy):
            return f"fx = {self.fx!r} px and fy = {self.fy!r} px are over {_MAX_FOCAL_RATIO:.0f} times apart"
        return None
