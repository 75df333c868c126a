"""What rooms hold: many kinds, sizes and distances, nothing through anything else."""

from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import pytest
from shapely.geometry import Polygon

from scenes.colours import NAMED, lab, shade_of
from scenes.layout import Room
from scenes.rooms import furnished
from scenes.settings import ROOM_KINDS
from scenes.things import KINDS, Thing, design
from tests.scenes.conftest import Read


@pytest.fixture(scope="module")
def furnished_rooms() -> list[Room]:
    return [furnished(ROOM_KINDS[i % len(ROOM_KINDS)], np.random.default_rng(i)) for i in range(100)]


def test_many_kinds_occur(furnished_rooms: list[Room]) -> None:
    seen = Counter(thing.label for room in furnished_rooms for thing in room.things)
    assert len(seen) >= 60
    assert sum(1 for count in seen.values() if count >= 10) >= 45


@pytest.mark.parametrize("label", sorted(KINDS))
def test_kind_is_well_built(label: str) -> None:
    sizes = []
    for seed in range(25):
        made = design(label, np.random.default_rng(seed))
        low, high = made.shape.bounds()
        np.testing.assert_allclose(low[2], 0, atol=1e-9)
        np.testing.assert_allclose(low[:2], -high[:2], atol=1e-9)
        np.testing.assert_allclose(high - low, made.size_m, atol=1e-9)
        assert sum(len(mesh.faces) for _, mesh in made.shape.parts) < 600
        assert all(mesh.faces.max() < len(mesh.vertices) for _, mesh in made.shape.parts)
        sizes.append(np.prod(made.size_m) ** (1 / 3))
    assert max(sizes) / min(sizes) >= 1.7


def test_sizes_within_a_kind_vary_by_two_or_more(furnished_rooms: list[Room]) -> None:
    sizes = defaultdict(list)
    for room in furnished_rooms:
        for thing in room.things:
            sizes[thing.label].append(thing.design.size_m)
    for label, found in sizes.items():
        if len(found) >= 40:
            ratio = np.max(found, axis=0) / np.min(found, axis=0)
            assert ratio.min() >= 2.0, (label, ratio)


def _footprint(thing: Thing, solid: np.ndarray) -> Polygon:
    x0, y0, x1, y1 = solid[[0, 1, 3, 4]]
    corners = np.array([[x0, y0, 0], [x1, y0, 0], [x1, y1, 0], [x0, y1, 0]])
    return Polygon(thing.world(corners)[:, :2])


def _shared_volume_m3(a: Thing, b: Thing) -> float:
    """Largest overlap of two parts' boxes, by polygon clipping."""
    worst = 0.0
    for mine in a.design.solids:
        for other in b.design.solids:
            low = max(mine[2] + a.position_m[2], other[2] + b.position_m[2])
            high = min(mine[5] + a.position_m[2], other[5] + b.position_m[2])
            if high - low > 1e-4:
                worst = max(worst, _footprint(a, mine).intersection(_footprint(b, other)).area * (high - low))
    return worst


def test_nothing_goes_through_anything_else(furnished_rooms: list[Room]) -> None:
    checked = 0
    for room in furnished_rooms[:30]:
        for a, b in combinations(room.things, 2):
            if a.inside or b.inside:
                continue
            if np.linalg.norm((a.position_m - b.position_m)[:2]) < a.radius_m + b.radius_m:
                assert _shared_volume_m3(a, b) < 1e-7, (a.label, b.label)
                checked += 1
    assert checked > 200


def test_everything_rests_on_the_floor_a_wall_or_its_support(furnished_rooms: list[Room]) -> None:
    stacked = contained = 0
    for room in furnished_rooms:
        for thing in room.things:
            if thing.parent is None:
                assert thing.position_m[2] == 0 or "hung" in thing.design.kind.on
                continue
            host = room.things[thing.parent]
            levels = [surface.z + host.position_m[2] for surface in host.design.shape.surfaces]
            assert min(abs(thing.position_m[2] - level) for level in levels) < 1e-9
            local = (thing.position_m - host.position_m) @ host.rotation
            assert (np.abs(local[:2]) <= host.half_m + 0.021).all()
            stacked += host.parent is not None
            contained += thing.inside
    assert stacked > 20
    assert contained > 40


def test_rooms_hold_namesakes(furnished_rooms: list[Room]) -> None:
    same = different = 0
    for room in furnished_rooms:
        by_kind = defaultdict(list)
        for thing in room.things:
            by_kind[thing.label].append(thing.design.colour)
        same += any(len(colours) > len(set(colours)) for colours in by_kind.values())
        different += any(len(set(colours)) > 1 for colours in by_kind.values())
    assert same > 50
    assert different > 50


def test_distances_spread_in_their_logarithm(rooms: list[Read]) -> None:
    ranges = []
    for room in rooms:
        distance = np.linalg.norm(room.points(), axis=2)
        ranges += [np.percentile(distance[room.instances == entry["id"]], 5) for entry in room.row["objects"]]
    octaves = np.histogram(np.log2(ranges), bins=[-1, 0, 1, 2, 3])[0] / len(ranges)
    assert octaves.min() > 0.08
    assert octaves.max() < 0.45


def test_kinds_are_on_either_side(rooms: list[Read]) -> None:
    left = total = 0
    for room in rooms:
        for entry in room.row["objects"]:
            columns = np.nonzero(room.instances == entry["id"])[1]
            left += np.median(columns) < room.instances.shape[1] / 2
            total += 1
    assert 0.42 < left / total < 0.58


def test_colour_names_are_far_apart_and_shades_keep_them() -> None:
    labs = lab(np.array(list(NAMED.values())))
    apart = np.linalg.norm(labs[:, None] - labs[None], axis=2) + 1000 * np.eye(len(labs))
    assert apart.min() > 25
    rng = np.random.default_rng(0)
    for name in NAMED:
        shades = lab(np.array([shade_of(name, rng) for _ in range(40)]))
        nearest = np.linalg.norm(shades[:, None] - labs[None], axis=2).argmin(1)
        assert {list(NAMED)[i] for i in nearest} == {name}
