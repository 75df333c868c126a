"""Clusters and groups against brute force: in one go, and image by image."""

from collections import defaultdict
from functools import reduce
from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.duplicates.brute_force import components, pairs_within, table_of
from udfs.pixels.near_hashes import hashes_of, near_pairs
from udfs.questions.answering import split_of
from udfs.questions.settings import SynthesizeSettings
from udfs.stages.duplicates import assigned

BITS = 6
# Half of the images are in the test split, so that groups often differ.
HALVES = SynthesizeSettings(test_share=0.5, validation_share=0.0)


@st.composite
def near_hashes(draw: st.DrawFn, max_size: int = 40) -> list[int]:
    """Hashes scattered around a few, so that many are near each other and chains of them arise."""
    centers = draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4))
    flips = st.lists(st.integers(0, 63), max_size=9)
    drawn = draw(st.lists(st.tuples(st.sampled_from(centers), flips), min_size=1, max_size=max_size))
    return [reduce(lambda phash, bit: phash ^ 1 << bit, bits, center) for center, bits in drawn]


@st.composite
def crawls(draw: st.DrawFn) -> list[dict[str, Any]]:
    images = []
    for number, phash in enumerate(draw(near_hashes(24))):
        hidden = draw(st.integers(0, 9)) == 0
        images.append(
            {
                "image_id": f"{number * 7919 % 1000:03d}",
                "phash": None if hidden else f"{phash:016x}",
                "sequence_id": draw(st.sampled_from([None, None, "s1", "s2", "s3"])),
                "pixels": draw(st.integers(1, 4)) * 100,
            }
        )
    return images


def edges_of(images: list[dict[str, Any]], by_sequence: bool) -> set[tuple[str, str]]:
    edges = set()
    for a, b in combinations(images, 2):
        near = a["phash"] and b["phash"] and (int(a["phash"], 16) ^ int(b["phash"], 16)).bit_count() <= BITS
        same = by_sequence and a["sequence_id"] and a["sequence_id"] == b["sequence_id"]
        if near or same:
            edges.add((a["image_id"], b["image_id"]))
    return edges


def sets_by(rows: dict[str, dict[str, Any]], name: str) -> set[frozenset[str]]:
    sets = defaultdict(set)
    for image_id, row in rows.items():
        sets[row[name]].add(image_id)
    return {frozenset(one) for one in sets.values()}


def arrived(images: list[dict[str, Any]], sizes: list[int]) -> dict[str, dict[str, Any]]:
    """Assign the images as they arrive, `sizes` at a time."""
    known: dict[str, dict[str, Any]] = {}
    start = 0
    for size in [*sizes, len(images)]:
        seen = images[: start + size]
        start += size
        for row in assigned(table_of(seen, known), BITS).to_pylist():
            assert row["image_id"] not in known
            known[row["image_id"]] = row
    return known


@given(near_hashes(), st.integers(0, 10), st.data())
def test_all_near_pairs_are_found_and_no_others(hashes: list[int], max_bits: int, data: st.DataObject) -> None:
    unique = np.unique(np.array(hashes, np.uint64))
    expected = pairs_within([int(one) for one in unique], max_bits)
    assert set(zip(*(one.tolist() for one in near_pairs(unique, max_bits)), strict=True)) == expected
    fresh = np.array(data.draw(st.lists(st.booleans(), min_size=len(unique), max_size=len(unique))), bool)
    found = set(zip(*(one.tolist() for one in near_pairs(unique, max_bits, fresh)), strict=True))
    assert found == {(i, j) for i, j in expected if fresh[i] or fresh[j]}


def test_hashes_are_read_from_hex_and_what_is_none_is_told_apart() -> None:
    hashes, there = hashes_of(["0" * 16, "f" * 16, None, "", "no hash", "1" * 17])
    assert hashes.tolist() == [0, 2**64 - 1, 0, 0, 0, 0]
    assert there.tolist() == [True, True, False, False, False, False]


@given(crawls())
def test_images_that_arrive_together_are_connected_components(images: list[dict[str, Any]]) -> None:
    rows = arrived(images, [])
    ids = [image["image_id"] for image in images]
    assert sets_by(rows, "cluster_id") == components(ids, edges_of(images, by_sequence=False))
    groups = components(ids, edges_of(images, by_sequence=True))
    assert sets_by(rows, "group_id") == groups
    assert all(row["other_groups"] == [] for row in rows.values())
    by_id = {image["image_id"]: image for image in images}
    for cluster in sets_by(rows, "cluster_id"):
        largest = min(cluster, key=lambda one: (-by_id[one]["pixels"], one))
        assert {rows[one]["cluster_id"] for one in cluster} == {largest}
    for group in groups:
        sequences = sorted(filter(None, (by_id[one]["sequence_id"] for one in group)))
        named = sequences[0] if sequences and len(group) > 1 else min(group)
        assert {rows[one]["group_id"] for one in group} == {named}


@given(crawls(), st.lists(st.integers(1, 6), max_size=6))
def test_what_arrives_later_changes_nothing_and_no_split_divides_what_is_connected(
    images: list[dict[str, Any]], sizes: list[int]
) -> None:
    rows = arrived(images, sizes)
    assert rows.keys() == {image["image_id"] for image in images}
    splits = {}
    for image_id, row in rows.items():
        assert row["other_groups"] == sorted(set(row["other_groups"]) - {row["group_id"]})
        drawn = {split_of(name, HALVES) for name in (row["group_id"], *row["other_groups"])}
        splits[image_id] = drawn.pop() if len(drawn) == 1 else None
    for a, b in edges_of(images, by_sequence=True):
        assert splits[a] is None or splits[b] is None or splits[a] == splits[b]
    for a, b in edges_of(images, by_sequence=False):
        clusters = rows[a]["cluster_id"], rows[b]["cluster_id"]
        # An image that arrives late may be near two clusters, whose images were of one group already.
        named = rows[a]["group_id"] == rows[b]["group_id"] or rows[a]["other_groups"] or rows[b]["other_groups"]
        assert clusters[0] == clusters[1] or named


def test_a_late_image_joins_and_one_that_connects_two_clusters_names_both() -> None:
    def image(name: str, bits: int, sequence: str | None = None) -> dict[str, Any]:
        return {"image_id": name, "phash": f"{(1 << bits) - 1:016x}", "sequence_id": sequence, "pixels": 100}

    # Neighbors in this order are six bits apart.
    chain = [image("a", 0), image("c", 12), image("b", 6), image("d", 12), image("e", 6)]
    rows = arrived(chain, [2, 1, 1])
    assert [rows[name]["cluster_id"] for name in "acbde"] == ["a", "c", "a", "a", "a"]
    for late in "bde":
        assert (rows[late]["group_id"], rows[late]["other_groups"]) == ("a", ["c"])


def test_many_equal_hashes_are_one_cluster_and_crowded_ones_are_compared_once() -> None:
    count = 30_000
    rng = np.random.default_rng(1)
    blank = ["f" * 16] * count
    crowded = [f"{int(one):016x}" for one in rng.integers(0, 2**14, 1_000)]
    images = [
        {"image_id": f"{number:06d}", "phash": phash, "sequence_id": None, "pixels": 1}
        for number, phash in enumerate(blank + crowded)
    ]
    clusters = sets_by({row["image_id"]: row for row in assigned(table_of(images, {}), BITS).to_pylist()}, "cluster_id")
    assert sorted(map(len, clusters)) == [1_000, count]
