"""Builders of containers and vessels."""

import numpy as np

from scenes.mesh import arc, box, cylinder, ellipsoid, lathe, leaf, rod
from scenes.shapes import Shape, Size, Surface


def crate(size: Size, rng: np.random.Generator) -> Shape:
    """Open box of five boards, with or without gaps between slats."""
    sx, sy, sz = size
    shape, wall = Shape(), min(0.02, 0.06 * min(size))
    shape.add("main", box((-sx / 2, -sy / 2, 0), (sx / 2, sy / 2, wall)))
    slats = int(rng.integers(2, 4)) if rng.random() < 0.5 else 1
    for i in range(slats):
        z0 = wall + (sz - wall) * i / slats
        z1 = wall + (sz - wall) * (i + (0.75 if slats > 1 else 1)) / slats
        if i == slats - 1:
            z1 = sz
        for sign in (-1, 1):
            x0, x1 = sorted((sign * sx / 2, sign * (sx / 2 - wall)))
            shape.add("main", box((x0, -sy / 2, z0), (x1, sy / 2, z1)))
            y0, y1 = sorted((sign * sy / 2, sign * (sy / 2 - wall)))
            shape.add("main", box((-sx / 2 + wall, y0, z0), (sx / 2 - wall, y1, z1)))
    if slats > 1:
        for a in (-1, 1):
            for b in (-1, 1):
                x, y = a * (sx / 2 - 1.5 * wall), b * (sy / 2 - 1.5 * wall)
                shape.add("main", box((x - wall / 2, y - wall / 2, wall), (x + wall / 2, y + wall / 2, sz)))
    inner_x, inner_y = sx / 2 - 2.1 * wall, sy / 2 - 2.1 * wall
    shape.surfaces.append(Surface("inside", (-inner_x, -inner_y, inner_x, inner_y), wall, inside=True))
    return shape


def carton(size: Size, rng: np.random.Generator) -> Shape:
    """Closed box with a strip of tape; objects can stand on it."""
    sx, sy, sz = size
    shape = Shape()
    shape.add("main", box((-sx / 2, -sy / 2, 0), (sx / 2, sy / 2, sz - 0.001)))
    shape.add("paper", box((-sx / 2, -0.06 * sy, sz - 0.001), (sx / 2, 0.06 * sy, sz)))
    shape.top("top", sx / 2, sy / 2, sz)
    return shape


def _hollow(profile: list[tuple[float, float]], wall: float) -> list[tuple[float, float]]:
    """Return a closed profile: outside from the axis to the rim, then inside back to the axis."""
    outer = [(0.0, profile[0][1]), *profile]
    inner = [(max(r - wall, 0.001), max(z, profile[0][1] + wall)) for r, z in reversed(profile)]
    return [*outer, *inner, (0.0, profile[0][1] + wall)]


def _inside(shape: Shape, radius: float, z: float) -> None:
    half = radius * 0.7
    shape.surfaces.append(Surface("inside", (-half, -half, half, half), z, inside=True))


def bowl(size: Size, rng: np.random.Generator) -> Shape:
    """Round bowl, hollow, with a flat inner floor."""
    radius, sz = min(size[:2]) / 2, size[2]
    shape, wall, base = Shape(), 0.05 * radius, radius * rng.uniform(0.55, 0.75)
    bend = [(base + (radius - base) * np.sin(t), sz * (1 - np.cos(t))) for t in np.linspace(0, np.pi / 2, 5)]
    shape.add("main", lathe(_hollow(bend, wall), 20))
    _inside(shape, base - 1.5 * wall, wall)
    return shape


def basket(size: Size, rng: np.random.Generator) -> Shape:
    """Round basket or bin, slightly wider at the top."""
    radius, sz = min(size[:2]) / 2, size[2]
    shape, wall, base = Shape(), 0.04 * radius + 0.002, radius * rng.uniform(0.75, 0.95)
    shape.add("main", lathe(_hollow([(base, 0), (radius, sz)], wall), 20))
    if rng.random() < 0.4:
        band = lathe([(radius, sz * 0.9), (1.03 * radius, sz * 0.9), (1.03 * radius, sz), (radius - wall, sz)], 20)
        shape.add("second", band)
    _inside(shape, base - wall, wall)
    return shape


