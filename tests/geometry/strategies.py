"""Hypothesis strategies: small random rooms with a floor, a back wall and a few objects standing apart."""

from hypothesis import strategies as st

from tests.geometry.rooms import Ball, Block, Room, View


@st.composite
def rooms(draw: st.DrawFn) -> Room:
    """Two to four objects on a floor, each in its own sector as seen from the origin, and a wall behind."""
    count = draw(st.integers(2, 4))
    shapes: list[Block | Ball] = []
    for k in range(count):
        bearing = (k + 0.5) / count - 0.5
        x = draw(st.floats(1.8, 3.2))
        y = bearing * x * 0.9
        if draw(st.booleans()):
            size = (draw(st.floats(0.15, 0.5)), draw(st.floats(0.15, 0.4)), draw(st.floats(0.2, 0.9)))
            shapes.append(Block(x, y, 0.0, size, draw(st.floats(0.0, 3.1))))
        else:
            radius = draw(st.floats(0.1, 0.2))
            shapes.append(Ball(x, y, radius, radius))
    return Room(tuple(shapes), walls=((1.0, 0.0, draw(st.floats(3.8, 5.0))),))


@st.composite
def views(draw: st.DrawFn) -> View:
    """A camera at standing height that looks ahead and down."""
    return View(
        eye=(0.0, 0.0, draw(st.floats(1.1, 1.7))),
        pitch=draw(st.floats(0.25, 0.5)),
        roll=draw(st.floats(-0.15, 0.15)),
    )
