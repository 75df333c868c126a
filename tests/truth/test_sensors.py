"""Images of imitated depth sensors against their exact scenes: the short version of `benchmarks.sensors`."""

import numpy as np
import pytest

from benchmarks.sensors import Scores, image_of, run, scored
from scenes.sensing import LEARNED, SENSORS, Sensor, Surfaces, sensed_depth
from scenes.sensor_images import sensor_image

COUNT, SEED = 16, 11


@pytest.fixture(scope="module")
def scores() -> Scores:
    return run(COUNT, SEED)


def test_heights_and_boxes(scores: Scores) -> None:
    assert len(scores.holds["height"]) >= 30
    assert scores.share("height") >= 0.75, scores.holds["height"]
    assert scores.share("box center") >= 0.75, scores.holds["box center"]


def test_gravity_is_as_good_as_it_says(scores: Scores) -> None:
    assert len(scores.gravity_deg) >= 5
    assert scores.share("gravity within twice its error") >= 0.85
    assert np.median(scores.gravity_deg) < 1.5


def test_surfaces_are_named_rightly_and_scenes_answered(scores: Scores) -> None:
    named = scores.holds["surface named rightly"]
    assert len(named) >= 10
    assert scores.share("surface named rightly") >= 0.9, named
    assert scores.share("scenes answered") >= 0.9


def test_the_score_notices_wrong_heights() -> None:
    """Depth in another unit makes every height wrong, so the comparison can fail."""
    scores, seen = Scores(), sensor_image(SEED, 0)
    seen.depth_mm[:] = (seen.depth_mm * 1.3).astype(np.uint16)
    scored(seen, image_of(seen, True, np.random.default_rng(0)), scores)
    heights = [ok for name, held in scores.holds.items() if name.startswith("height") for *_, ok in held]
    assert heights and np.mean(heights) < 0.5


@pytest.mark.parametrize("sensor", [sensor for sensor in SENSORS if not sensor.lines], ids=lambda sensor: sensor.name)
def test_errors_of_a_sensor_grow_with_the_square_of_the_range(sensor: Sensor) -> None:
    spread = {}
    for depth_m in (1.0, 3.0):
        wall = np.full((120, 160), depth_m, np.float32)
        surfaces = Surfaces(wall, np.full_like(wall, 200.0), np.zeros_like(wall))
        sensed = sensed_depth(surfaces, 600.0, sensor, np.random.default_rng(5))
        spread[depth_m] = float(np.std(sensed[sensed > 0]))
    assert 5.0 < spread[3.0] / spread[1.0] < 13.0


def test_dark_surfaces_have_holes_and_learned_depth_has_none() -> None:
    wall = np.full((120, 160), 1.0, np.float32)
    dark = Surfaces(wall, np.zeros_like(wall), np.zeros_like(wall))
    assert (sensed_depth(dark, 600.0, SENSORS[0], np.random.default_rng(5)) == 0).mean() > 0.05
    assert (sensed_depth(dark, 600.0, LEARNED, np.random.default_rng(5)) > 0).all()