def pot(size: Size, rng: np.random.Generator) -> Shape:
    """Cooking pot with two handles, with or without a lid."""
    sx, sy, sz = size
    radius, body = min(sx / 2, sy * 0.4), sz * 0.85
    shape, wall = Shape(), 0.04 * radius
    shape.add("main", lathe(_hollow([(radius, 0), (radius, body)], wall), 20))
    for sign in (-1, 1):
        y0, y1 = sorted((sign * radius * 0.97, sign * radius * 1.25))
        shape.add("dark", box((-0.2 * radius, y0, body * 0.75), (0.2 * radius, y1, body * 0.85)))
    if rng.random() < 0.5:
        shape.add(
            "metal", lathe([(radius, body), (radius, body * 1.03), (0.3 * radius, sz * 0.95), (0, sz * 0.95)], 20)
        )
        shape.add("dark", cylinder(0.12 * radius, sz * 0.94, sz, 10))
    else:
        _inside(shape, radius - wall, wall)
    return shape


def pan(size: Size, rng: np.random.Generator) -> Shape:
    """Frying pan with a long handle along its x axis."""
    sx, _, sz = size
    radius = sx * 0.3
    shape, wall, x = Shape(), 0.03 * radius + 0.001, -sx / 2 + sx * 0.3
    shape.add("main", lathe(_hollow([(0.85 * radius, 0), (radius, sz * 0.7)], wall), 20).moved((x, 0, 0)))
    shape.add("dark", rod((x + 0.95 * radius, 0, sz * 0.6), (sx / 2, 0, sz * 0.85), 0.1 * sz + 0.003))
    half = radius * 0.55
    shape.surfaces.append(Surface("inside", (x - half, -half, x + half, half), wall, inside=True))
    return shape


def mug(size: Size, rng: np.random.Generator) -> Shape:
    """Mug with a handle."""
    sx, _, sz = size
    radius = sx * 0.38
    shape, x = Shape(), sx / 2 - radius
    top = radius * rng.uniform(0.95, 1.0)
    shape.add("main", lathe(_hollow([(top * 0.95, 0), (top, sz)], 0.09 * radius), 16).moved((x, 0, 0)))
    ring, thick = sz * 0.3, 0.035 * sx + 0.001
    handle = arc(ring, thick, np.pi / 2, 1.5 * np.pi, 7)
    reach = (sx - 2 * radius - thick) / ring
    handle.vertices[:, 0] *= reach
    shape.add("main", handle.moved((x - 0.93 * top, 0, sz * 0.5)))
    return shape


def glass(size: Size, rng: np.random.Generator) -> Shape:
    """Cup without a handle."""
    radius, sz = min(size[:2]) / 2, size[2]
    shape = Shape()
    shape.add("main", lathe(_hollow([(radius * rng.uniform(0.65, 0.95), 0), (radius, sz)], 0.08 * radius), 16))
    return shape


def plate(size: Size, rng: np.random.Generator) -> Shape:
    """Flat plate with a raised rim."""
    radius, sz = min(size[:2]) / 2, size[2]
    shape = Shape()
    shape.add("main", lathe(_hollow([(0.6 * radius, 0), (0.7 * radius, 0.3 * sz), (radius, sz)], 0.04 * radius), 24))
    _inside(shape, 0.62 * radius, 0.04 * radius)
    return shape


def bottle(size: Size, rng: np.random.Generator) -> Shape:
    """Bottle with a neck, a cap and a label."""
    radius, sz = min(size[:2]) / 2, size[2]
    shape, shoulder, neck = Shape(), sz * rng.uniform(0.5, 0.68), radius * rng.uniform(0.28, 0.42)
    rise = sz * rng.uniform(0.72, 0.8)
    shape.add("main", lathe([(0, 0), (radius, 0), (radius, shoulder), (0.8 * radius, 0.5 * (shoulder + rise)),
                             (neck, rise), (neck, 0.94 * sz), (0, 0.94 * sz)], 16))  # fmt: skip
    shape.add("second", cylinder(1.1 * neck, 0.92 * sz, sz, 12))
    shape.add("paper", lathe([(1.01 * radius, 0.2 * shoulder), (1.01 * radius, 0.7 * shoulder)], 16))
    return shape


