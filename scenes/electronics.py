"""Builders of electronics and small appliances."""

import numpy as np

from scenes.mesh import about_x, about_y, box, cylinder, ellipsoid, hexahedron
from scenes.shapes import Shape, Size


def monitor(size: Size, rng: np.random.Generator) -> Shape:
    """Flat screen on a stand; the screen faces the front."""
    sx, sy, sz = size
    shape, thick = Shape(), 0.14 * sx
    low = sz * rng.uniform(0.18, 0.32)
    edge = 0.025 * sy
    shape.add("main", box((-thick, -sy / 2, low), (0.0, sy / 2, sz)))
    shape.add("screen", box((0.0, -sy / 2 + edge, low + 1.5 * edge), (0.002, sy / 2 - edge, sz - edge)))
    shape.add("main", box((-1.6 * thick, -0.04 * sy, 0.01), (-thick, 0.04 * sy, low + 0.3 * (sz - low))))
    shape.add("main", box((-sx / 2, -0.2 * sy, 0), (sx / 2, 0.2 * sy, 0.012)))
    return shape


def tv(size: Size, rng: np.random.Generator) -> Shape:
    """Television on two feet."""
    sx, sy, sz = size
    shape, low, edge, thick = Shape(), 0.08 * sz, 0.015 * sy, 0.2 * sx
    shape.add("main", box((-thick, -sy / 2, low), (thick * 0.4, sy / 2, sz)))
    shape.add("screen", box((thick * 0.4, -sy / 2 + edge, low + edge), (thick * 0.4 + 0.002, sy / 2 - edge, sz - edge)))
    for sign in (-1, 1):
        y = sign * sy * 0.36
        shape.add("main", box((-sx / 2, y - 0.015 * sy, 0), (sx / 2, y + 0.015 * sy, low * 0.4)))
        shape.add("main", box((-thick * 0.6, y - 0.01 * sy, low * 0.4), (0, y + 0.01 * sy, low)))
    return shape


def laptop(size: Size, rng: np.random.Generator) -> Shape:
    """Open laptop; its front is the side of the user."""
    sx, sy, sz = size
    shape, base = Shape(), 0.06 * sz + 0.004
    lean = rng.uniform(0.1, 0.35) * sx
    x, back, thick = -sx / 2 + lean, -sx / 2, 0.008
    shape.add("main", box((x, -sy / 2, 0), (sx / 2, sy / 2, base)))
    shape.add("dark", box((x + 0.06 * sx, -sy * 0.44, base), (sx * 0.2, sy * 0.44, base + 0.001)))
    for role, y, inner, near in (("main", sy / 2, 0.0, thick), ("screen", sy * 0.46, 0.08, thick + 0.001)):
        far = 0.0 if role == "main" else thick
        z0, z1 = base + inner * (sz - base), sz - inner * 0.6 * (sz - base)
        run = (back - x) / (sz - base)
        ends = [(x + run * (z - base), z) for z in (z0, z1)]
        edges = [[(at + out, side, z) for side in (-y, y) for out in (far, near)] for at, z in ends]
        shape.add(role, hexahedron(*edges))
    return shape


def keyboard(size: Size, rng: np.random.Generator) -> Shape:
    """Keyboard with five rows of keys."""
    sx, sy, sz = size
    shape = Shape()
    shape.add("main", box((-sx / 2, -sy / 2, 0), (sx / 2, sy / 2, sz * 0.6)))
    for i in range(5):
        x = sx * (-0.42 + 0.17 * i)
        shape.add("second", box((x, -sy * 0.47, sz * 0.6), (x + 0.14 * sx, sy * 0.47, sz)))
    return shape


def mouse(size: Size, rng: np.random.Generator) -> Shape:
    """Computer mouse."""
    sx, sy, sz = size
    shape = Shape()
    shape.add("main", ellipsoid((sx / 2, sy / 2, sz / 2), 0.75, 6, 12).moved((0, 0, sz / 2)))
    return shape


def phone(size: Size, rng: np.random.Generator) -> Shape:
    """Telephone lying on its back."""
    sx, sy, sz = size
    shape = Shape()
    shape.add("main", box((-sx / 2, -sy / 2, 0), (sx / 2, sy / 2, sz * 0.9)))
    shape.add("screen", box((-sx * 0.42, -sy * 0.44, sz * 0.9), (sx * 0.42, sy * 0.44, sz)))
    return shape


