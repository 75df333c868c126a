"""Builders of books, textiles, toys, fruit and other small objects."""

import numpy as np

from scenes.mesh import about_x, arc, box, ellipsoid, hexahedron, rod
from scenes.shapes import Shape, Size, pick


def ball(size: Size, rng: np.random.Generator) -> Shape:
    """Sphere."""
    r = size[0] / 2
    shape = Shape()
    shape.add("main", ellipsoid((r, r, r), 1, 12, 20).moved((0, 0, r)))
    return shape


def fruit(size: Size, rng: np.random.Generator) -> Shape:
    """Roundish fruit with a stem."""
    r, sz = size[0] / 2, size[2]
    shape = Shape()
    shape.add("main", ellipsoid((r, r, 0.46 * sz), 1, 8, 14).moved((0, 0, 0.46 * sz)))
    shape.add("wood", rod((0, 0, 0.88 * sz), (0.1 * r, 0, sz), 0.06 * r, None, 5))
    return shape


def lemon(size: Size, rng: np.random.Generator) -> Shape:
    """Elongated fruit lying on its side."""
    shape = Shape()
    shape.add("main", ellipsoid((size[0] / 2, size[1] / 2, size[2] / 2), 1, 8, 14).moved((0, 0, size[2] / 2)))
    return shape


def banana(size: Size, rng: np.random.Generator) -> Shape:
    """Lying banana: a bent tube, thinner at its ends."""
    sx, sy, sz = size
    bend = arc(1.0, 0.2, 0.3 * np.pi, 0.7 * np.pi, 8)
    taper = np.repeat(0.35 + 0.65 * np.sin(np.linspace(0.15, np.pi - 0.15, 9)), 6)
    flat = bend.turned(about_x(np.pi / 2)).vertices
    center = np.repeat(flat.reshape(9, 6, 3).mean(1), 6, axis=0)
    shaped = center + (flat - center) * taper[:, None]
    low, high = shaped.min(0), shaped.max(0)
    fitted = (shaped - (low + high) / 2) / (high - low) * np.array([sx, sy, sz]) + np.array([0, 0, sz / 2])
    shape = Shape()
    shape.add("main", type(bend)(fitted, bend.faces))
    return shape


def book(size: Size, rng: np.random.Generator) -> Shape:
    """Book: cover in its color around white pages; lying, or standing with the spine to the front."""
    sx, sy, sz = size
    shape = Shape()
    if rng.random() < 0.6:
        cover = 0.08 * sz + 0.001
        shape.add("main", box((-sx / 2, -sy / 2, 0), (sx / 2, sy / 2, cover)))
        shape.add("main", box((-sx / 2, -sy / 2, sz - cover), (sx / 2, sy / 2, sz)))
        shape.add("main", box((sx / 2 - cover, -sy / 2, cover), (sx / 2, sy / 2, sz - cover)))
        shape.add("paper", box((-sx * 0.48, -sy * 0.48, cover), (sx / 2 - cover, sy * 0.48, sz - cover)))
        shape.top("book", sx * 0.45, sy * 0.45, sz)
        return shape
    cover = 0.08 * sz + 0.001
    shape.add("main", box((-sx / 2, -sz / 2, 0), (sx / 2, -sz / 2 + cover, sy)))
    shape.add("main", box((-sx / 2, sz / 2 - cover, 0), (sx / 2, sz / 2, sy)))
    shape.add("main", box((sx / 2 - cover, -sz / 2 + cover, 0), (sx / 2, sz / 2 - cover, sy)))
    shape.add("paper", box((-sx * 0.48, -sz / 2 + cover, 0.02 * sy), (sx / 2 - cover, sz / 2 - cover, 0.98 * sy)))
    return shape


def picture(size: Size, rng: np.random.Generator) -> Shape:
    """Framed image; the frame is its main part."""
    sx, sy, sz = size
    edge = 0.12 * min(sy, sz)
    shape = Shape()
    shape.add(
        "main",
        box((-sx / 2, -sy / 2, 0), (sx / 2, -sy / 2 + edge, sz)),
        box((-sx / 2, sy / 2 - edge, 0), (sx / 2, sy / 2, sz)),
    )
    shape.add("main", box((-sx / 2, -sy / 2 + edge, 0), (sx / 2, sy / 2 - edge, edge)))
    shape.add("main", box((-sx / 2, -sy / 2 + edge, sz - edge), (sx / 2, sy / 2 - edge, sz)))
    shape.add("art", box((-sx / 2, -sy / 2 + edge, edge), (0.1 * sx, sy / 2 - edge, sz - edge)))
    return shape