def vase(size: Size, rng: np.random.Generator) -> Shape:
    """Lathed vase, open at the top, sometimes with stems and flowers."""
    radius, full = min(size[:2]) / 2, size[2]
    shape, flowers = Shape(), rng.random() < 0.5
    sz = full * 0.55 if flowers else full
    mouth, foot = radius * rng.uniform(0.35, 0.8), radius * rng.uniform(0.4, 0.7)
    belly = rng.uniform(0.3, 0.6)
    outline = [(foot, 0), (radius * 0.9, sz * belly * 0.55), (radius, sz * belly), (radius * 0.85, sz * (belly + 0.18)),
               (mouth * 0.85, sz * 0.88), (mouth, sz)]  # fmt: skip
    shape.add("main", lathe(_hollow(outline, 0.06 * radius), 12))
    if flowers:
        for _ in range(int(rng.integers(3, 6))):
            angle, lean = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.6) * radius
            head = 0.12 * full * rng.uniform(0.5, 0.9)
            tip = (lean * np.cos(angle), lean * np.sin(angle), full * rng.uniform(0.8, 1.0) - head)
            shape.add("leaf", rod((0, 0, sz * 0.3), tip, 0.01 * full + 0.001, None, 5))
            shape.add("second", ellipsoid((head, head, head * 0.7), 1, 4, 6).moved(tip))
    return shape


def plant(size: Size, rng: np.random.Generator) -> Shape:
    """Potted plant: the leaves are its main part."""
    radius, sz = min(size[:2]) / 2, size[2]
    shape, tall = Shape(), sz * rng.uniform(0.25, 0.4)
    wide = min(0.6 * radius, 0.6 * tall)
    shape.add("second", lathe([(0, 0), (0.75 * wide, 0), (wide, tall), (0.9 * wide, tall), (0.9 * wide, 0.92 * tall),
                               (0, 0.92 * tall)], 18))  # fmt: skip
    shape.add("main", rod((0, 0, 0.9 * tall), (0, 0, tall + 0.4 * (sz - tall)), 0.03 * radius + 0.003, None, 5))
    count = 14
    for i in range(count):
        level = tall + (sz - tall) * rng.uniform(0.0, 0.45)
        rise = rng.uniform(0.5, 1.25)
        length = min(radius / np.cos(rise) / 1.15, (sz - level) / np.sin(rise) / 0.7) * rng.uniform(0.75, 1.0)
        yaw = 2 * np.pi * (i + rng.uniform(-0.3, 0.3)) / count
        shape.add("main", leaf(length, 0.35 * length, rise, yaw).moved((0, 0, level)))
    return shape


def candle(size: Size, rng: np.random.Generator) -> Shape:
    """Candle with a wick."""
    radius, sz = min(size[:2]) / 2, size[2]
    shape = Shape()
    shape.add("main", cylinder(radius, 0, 0.93 * sz, 14))
    shape.add("dark", cylinder(0.06 * radius + 0.001, 0.9 * sz, sz, 6))
    return shape


def can(size: Size, rng: np.random.Generator) -> Shape:
    """Drink can, or jar with a lid of another color."""
    radius, sz = min(size[:2]) / 2, size[2]
    shape, neck = Shape(), rng.uniform(0.85, 0.95)
    shape.add("main", lathe([(0, 0), (radius * 0.9, 0), (radius, 0.05 * sz), (radius, neck * sz), (0, neck * sz)], 16))
    shape.add("metal", cylinder(0.92 * radius, neck * sz, sz, 16))
    return shape


def kettle(size: Size, rng: np.random.Generator) -> Shape:
    """Kettle with spout and handle; the spout points to +x."""
    sx, _, sz = size
    radius, body = sx * 0.34, sz * 0.78
    shape = Shape()
    shape.add("main", lathe([(0, 0), (radius, 0), (0.95 * radius, body * 0.5), (0.6 * radius, body), (0, body)], 18))
    shape.add("dark", ellipsoid((0.14 * radius,) * 3, 1, 4, 8).moved((0, 0, body)))
    shape.add("main", rod((0.7 * radius, 0, body * 0.45), (sx / 2 - 0.01, 0, body * 0.9), 0.2 * radius, 0.1 * radius))
    handle = arc(radius * 0.75, 0.012, 0.15, np.pi - 0.15, 8)
    handle.vertices[:, 2] *= (sz - body * 0.85 - 0.012) / (radius * 0.75)
    shape.add("dark", handle.moved((0, 0, body * 0.85)))
    return shape
