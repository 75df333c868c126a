"""Depth as LeRobot stores it: 12-bit codes of a video, logarithmic or linear, or images in m or mm."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CODES = 4095
_MAX_MM = 65535
# What LeRobot takes where a dataset does not say.
_DEFAULTS = {"depth_min": 0.01, "depth_max": 10.0, "shift": 3.5, "use_log": True}


def depth_of_codes_mm(codes: NDArray[Any], feature: Mapping[str, Any]) -> NDArray[np.uint16]:
    """Return the depth [h, w] in mm of the codes of a video's frame; the outermost codes mean anything beyond: 0."""
    told = _described(feature)
    low, high, shift = (float(told[name]) for name in ("depth_min", "depth_max", "shift"))
    share = codes.astype(np.float64) / _CODES
    if told["use_log"]:
        start, end = math.log(low + shift), math.log(high + shift)
        depth_m = np.exp(start + share * (end - start)) - shift
    else:
        depth_m = low + share * (high - low)
    depth_m[(codes <= 0) | (codes >= _CODES)] = 0.0
    return _millimeters(depth_m * 1000.0)


def depth_of_image_mm(values: NDArray[Any], feature: Mapping[str, Any]) -> NDArray[np.uint16]:
    """Return the depth [h, w] in mm of a stored image; without a unit, floats are m and integers mm."""
    unit = (feature.get("info") or {}).get("depth_unit")
    in_m = unit == "m" if unit else np.issubdtype(values.dtype, np.floating)
    return _millimeters(values.astype(np.float64) * (1000.0 if in_m else 1.0))


def _described(feature: Mapping[str, Any]) -> dict[str, Any]:
    told = {**(feature.get("video_info") or {}), **(feature.get("info") or {})}
    found = {name: told.get(name, told.get(f"video.{name}")) for name in _DEFAULTS}
    return {name: _DEFAULTS[name] if value is None else value for name, value in found.items()}


def _millimeters(depth_mm: NDArray[np.float64]) -> NDArray[np.uint16]:
    known = np.isfinite(depth_mm) & (depth_mm > 0) & (depth_mm <= _MAX_MM)
    return np.where(known, np.rint(np.where(known, depth_mm, 0.0)), 0.0).astype(np.uint16)
