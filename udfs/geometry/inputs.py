"""The input of lifting one image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from udfs.geometry.depth_map import DepthMap
from udfs.geometry.gravity import Gravity
from udfs.geometry.limits import LiftSettings


@dataclass(frozen=True)
class SceneInput:
    """Depth and its declared relative 1-sigma error, REGION structs, gravity (None: estimate it) and thresholds.

    `scale_sigma_rel` is the declared relative error that all lengths share.
    """

    depth: DepthMap
    regions: Sequence[Mapping[str, Any]]
    gravity: Gravity | None
    sigma_rel: float
    limits: LiftSettings
    scale_sigma_rel: float = 0.0
