"""Rooms have many kinds, sizes and distances, and no intersecting objects."""

from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import pytest
from shapely.geometry import Polygon

from scenes.colors import NAMED, lab, shade_of
from scenes.placed_objects import KINDS, PlacedObject, design
from scenes.placement import Room
from scenes.rooms import furnished_room
from scenes.settings import ROOM_KINDS
from tests.scenes.conftest import Read


@pytest.fixture(scope="module")
def furnished_rooms() -> list[Room]:
    return [furnished_room(ROOM_KINDS[i % len(ROOM_KINDS)], np.random.default_rng(i)) for i in range(100)]


def test_many_kinds_occur(furnished_rooms: list[Room]) -> None:
    seen = Counter(item.label for room in furnished_rooms for item in room.objects)
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
        for item in room.objects:
            sizes[item.label].append(item.design.size_m)
    for label, found in sizes.items():
        if len(found) >= 40:
            ratio = np.max(found, axis=0) / np.min(found, axis=0)
            assert ratio.min() >= 2.0, (label, ratio)


def _footprint(item: PlacedObject, solid: np.ndarray) -> Polygon:
    x0, y0, x1, y1 = solid[[0, 1, 3, 4]]
    corners = np.array([[x0, y0, 0], [x1, y0, 0], [x1, y1, 0], [x0, y1, 0]])
    return Polygon(item.world(corners)[:, :2])


def _shared_volume_m3(a: PlacedObject, b: PlacedObject) -> float:
    """Largest overlap of two parts' boxes, by polygon clipping."""
    worst = 0.0
    for mine in a.design.solids:
        for other in b.design.solids:
            low = max(mine[2] + a.position_m[2], other[2] + b.position_m[2])
            high = min(mine[5] + a.position_m[2], other[5] + b.position_m[2])
            if high - low > 1e-4:
                worst = max(worst, _footprint(a, mine).intersection(_footprint(b, other)).area * (high - low))
    return worst


def test_objects_do_not_intersect(furnished_rooms: list[Room]) -> None:
    checked = 0
    for room in furnished_rooms[:30]:
        for a, b in combinations(room.objects, 2):
            if a.inside or b.inside:
                continue
            if np.linalg.norm((a.position_m - b.position_m)[:2]) < a.radius_m + b.radius_m:
                assert _shared_volume_m3(a, b) < 1e-7, (a.label, b.label)
                checked += 1
    assert checked > 200


def test_everything_rests_on_the_floor_a_wall_or_its_support(furnished_rooms: list[Room]) -> None:
    stacked = contained = 0
    for room in furnished_rooms:
        for item in room.objects:
            if item.parent is None:
                assert item.position_m[2] == 0 or "hung" in item.design.kind.on
                continue
            host = room.objects[item.parent]
            levels = [surface.z + host.position_m[2] for surface in host.design.shape.surfaces]
            assert min(abs(item.position_m[2] - level) for level in levels) < 1e-9
            local = (item.position_m - host.position_m) @ host.rotation
            assert (np.abs(local[:2]) <= host.half_m + 0.021).all()
            stacked += host.parent is not None
            contained += item.inside
    assert stacked > 20
    assert contained > 40


def test_rooms_contain_objects_of_the_same_kind(furnished_rooms: list[Room]) -> None:
    same = different = 0
    for room in furnished_rooms:
        by_kind = defaultdict(list)
        for item in room.objects:
            by_kind[item.label].append(item.design.color)
        same += any(len(colors) > len(set(colors)) for colors in by_kind.values())
        different += any(len(set(colors)) > 1 for colors in by_kind.values())
    assert same > 50
    assert different > 50


def test_distances_are_log_uniform(rooms: list[Read]) -> None:
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


def test_color_names_are_distinct_and_shades_keep_them() -> None:
    labs = lab(np.array(list(NAMED.values())))
    apart = np.linalg.norm(labs[:, None] - labs[None], axis=2) + 1000 * np.eye(len(labs))
    assert apart.min() > 25
    rng = np.random.default_rng(0)
    for name in NAMED:
        shades = lab(np.array([shade_of(name, rng) for _ in range(40)]))
        nearest = np.linalg.norm(shades[:, None] - labs[None], axis=2).argmin(1)
        assert {list(NAMED)[i] for i in nearest} == {name}
