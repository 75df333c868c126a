"""Near-duplicates and groups found the slow way: every pair is compared."""

from collections.abc import Iterable, Sequence

import pyarrow as pa


def pairs_within(hashes: Sequence[int], max_bits: int) -> set[tuple[int, int]]:
    numbered = list(enumerate(hashes))
    return {(i, j) for i, a in numbered for j, b in numbered if i < j and (a ^ b).bit_count() <= max_bits}


def components(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> set[frozenset[str]]:
    sets = {node: {node} for node in nodes}
    for a, b in edges:
        if sets[a] is not sets[b]:
            sets[a] |= sets[b]
            for node in sets[b]:
                sets[node] = sets[a]
    return {frozenset(one) for one in sets.values()}


def table_of(images: Sequence[dict], known: dict[str, dict]) -> pa.Table:
    """Return the input of `assigned`: images, each with what it was given before, if it was."""
    rows = []
    for image in images:
        given = known.get(image["image_id"]) or dict.fromkeys(("cluster_id", "group_id", "other_groups"))
        names = ("cluster_id", "group_id", "other_groups")
        rows.append({"ingest_shard": 1, **image, **{name: given[name] for name in names}})
    columns = {
        **dict.fromkeys(("image_id", "phash", "sequence_id", "cluster_id", "group_id"), pa.string()),
        **{"ingest_shard": pa.int64(), "pixels": pa.int64(), "other_groups": pa.list_(pa.string())},
    }
    return pa.Table.from_pylist(rows, pa.schema(list(columns.items()))).sort_by("image_id")
