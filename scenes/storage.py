"""Builders of tables, cupboards, shelves and other large objects."""

import numpy as np

from scenes.mesh import about_y, box, cylinder, ellipsoid, lathe, rod
from scenes.shapes import Shape, Size, Surface


def table(size: Size, rng: np.random.Generator) -> Shape:
    """Table: rectangular on four legs, or round on a pedestal."""
    sx, sy, sz = size
    shape, board = Shape(), 0.02 + 0.03 * sz
    if sy / sx < 1.35 and rng.random() < 0.5:
        radius = min(sx, sy) / 2
        shape.add("main", cylinder(radius, sz - board, sz, 28))
        shape.add("main", cylinder(0.09 * radius + 0.01, 0.04 * sz, sz - board, 12))
        shape.add("main", cylinder(0.5 * radius, 0, 0.04 * sz, 20, 0.35 * radius))
        shape.top("top", radius * 0.68, radius * 0.68, sz)
        return shape
    leg = 0.03 + 0.03 * min(sx, sy)
    shape.add("main", box((-sx / 2, -sy / 2, sz - board), (sx / 2, sy / 2, sz)))
    inset = rng.uniform(0, 0.06) * min(sx, sy)
    role = "main" if rng.random() < 0.6 else "metal"
    for a in (-1, 1):
        for b in (-1, 1):
            x, y = a * (sx / 2 - inset - leg / 2), b * (sy / 2 - inset - leg / 2)
            shape.add(role, box((x - leg / 2, y - leg / 2, 0), (x + leg / 2, y + leg / 2, sz - board)))
    shape.top("top", sx / 2, sy / 2, sz)
    return shape


def desk(size: Size, rng: np.random.Generator) -> Shape:
    """Desk with a drawer block on one side; the user sits at its front."""
    sx, sy, sz = size
    shape, board, leg = Shape(), 0.04 * sz, 0.05 * sy
    shape.add("main", box((-sx / 2, -sy / 2, sz - board), (sx / 2, sy / 2, sz)))
    side = 1 if rng.random() < 0.5 else -1
    y0, y1 = sorted((-side * sy / 2, -side * (sy / 2 - leg)))
    shape.add("main", box((-sx * 0.48, y0, 0), (sx * 0.46, y1, sz - board)))
    y0, y1 = sorted((side * sy / 2, side * sy * 0.22))
    shape.add("main", box((-sx * 0.48, y0, 0), (sx * 0.45, y1, sz - board)))
    shape.add("main", box((-sx * 0.48, -sy * 0.4, sz * 0.45), (-sx * 0.45, sy * 0.4, sz - board)))
    _panels(shape, (sx * 0.45, y0, 0.04 * sz, y1, sz - board), (3, 1), sx * 0.49)
    shape.top("top", sx / 2, sy / 2, sz)
    return shape


def _panels(shape: Shape, area: tuple[float, float, float, float, float], grid: tuple[int, int], out: float) -> None:
    """Add drawer or door fronts (rows, columns) with knobs on the plane x = area[0], no further out than `out`."""
    x, y0, z0, y1, z1 = area
    rows, columns = grid
    gap = 0.006 + 0.01 * (y1 - y0) / columns
    thick = (out - x) * 0.4
    for r in range(rows):
        for c in range(columns):
            ya, yb = y0 + (y1 - y0) * c / columns + gap / 2, y0 + (y1 - y0) * (c + 1) / columns - gap / 2
            za, zb = z0 + (z1 - z0) * r / rows + gap / 2, z0 + (z1 - z0) * (r + 1) / rows - gap / 2
            shape.add("main", box((x, ya, za), (x + thick, yb, zb)))
            tall = zb - za > 1.2 * (yb - ya)
            yk = (
                (yb - 0.12 * (yb - ya) if c % 2 == 0 and columns > 1 else ya + 0.12 * (yb - ya))
                if tall
                else (ya + yb) / 2
            )
            wide, high = (0.012, 0.12 * (zb - za)) if tall else (0.16 * (yb - ya), 0.012)
            zk = (za + zb) / 2
            shape.add("metal", box((x + thick, yk - wide / 2, zk - high / 2), (out, yk + wide / 2, zk + high / 2)))


def _cupboard(size: Size, rows: int, columns: int, foot: float) -> Shape:
    sx, sy, sz = size
    shape, proud = Shape(), min(0.035, 0.1 * sx)
    shape.add("main", box((-sx / 2, -sy / 2, foot), (sx / 2 - proud, sy / 2, sz)))
    if foot > 0:
        shape.add("dark", box((-sx * 0.48, -sy * 0.47, 0), (sx / 2 - proud - 0.02, sy * 0.47, foot)))
    _panels(shape, (sx / 2 - proud, -sy / 2, foot, sy / 2, sz - 0.01), (rows, columns), sx / 2)
    shape.surfaces.append(Surface("top", (-sx / 2, -sy / 2, sx / 2 - proud, sy / 2), sz))
    return shape


