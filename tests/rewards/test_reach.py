"""Rendered episodes have exact distances, and rewards follow them; `python -m benchmarks.rewards` does it at length."""

import numpy as np
import pytest

from benchmarks.rewards import Scores, scored
from scenes.mesh import Mesh, box, cylinder, ellipsoid
from scenes.reach import TASKS, ReachSettings, episode
from scenes.solids_apart import distance_m

SMALL = ReachSettings(width=240, height=180, approach=10, contact=4)


def sampled(mesh: Mesh, steps: int) -> np.ndarray:
    """Return points on every face."""
    corners = mesh.vertices[mesh.faces]
    shares = [(i / steps, j / steps) for i in range(steps + 1) for j in range(steps + 1 - i)]
    a, b = np.array(shares).T
    weights = np.stack([a, b, 1 - a - b], 1)
    return np.einsum("wc,fck->fwk", weights, corners).reshape(-1, 3)


@pytest.mark.parametrize("seed", range(4))
def test_the_distance_of_meshes_is_that_of_their_nearest_points(seed: int) -> None:
    rng = np.random.default_rng(seed)
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    one = box((0, 0, 0), rng.uniform(0.05, 0.2, 3)).turned(turned)
    for other in (box((0, 0, 0), (0.1, 0.1, 0.1)), cylinder(0.05, 0, 0.1), ellipsoid((0.06, 0.05, 0.04))):
        apart = other.moved(rng.normal(size=3) * 0.2 + 0.3)
        points, others = sampled(one, 14), sampled(apart, 6)
        nearest = min(np.linalg.norm(others - point, axis=1).min() for point in points)
        exact = distance_m(one, apart)
        assert exact <= nearest + 1e-9 and nearest - exact < 0.01


@pytest.mark.parametrize("task", TASKS)
def test_rewards_follow_the_true_distance(task: str) -> None:
    made = episode(task, 61, 0, SMALL)
    true = [frame.distance_m for frame in made.frames]
    assert len(true) == 14 and true[0] > 0.15 and true[-1] < 0.005
    scores = Scores()
    scored(made, scores)
    assert scores.distance[0] >= 0.99
    assert scores.contact_off[0] is not None and abs(scores.contact_off[0]) <= 1
    assert scores.unknown == 0 and np.median(scores.error_m) < 0.01
