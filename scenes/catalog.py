"""Defines a kind of object: nominal size, builder, surfaces it stands on, front, colors and textures."""

from dataclasses import dataclass

import numpy as np

from scenes.colors import ANY
from scenes.shapes import Builder, Shape, Size

WOODS = ("brown", "beige", "white", "black", "gray", "red", "blue", "green", "yellow", "turquoise")
APPLIANCES = ("white", "gray", "black", "red", "turquoise", "beige", "blue", "orange")
ELECTRONICS = ("black", "gray", "white", "red", "blue", "pink")


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    `size_m` is the median (depth x, width y, height z). The scale is log-uniform over a factor of `spread`; each axis
    varies further by up to `jitter` (natural log). `on` names the surfaces it may stand on: floor, wall (back to the
    wall), hung, or a surface tag. `front` is True if the x axis points to what people call the front.
    """

    label: str
    size_m: Size
    build: Builder
    on: frozenset[str]
    front: bool = False
    colors: tuple[str, ...] = ANY
    textures: tuple[str, ...] = ("plain",)
    spread: float = 2.3
    jitter: float = 0.16
    gloss: float = 0.0

    def size(self, rng: np.random.Generator) -> Size:
        """Draw dimensions (x, y, z), m."""
        half = np.log(self.spread) / 2
        scale = np.exp(rng.uniform(-half, half) + rng.uniform(-self.jitter, self.jitter, 3))
        x, y, z = np.array(self.size_m) * scale
        return float(x), float(y), float(z)

    def shape(self, size: Size, seed: int) -> Shape:
        """Build the object at `size`; equal seeds give equal objects."""
        return self.build(size, np.random.default_rng(seed))


def on(*places: str) -> frozenset[str]:
    """Return a set of surface tags."""
    return frozenset(places)