def cabinet(size: Size, rng: np.random.Generator) -> Shape:
    """Low cupboard with two to four doors."""
    return _cupboard(size, 1, int(rng.integers(2, 4)), 0.05 * size[2])


def dresser(size: Size, rng: np.random.Generator) -> Shape:
    """Chest of drawers."""
    return _cupboard(size, int(rng.integers(3, 5)), int(rng.integers(1, 3)), 0.04 * size[2])


def wardrobe(size: Size, rng: np.random.Generator) -> Shape:
    """Tall cupboard with two or three doors."""
    return _cupboard(size, 1, int(rng.integers(2, 4)), 0.03 * size[2])


def nightstand(size: Size, rng: np.random.Generator) -> Shape:
    """Bedside table with one to three drawers."""
    return _cupboard(size, int(rng.integers(1, 4)), 1, 0.1 * size[2])


def bookshelf(size: Size, rng: np.random.Generator) -> Shape:
    """Open shelf with three to five boards; objects can stand on each."""
    sx, sy, sz = size
    shape, board = Shape(), 0.012 + 0.008 * sz
    for sign in (-1, 1):
        y0, y1 = sorted((sign * sy / 2, sign * (sy / 2 - board)))
        shape.add("main", box((-sx / 2, y0, 0), (sx / 2, y1, sz)))
    shape.add("main", box((-sx / 2, -sy / 2 + board, 0), (-sx / 2 + 0.4 * board, sy / 2 - board, sz)))
    levels = np.linspace(0.04 * sz, sz, int(np.clip(round(sz / 0.38), 3, 5)) + 1)
    inner_y, x0 = sy / 2 - board, -sx / 2 + 0.4 * board
    for i, z in enumerate(levels):
        shape.add("main", box((x0, -inner_y, z - board), (sx / 2, inner_y, z)))
        if i < len(levels) - 1:
            room = float(levels[i + 1] - board - z)
            shape.surfaces.append(Surface("shelf", (x0, -inner_y, sx / 2, inner_y), float(z), room, inside=False))
    shape.surfaces.append(Surface("top", (-sx / 2, -inner_y, sx / 2, inner_y), sz))
    return shape


def wall_shelf(size: Size, rng: np.random.Generator) -> Shape:
    """Single board on two brackets, hung on a wall."""
    sx, sy, sz = size
    shape, board = Shape(), 0.3 * sz
    shape.add("main", box((-sx / 2, -sy / 2, sz - board), (sx / 2, sy / 2, sz)))
    for sign in (-1, 1):
        y = sign * sy * 0.38
        shape.add("metal", box((-sx / 2, y - 0.01, 0), (-sx / 2 + 0.02, y + 0.01, sz - board)))
        shape.add("metal", box((-sx / 2, y - 0.01, sz - board - 0.02), (sx * 0.3, y + 0.01, sz - board)))
    shape.top("shelf", sx / 2, sy / 2, sz)
    return shape


def fridge(size: Size, rng: np.random.Generator) -> Shape:
    """Refrigerator with a freezer door above or below."""
    sx, sy, sz = size
    shape, door = Shape(), 0.1 * sx
    x, face = sx / 2 - door - 0.03, sx / 2 - 0.03
    split = sz * (rng.uniform(0.62, 0.7) if rng.random() < 0.5 else rng.uniform(0.33, 0.4))
    shape.add("main", box((-sx / 2, -sy / 2, 0), (x, sy / 2, sz)))
    hinge = 1 if rng.random() < 0.5 else -1
    for z0, z1 in ((0.03 * sz, split - 0.005), (split + 0.005, sz)):
        shape.add("main", box((x + 0.004, -sy / 2, z0), (face, sy / 2, z1)))
        y, reach = hinge * sy * 0.4, 0.25 * (z1 - z0)
        z = z0 + reach + 0.05 if z0 > split else z1 - reach - 0.05
        shape.add("metal", box((face, y - 0.012, z - reach), (sx / 2, y + 0.012, z + reach)))
    shape.surfaces.append(Surface("top", (-sx / 2, -sy / 2, x, sy / 2), sz))
    return shape


