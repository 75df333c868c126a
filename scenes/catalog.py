"""Kinds of things as data: nominal size, builder, where they go, fronts and colours."""

from dataclasses import dataclass

import numpy as np

from scenes.colours import ANY
from scenes.shapes import Builder, Shape, Size

WOODS = ("brown", "beige", "white", "black", "gray", "red", "blue", "green", "yellow", "turquoise")
APPLIANCES = ("white", "gray", "black", "red", "turquoise", "beige", "blue", "orange")
ELECTRONICS = ("black", "gray", "white", "red", "blue", "pink")


@dataclass(frozen=True)
class Kind:
    """One kind of thing.

    `size_m` is the middle (depth x, width y, height z); the scale is log-uniform over a factor of `spread`, each
    axis further by up to `jitter` (natural log). `on` names the surfaces it goes on: floor, wall (standing against
    it), hung, or a surface tag. `front` says whether its x axis is a front that people would name.
    """

    label: str
    size_m: Size
    build: Builder
    on: frozenset[str]
    front: bool = False
    colours: tuple[str, ...] = ANY
    textures: tuple[str, ...] = ("plain",)
    spread: float = 2.3
    jitter: float = 0.16
    gloss: float = 0.0

    def size(self, rng: np.random.Generator) -> Size:
        """Return drawn dimensions (x, y, z), m."""
        half = np.log(self.spread) / 2
        scale = np.exp(rng.uniform(-half, half) + rng.uniform(-self.jitter, self.jitter, 3))
        x, y, z = np.array(self.size_m) * scale
        return float(x), float(y), float(z)

    def shape(self, size: Size, seed: int) -> Shape:
        """Return the thing built at `size`; equal seeds give equal things."""
        return self.build(size, np.random.default_rng(seed))


def on(*places: str) -> frozenset[str]:
    """Return a set of surface tags."""
    return frozenset(places)
