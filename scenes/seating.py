"""Builders of seats and beds."""

from itertools import pairwise

import numpy as np

from scenes.mesh import about_z, box, cylinder, ellipsoid, hexahedron, rod
from scenes.shapes import Shape, Size, Surface


def _four_legs(shape: Shape, role: str, half: tuple[float, float], height: float, thickness: float) -> None:
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * (half[0] - thickness / 2), sy * (half[1] - thickness / 2)
            shape.add(
                role, box((x - thickness / 2, y - thickness / 2, 0), (x + thickness / 2, y + thickness / 2, height))
            )


def chair(size: Size, rng: np.random.Generator) -> Shape:
    """Chair with four legs and a slatted or solid back."""
    sx, sy, sz = size
    shape, seat = Shape(), sz * rng.uniform(0.46, 0.54)
    leg, board = 0.07 * sy + 0.01, 0.05 * sz
    _four_legs(shape, "main" if rng.random() < 0.5 else "wood", (sx / 2, sy / 2), seat - board, leg)
    shape.add("main", box((-sx / 2, -sy / 2, seat - board), (sx / 2, sy / 2, seat)))
    back = 0.06 * sx + 0.01
    if rng.random() < 0.5:
        shape.add("main", box((-sx / 2, -sy / 2, seat), (-sx / 2 + back, sy / 2, sz)))
    else:
        for sign in (-1, 1):
            y = sign * (sy / 2 - leg / 2)
            shape.add("main", box((-sx / 2, y - leg / 2, seat), (-sx / 2 + back, y + leg / 2, sz)))
        for level in (0.35, 0.65, 1.0):
            z = seat + (sz - seat) * level
            shape.add("main", box((-sx / 2, -sy / 2 + leg, z - 0.12 * (sz - seat)), (-sx / 2 + back, sy / 2 - leg, z)))
    shape.surfaces.append(Surface("seat", (-sx / 2 + back + 0.01, -sy / 2, sx / 2, sy / 2), seat))
    return shape


def stool(size: Size, rng: np.random.Generator) -> Shape:
    """Round or square stool."""
    sx, sy, sz = size
    shape, board, spread = Shape(), 0.08 * sz, 0.42
    if rng.random() < 0.5:
        radius = min(sx, sy) / 2
        shape.add("main", cylinder(radius, sz - board, sz, 20))
        half = radius * 0.65
        shape.top("seat", half, half, sz)
        spread = 0.33
        sx = sy = 2 * radius
    else:
        shape.add("main", box((-sx / 2, -sy / 2, sz - board), (sx / 2, sy / 2, sz)))
        shape.top("seat", sx / 2, sy / 2, sz)
    role = "wood" if rng.random() < 0.6 else "metal"
    for a in (-1, 1):
        for b in (-1, 1):
            foot = (a * spread * sx * 1.05, b * spread * sy * 1.05, 0.0)
            shape.add(role, rod(foot, (a * spread * sx * 0.8, b * spread * sy * 0.8, sz - board), 0.035 * sx + 0.004))
    return _grounded(shape)


def _grounded(shape: Shape) -> Shape:
    """Lift the shape so that its lowest point is at z = 0, because slanted rods end in slanted discs."""
    low = shape.bounds()[0][2]
    moved = Shape([(role, mesh.moved((0, 0, -low))) for role, mesh in shape.parts])
    moved.surfaces = [Surface(s.tag, s.rect, s.z - low, s.headroom_m, s.inside) for s in shape.surfaces]
    return moved


def bench(size: Size, rng: np.random.Generator) -> Shape:
    """Bench without a back."""
    sx, sy, sz = size
    shape, board = Shape(), 0.12 * sz
    shape.add("main", box((-sx / 2, -sy / 2, sz - board), (sx / 2, sy / 2, sz)))
    for sign in (-1, 1):
        y = sign * sy * 0.4
        shape.add("main", box((-sx * 0.42, y - 0.03 * sy, 0), (sx * 0.42, y + 0.03 * sy, sz - board)))
    shape.top("seat", sx / 2, sy / 2, sz)
    return shape