def cushion(size: Size, rng: np.random.Generator) -> Shape:
    """Lying cushion or pillow."""
    sx, sy, sz = size
    shape = Shape()
    shape.add("main", ellipsoid((sx / 2, sy / 2, sz / 2), 0.5, 8, 16).moved((0, 0, sz / 2)))
    return shape


def teddy_bear(size: Size, rng: np.random.Generator) -> Shape:
    """Sitting teddy bear that faces the front."""
    sx, sy, sz = size
    shape = Shape()

    def blob(role: str, radii: tuple[float, float, float], at: tuple[float, float, float]) -> None:
        grid = (6, 12) if radii[2] > 0.18 else (4, 8) if radii[0] > 0.2 else (4, 6)
        solid = ellipsoid((radii[0] * sx, radii[1] * sy, radii[2] * sz), 1, *grid)
        shape.add(role, solid.moved((at[0] * sx, at[1] * sy, at[2] * sz)))

    blob("main", (0.3, 0.3, 0.28), (-0.18, 0, 0.28))
    blob("main", (0.27, 0.27, 0.2), (-0.12, 0, 0.7))
    blob("second", (0.12, 0.12, 0.08), (0.12, 0, 0.66))
    for side in (-1, 1):
        blob("main", (0.07, 0.1, 0.08), (-0.15, side * 0.2, 0.92))
        blob("main", (0.12, 0.12, 0.17), (0.0, side * 0.36, 0.4))
        blob("main", (0.3, 0.12, 0.1), (0.2, side * 0.24, 0.1))
        blob("dark", (0.025, 0.025, 0.018), (0.12, side * 0.1, 0.76))
    return shape


def backpack(size: Size, rng: np.random.Generator) -> Shape:
    """Backpack with a front pocket and a loop."""
    sx, sy, sz = size
    shape, loop = Shape(), 0.06 * sz
    body = sz - loop
    shape.add("main", ellipsoid((sx * 0.38, sy / 2, body / 2), 0.5).moved((-sx * 0.12, 0, body / 2)))
    shape.add("second", ellipsoid((sx * 0.2, sy * 0.36, body * 0.22), 0.5, 6, 12).moved((sx * 0.3, 0, body * 0.3)))
    handle = arc(loop, 0.15 * loop, 0, np.pi, 6).turned(about_x(0.0)).moved((-sx * 0.12, 0, body - 0.15 * loop))
    shape.add("dark", handle)
    return shape


def toy_car(size: Size, rng: np.random.Generator) -> Shape:
    """Toy car; it drives toward its front."""
    sx, sy, sz = size
    wheel = 0.22 * sz
    shape = Shape()
    shape.add("main", box((-sx / 2, -sy * 0.45, 0.6 * wheel), (sx / 2, sy * 0.45, 0.6 * sz)))
    shape.add("main", hexahedron([(-sx * 0.35, -sy * 0.42, 0.6 * sz), (sx * 0.25, -sy * 0.42, 0.6 * sz),
                                  (-sx * 0.35, sy * 0.42, 0.6 * sz), (sx * 0.25, sy * 0.42, 0.6 * sz)],
                                 [(-sx * 0.28, -sy * 0.36, sz), (sx * 0.1, -sy * 0.36, sz),
                                  (-sx * 0.28, sy * 0.36, sz), (sx * 0.1, sy * 0.36, sz)]))  # fmt: skip
    for a in (-0.3, 0.3):
        for b in (-1, 1):
            y0, y1 = sorted((b * sy * 0.3, b * sy * 0.5))
            shape.add("dark", rod((a * sx, y0, wheel), (a * sx, y1, wheel), wheel, None, 12))
    return shape


def block(size: Size, rng: np.random.Generator) -> Shape:
    """Toy block, on which others can be stacked."""
    sx, sy, sz = size
    shape = Shape()
    shape.add("main", box((-sx / 2, -sy / 2, 0), (sx / 2, sy / 2, sz)))
    shape.top("block", sx / 2, sy / 2, sz)
    return shape


def tissue_box(size: Size, rng: np.random.Generator) -> Shape:
    """Box with a tissue sticking out."""
    sx, sy, sz = size
    shape, top = Shape(), sz * pick(rng, (0.7, 0.8))
    shape.add("main", box((-sx / 2, -sy / 2, 0), (sx / 2, sy / 2, top)))
    shape.add("white", ellipsoid((0.12 * sx, 0.25 * sy, (sz - top)), 1, 4, 8).moved((0, 0, top)))
    return shape
