"""Box lines against points sampled along the edges and projected one by one."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.views.pages.projection import box_segments
from tests.pages.room import Block, Room, view_of

EDGES = [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]

metres = st.floats(-4, 4)
lengths = st.floats(0.05, 5)
blocks = st.builds(
    lambda x, y, z, a, b, c, yaw: Block(1, "box", "box", (x, y, z), (a, b, c), yaw),
    metres, metres, st.floats(-1, 3), lengths, lengths, lengths, st.floats(-math.pi, math.pi),
)  # fmt: skip
cameras = st.tuples(st.floats(-1.2, 1.5), st.floats(0.2, 3), st.floats(150, 1500))


def distance_to(point: tuple[float, float], line: np.ndarray) -> float:
    """Return the distance of a pixel from a line segment."""
    start, end = line[:2], line[2:]
    span = end - start
    share = np.clip((np.array(point) - start) @ span / max(span @ span, 1e-12), 0, 1)
    return float(np.linalg.norm(np.array(point) - start - share * span))


@settings(max_examples=150, deadline=None)
@given(block=blocks, camera=cameras)
def test_every_visible_edge_point_is_drawn_and_nothing_lies_outside(block, camera):
    pitch, eye, focal = camera
    room = Room((block,), pitch_rad=pitch, eye_m=eye, focal=focal)
    segments = box_segments(block.corners.ravel().tolist(), view_of(room))
    lines = np.array([[s.u0, s.v0, s.u1, s.v1] for s in segments]).reshape(-1, 4)
    assert np.isfinite(lines).all()
    for column, most in ((0, room.width), (1, room.height), (2, room.width), (3, room.height)):
        assert (lines[:, column] >= -0.5 - 1e-6).all() and (lines[:, column] <= most - 0.5 + 1e-6).all()
    for one, two in EDGES:
        for share in np.linspace(0, 1, 15):
            u, v, depth = room.pixel(block.corners[one] * (1 - share) + block.corners[two] * share)
            if depth > 0.06 and -0.4 < u < room.width - 0.6 and -0.4 < v < room.height - 0.6:
                assert min(distance_to((u, v), line) for line in lines) < 0.01


def test_a_box_behind_the_camera_is_not_drawn():
    room = Room((Block(1, "box", "box", (-3.0, 0.0, 1.0), (1, 1, 1)),), pitch_rad=0.0)
    assert box_segments(room.blocks[0].corners.ravel().tolist(), view_of(room)) == []


def test_hidden_lines_are_those_that_no_facing_side_has():
    # Straight ahead and level with the eye only the near face is seen, so four lines face and eight do not.
    room = Room((Block(1, "box", "box", (3.0, 0.0, 1.5), (1, 1, 1)),), pitch_rad=0.0)
    segments = box_segments(room.blocks[0].corners.ravel().tolist(), view_of(room))
    near = 520.0 * 0.5 / 2.5
    facing = [s for s in segments if not s.hidden]
    assert len(segments) == 12 and len(facing) == 4
    assert all(math.isclose(abs(s.u0 - 319.5), near) and math.isclose(abs(s.v0 - 239.5), near) for s in facing)