def sofa(size: Size, rng: np.random.Generator) -> Shape:
    """Sofa or armchair: base, back, arms and seat cushions."""
    sx, sy, sz = size
    shape = Shape()
    seat, foot = sz * rng.uniform(0.46, 0.54), 0.07 * sz
    arm, back = min(0.16 * sx + 0.03, 0.2 * sy), 0.2 * sx
    arm_height = seat + (sz - seat) * rng.uniform(0.25, 0.6)
    _four_legs(shape, "wood", (sx * 0.47, sy * 0.48), foot, 0.06 * sx)
    base = seat * 0.6
    shape.add("main", box((-sx / 2, -sy / 2 + arm, foot), (sx / 2 - 0.01, sy / 2 - arm, base)))
    for sign in (-1, 1):
        y0, y1 = sorted((sign * sy / 2, sign * (sy / 2 - arm)))
        shape.add("main", box((-sx / 2, y0, foot), (sx / 2, y1, arm_height)))
    lean, inner = 0.06 * sx, -sx / 2 + back
    x0, y = -sx / 2, sy / 2 - arm
    shape.add(
        "main",
        hexahedron(
            [(x0, -y, base), (inner + lean, -y, base), (x0, y, base), (inner + lean, y, base)],
            [(x0, -y, sz), (inner, -y, sz), (x0, y, sz), (inner, y, sz)],
        ),
    )
    count = max(1, round((sy - 2 * arm) / (0.9 * sx)))
    edges = np.linspace(-y, y, count + 1)
    for a, b in pairwise(edges):
        shape.add("main", box((inner + lean, a + 0.006, base), (sx / 2, b - 0.006, seat)))
    shape.surfaces.append(Surface("seat", (inner + lean, -y, sx / 2 - 0.02, y), seat))
    return shape


def office_chair(size: Size, rng: np.random.Generator) -> Shape:
    """Swivel chair: star base with casters, column, padded seat and back."""
    sx, sy, sz = size
    shape, seat, pad = Shape(), sz * rng.uniform(0.42, 0.5), 0.08 * sz
    reach, caster = 0.46 * min(sx, sy), 0.03 * sz
    for i in range(5):
        end = about_z(i * 2 * np.pi / 5) @ np.array([reach, 0.0, 0.0])
        shape.add("dark", rod((0, 0, 2.4 * caster), (end[0], end[1], 1.6 * caster), 0.022 * sz, 0.015 * sz, 5))
        shape.add("dark", ellipsoid((caster, caster, caster), 1, 4, 4).moved((end[0], end[1], caster)))
    shape.add("metal", cylinder(0.03 * sz, 2 * caster, seat - pad, 10))
    shape.add("main", ellipsoid((sx * 0.46, sy * 0.46, pad / 2), 0.4, 6, 12).moved((sx * 0.04, 0, seat - pad / 2)))
    tall = (sz - seat) * 0.9
    back = ellipsoid((0.05 * sx, sy * 0.42, tall / 2), 0.45, 6, 12).moved((-sx * 0.44, 0, sz - tall / 2))
    shape.add("main", back)
    shape.add("dark", box((-sx * 0.46, -0.04 * sy, seat - pad * 0.8), (-sx * 0.42, 0.04 * sy, seat + tall * 0.4)))
    if rng.random() < 0.6:
        for sign in (-1, 1):
            y, z = sign * sy * 0.46, seat + 0.2 * sz
            shape.add("dark", box((-0.02 * sx, y - 0.02 * sy, seat - pad / 2), (0.04 * sx, y + 0.02 * sy, z)))
            shape.add("dark", box((-0.2 * sx, y - 0.04 * sy, z), (0.25 * sx, y + 0.04 * sy, z + 0.03 * sz)))
    return shape


def bed(size: Size, rng: np.random.Generator) -> Shape:
    """Bed with a headboard; its front is the foot end."""
    sx, sy, sz = size
    shape = Shape()
    board, top = 0.03 * sx, sz * rng.uniform(0.5, 0.65)
    frame = top * 0.55
    _four_legs(shape, "wood", (sx / 2, sy / 2), frame * 0.4, 0.06)
    shape.add("wood", box((-sx / 2, -sy / 2, 0.0), (-sx / 2 + board, sy / 2, sz)))
    shape.add("wood", box((-sx / 2 + board, -sy / 2, frame * 0.4), (sx / 2, sy / 2, frame)))
    x0, y = -sx / 2 + board, sy / 2 - 0.02
    shape.add("white", box((x0, -y, frame), (sx / 2 - 0.02, y, top * 0.97)))
    fold = x0 + sx * rng.uniform(0.2, 0.3)
    shape.add("main", box((fold, -sy / 2 - 0.01, frame * 0.7), (sx / 2 - 0.005, sy / 2 + 0.01, top)))
    shape.surfaces.append(Surface("pillow place", (x0 + 0.01, -y, fold, y), top * 0.97))
    shape.surfaces.append(Surface("bed", (fold, -y, sx / 2 - 0.02, y), top))
    return shape