def oven(size: Size, rng: np.random.Generator) -> Shape:
    """Free-standing oven with a cooktop."""
    sx, sy, sz = size
    shape, face = Shape(), sx / 2 - 0.05
    shape.add("main", box((-sx / 2, -sy / 2, 0), (face, sy / 2, sz * 0.99)))
    shape.add("dark", box((-sx * 0.46, -sy * 0.47, sz * 0.99), (face - 0.02, sy * 0.47, sz)))
    shape.add("glass", box((face, -sy * 0.38, sz * 0.25), (face + 0.01, sy * 0.38, sz * 0.66)))
    shape.add("metal", box((face + 0.01, -sy * 0.4, sz * 0.71), (sx / 2, sy * 0.4, sz * 0.735)))
    for i in range(4):
        y = sy * (-0.3 + 0.2 * i)
        knob = cylinder(0.03 * sy, 0, 0.03, 10).turned(about_y(np.pi / 2)).moved((face, y, sz * 0.87))
        shape.add("metal", knob)
    shape.surfaces.append(Surface("stove", (-sx * 0.46, -sy * 0.47, face - 0.02, sy * 0.47), sz))
    return shape


def washing_machine(size: Size, rng: np.random.Generator) -> Shape:
    """Front-loading washing machine."""
    sx, sy, sz = size
    shape, face, radius = Shape(), sx / 2 - 0.04, 0.3 * min(sy, sz * 0.75)
    shape.add("main", box((-sx / 2, -sy / 2, 0), (face, sy / 2, sz)))
    ring = cylinder(radius, 0, 0.025, 24, 0.92 * radius).turned(about_y(np.pi / 2)).moved((face, 0, sz * 0.45))
    glass = cylinder(0.7 * radius, 0.025, 0.04, 20, 0.5 * radius).turned(about_y(np.pi / 2)).moved((face, 0, sz * 0.45))
    shape.add("metal", ring)
    shape.add("glass", glass)
    shape.add("dark", box((face, -sy * 0.1, sz * 0.86), (face + 0.006, sy * 0.3, sz * 0.95)))
    shape.add("metal", cylinder(0.05 * sy, 0, 0.03, 14).turned(about_y(np.pi / 2)).moved((face, -sy * 0.3, sz * 0.9)))
    shape.surfaces.append(Surface("top", (-sx / 2, -sy / 2, face, sy / 2), sz))
    return shape


def rug(size: Size, rng: np.random.Generator) -> Shape:
    """Flat rug, rectangular or round; furniture can stand on it."""
    sx, sy, sz = size
    shape = Shape()
    if rng.random() < 0.3:
        radius = min(sx, sy) / 2
        shape.add("main", cylinder(radius, 0, sz, 36))
        shape.top("rug", radius * 0.68, radius * 0.68, sz)
    else:
        shape.add("main", box((-sx / 2, -sy / 2, 0), (sx / 2, sy / 2, sz)))
        shape.top("rug", sx / 2, sy / 2, sz)
    return shape


def lamp(size: Size, rng: np.random.Generator) -> Shape:
    """Floor or table lamp: foot, stem and a colored shade."""
    sx, sy, sz = size
    shape, radius = Shape(), min(sx, sy) / 2
    shade = sz * rng.uniform(0.25, 0.4) if sz < 0.9 else 1.2 * radius
    low = sz - shade
    shape.add("metal", cylinder(0.6 * radius, 0, 0.02 + 0.02 * sz, 18, 0.5 * radius))
    if sz < 0.9 and rng.random() < 0.5:
        shape.add("main", ellipsoid((0.45 * radius, 0.45 * radius, low * 0.38)).moved((0, 0, low * 0.45)))
    shape.add("metal", cylinder(0.008 + 0.004 * sz, 0.01, low + shade * 0.6, 8))
    narrow = radius * rng.uniform(0.55, 0.95)
    shape.add("main", lathe([(radius, low), (narrow, sz), (0.97 * narrow, sz), (0.97 * radius, low)], 20))
    shape.add("glow", ellipsoid((0.2 * radius,) * 3, 1, 6, 8).moved((0, 0, low + shade * 0.5)))
    return shape


def suitcase(size: Size, rng: np.random.Generator) -> Shape:
    """Upright suitcase on wheels with a pull handle."""
    sx, sy, sz = size
    shape, wheel, body = Shape(), 0.05 * sz, sz * 0.82
    shape.add("main", ellipsoid((sx * 0.46, sy / 2, (body - wheel) / 2), 0.3).moved((0, 0, (body + wheel) / 2)))
    for a in (-1, 1):
        for b in (-1, 1):
            shape.add(
                "dark", ellipsoid((wheel, 0.5 * wheel, wheel), 1, 4, 8).moved((a * sx * 0.3, b * sy * 0.36, wheel))
            )
    for sign in (-1, 1):
        shape.add("metal", rod((-sx * 0.3, sign * sy * 0.2, body * 0.9), (-sx * 0.3, sign * sy * 0.2, sz), 0.012))
    shape.add("dark", box((-sx * 0.3 - 0.015, -sy * 0.24, sz - 0.03), (-sx * 0.3 + 0.015, sy * 0.24, sz)))
    return shape