def remote(size: Size, rng: np.random.Generator) -> Shape:
    """Remote control with buttons."""
    sx, sy, sz = size
    shape = Shape()
    shape.add("main", box((-sx / 2, -sy / 2, 0), (sx / 2, sy / 2, sz * 0.8)))
    for i in range(5):
        x = sx * (-0.38 + 0.16 * i)
        shape.add("second", box((x, -sy * 0.3, sz * 0.8), (x + 0.07 * sx, sy * 0.3, sz)))
    return shape


def speaker(size: Size, rng: np.random.Generator) -> Shape:
    """Loudspeaker with two cones on the front."""
    sx, sy, sz = size
    shape, face = Shape(), sx / 2 - 0.06 * sx
    shape.add("main", box((-sx / 2, -sy / 2, 0), (face, sy / 2, sz)))
    for z, r in ((0.32, 0.34), (0.74, 0.2)):
        cone = cylinder(r * sy, 0, 0.06 * sx, 16, 0.8 * r * sy).turned(about_y(np.pi / 2)).moved((face, 0, z * sz))
        shape.add("dark", cone)
    shape.top("top", sx * 0.4, sy * 0.45, sz)
    return shape


def printer(size: Size, rng: np.random.Generator) -> Shape:
    """Printer with an output tray at the front."""
    sx, sy, sz = size
    shape = Shape()
    shape.add("main", box((-sx / 2, -sy / 2, 0), (sx * 0.35, sy / 2, sz)))
    shape.add("dark", box((sx * 0.35, -sy * 0.4, sz * 0.25), (sx * 0.36, sy * 0.4, sz * 0.5)))
    shape.add("second", box((sx * 0.35, -sy * 0.35, sz * 0.2), (sx / 2, sy * 0.35, sz * 0.24)))
    shape.add("paper", box((sx * 0.36, -sy * 0.28, sz * 0.24), (sx * 0.48, sy * 0.28, sz * 0.27)))
    return shape


def microwave(size: Size, rng: np.random.Generator) -> Shape:
    """Microwave oven with a dark window and a panel."""
    sx, sy, sz = size
    shape, face = Shape(), sx / 2 - 0.03
    shape.add("main", box((-sx / 2, -sy / 2, 0), (face, sy / 2, sz)))
    shape.add("glass", box((face, -sy * 0.18, sz * 0.14), (face + 0.006, sy * 0.45, sz * 0.86)))
    shape.add("dark", box((face, -sy * 0.46, sz * 0.14), (face + 0.004, -sy * 0.26, sz * 0.86)))
    shape.add("metal", box((face, -sy * 0.23, sz * 0.15), (sx / 2, -sy * 0.2, sz * 0.85)))
    shape.top("top", sx * 0.44, sy * 0.48, sz)
    return shape


def toaster(size: Size, rng: np.random.Generator) -> Shape:
    """Toaster with two slots and a lever."""
    sx, sy, sz = size
    shape = Shape()
    shape.add("main", ellipsoid((sx * 0.46, sy / 2, sz * 0.5), 0.35).moved((-0.04 * sx, 0, sz * 0.5)))
    for sign in (-1, 1):
        shape.add(
            "dark",
            box((-sx * 0.4, sign * sy * 0.2 - 0.06 * sy, sz * 0.97), (sx * 0.28, sign * sy * 0.2 + 0.06 * sy, sz)),
        )
    shape.add("dark", box((sx * 0.4, -0.1 * sy, sz * 0.5), (sx / 2, 0.1 * sy, sz * 0.6)))
    return shape


def clock(size: Size, rng: np.random.Generator) -> Shape:
    """Round clock with hands; the dial faces the front."""
    sx, _, sz = size
    r = sz / 2
    face = about_y(np.pi / 2)
    shape = Shape()
    shape.add("main", cylinder(r, 0, sx * 0.8, 24).turned(face).moved((-sx / 2, 0, r)))
    shape.add("white", cylinder(0.85 * r, 0, 0.06 * sx, 24).turned(face).moved((sx * 0.3, 0, r)))
    for length, angle in ((0.5 * r, rng.uniform(0, 6.3)), (0.75 * r, rng.uniform(0, 6.3))):
        hand = box((0, -0.03 * r, 0), (sx * 0.12, 0.03 * r, length)).turned(about_x(angle)).moved((sx * 0.36, 0, r))
        shape.add("dark", hand)
    return shape
