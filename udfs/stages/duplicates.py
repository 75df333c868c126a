"""Duplicates: clusters of near-duplicates, and the groups of images that no split may divide."""

# Functions of pyarrow.compute are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from schemas.table import ENGINE_VERSION
from udfs.pixels.near_hashes import hashes_of, near_pairs

_ROWS_PER_BATCH = 10_000


class DuplicatesSettings(BaseModel):
    """When two images are near-duplicates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_bits: int = Field(
        default=6, ge=0, le=10, description="bits of 64 in which the perceptual hashes of near-duplicates may differ"
    )


def duplicate_batches(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, settings: DuplicatesSettings, recipe: str
) -> Iterator[pa.RecordBatch]:
    """Assign every new image to a cluster and a group; all images, new and known, come in one stream.

    Input has `image_id`, `ingest_shard`, `phash`, `sequence_id`, `pixels`, and the columns `cluster_id`, `group_id` and
    `other_groups` of `near_duplicates`, null for new images. Output has `schema`: the rows of the new ones.
    """
    given = list(batches)
    if not given:
        return
    rows = pa.Table.from_batches(given).sort_by("image_id")
    made = assigned(rows, settings.max_bits)
    count = made.num_rows
    fixed = {"recipe": recipe, "engine_version": ENGINE_VERSION}
    for name, value in fixed.items():
        made = made.append_column(name, pa.repeat(pa.scalar(value), count))
    nothing = pa.array([[]], schema.field("rejects").type).take(pa.array(np.zeros(count, np.int32)))
    made = made.append_column("rejects", nothing)
    yield from made.select(schema.names).cast(schema).to_batches(max_chunksize=_ROWS_PER_BATCH)


def assigned(rows: pa.Table, max_bits: int) -> pa.Table:
    """Return the new rows with their `cluster_id`, `group_id` and `other_groups`; `rows` are sorted by image id.

    New images that are connected, by near-duplicates or by sequence, are taken together. They join the cluster and the
    group of the known images that they are connected with. Where these are several, they join the first by name, and
    `other_groups` names the others: known images keep what they have.
    """
    images = _Images.of(rows, max_bits)
    new = rows.filter(pa.array(images.new))
    ids, sequences = new["image_id"], new["sequence_id"]
    by_hash = images.joined(rows, ("cluster_id",), nodes=1)
    by_both = images.joined(rows, ("group_id", "other_groups"), nodes=2)
    largest = _first_of(by_hash.label, -new["pixels"].fill_null(0).to_numpy())
    first = _first_of(by_both.label, _ranks(sequences))
    several = np.bincount(by_both.label)[by_both.label] > 1
    named = pc.if_else(pa.array(several), pc.coalesce(sequences.take(first), ids.take(first)), ids)
    columns = {
        "cluster_id": by_hash.names(ids.take(largest)),
        "group_id": by_both.names(named),
        "other_groups": by_both.others(),
    }
    return pa.table({name: columns.get(name, new[name]) for name in rows.column_names})


@dataclass(frozen=True)
class _Joined:
    """Components of the new images: `label` [new] numbers them; `known` has the sorted names that some of them join."""

    label: np.ndarray
    known: dict[int, list[str]]

    def names(self, fresh: pa.ChunkedArray) -> pa.Array:
        """Return the first name that each image's component joins, else its own of `fresh`."""
        first = pa.array([None, *(names[0] for names in self.known.values())], pa.string())
        return pc.coalesce(first.take(pa.array(self._slots())), fresh)

    def others(self) -> pa.Array:
        """Return the further names that each image's component joins."""
        more = pa.array([[], *(names[1:] for names in self.known.values())], pa.list_(pa.string()))
        return more.take(pa.array(self._slots()))

    def _slots(self) -> np.ndarray:
        slots = np.zeros(self.label.max(initial=-1) + 1, np.int64)
        slots[list(self.known)] = np.arange(1, len(self.known) + 1)
        return slots[self.label]


@dataclass(frozen=True)
class _Images:
    """Images and what connects them: `nodes` [n, 2] numbers each one's hash and its sequence, -1 where it has none.

    `near` [m, 2] holds pairs of hashes, at least one of them of a new image; `count` is the number of nodes.
    """

    new: np.ndarray
    nodes: np.ndarray
    near: np.ndarray
    count: int

    @classmethod
    def of(cls, rows: pa.Table, max_bits: int) -> "_Images":
        new = rows["cluster_id"].is_null().to_numpy()
        parts = [hashes_of(chunk.to_pylist()) for chunk in rows["phash"].chunks]
        hashes, hashed = (np.concatenate(part) for part in zip(*parts, strict=True))
        unique, places = np.unique(hashes[hashed], return_inverse=True)
        nodes = np.full((len(new), 2), -1, np.int64)
        nodes[hashed, 0] = places
        fresh = np.zeros(len(unique), bool)
        fresh[nodes[hashed & new, 0]] = True
        near = np.stack(near_pairs(unique, max_bits, fresh), axis=1)
        coded = pc.dictionary_encode(rows["sequence_id"]).combine_chunks()
        sequences = coded.indices.fill_null(-1).to_numpy().astype(np.int64)
        nodes[:, 1] = np.where(sequences >= 0, sequences + len(unique), -1)
        return cls(new, nodes, near, len(unique) + len(coded.dictionary))

    def joined(self, rows: pa.Table, names: tuple[str, ...], nodes: int) -> _Joined:
        """Return the components of new images that are connected by the first `nodes` columns, and what they join.

        `names` are the columns with the clusters or groups of known images.
        """
        # They take longer to import than most commands take that need none of them.
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        own = self.nodes[self.new, :nodes]
        row, column = np.nonzero(own >= 0)
        used = np.zeros(self.count, bool)
        used[own[row, column]] = True
        count, size = len(own), len(own) + self.count
        # A hash that only known images have connects no new ones: those images keep their own clusters.
        between = count + self.near[used[self.near].all(axis=1)]
        edges = np.concatenate([np.stack([row, count + own[row, column]], axis=1), between])
        graph = coo_array((np.ones(len(edges), bool), (edges[:, 0], edges[:, 1])), shape=(size, size))
        label = connected_components(graph, directed=False)[1]
        themselves = np.repeat(np.flatnonzero(used)[:, None], 2, axis=1)
        reached = np.concatenate([themselves, self.near, self.near[:, ::-1]])
        reached = reached[used[reached[:, 0]]]
        held = self._held(rows, names, nodes, np.unique(reached[:, 1]))
        known: dict[int, set[str]] = {}
        for node, other in reached.tolist() if held else ():
            if other in held:
                known.setdefault(int(label[count + node]), set()).update(held[other])
        return _Joined(label[:count], {one: sorted(found) for one, found in known.items()})

    def _held(self, rows: pa.Table, names: tuple[str, ...], nodes: int, wanted: np.ndarray) -> dict[int, set[str]]:
        """Return by node the names that known images with this node have, for the wanted nodes."""
        asked = np.zeros(self.count + 1, bool)
        asked[wanted] = True
        old = np.flatnonzero(~self.new & asked[self.nodes[:, :nodes]].any(axis=1))
        held: dict[int, set[str]] = {}
        for places, row in zip(self.nodes[old, :nodes].tolist(), rows.select(names).take(old).to_pylist(), strict=True):
            for place in places:
                if place >= 0:
                    held.setdefault(place, set()).update([row[names[0]], *(row.get("other_groups") or ())])
        return held


def _first_of(label: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Return for each image the position of its component's image of the lowest rank, the first one of several."""
    order = np.lexsort((np.arange(len(label)), rank, label))
    _, starts = np.unique(label[order], return_index=True)
    _, component = np.unique(label, return_inverse=True)
    return order[starts][component]


def _ranks(texts: pa.ChunkedArray) -> np.ndarray:
    """Return the place of each text in their order, missing ones last."""
    coded = pc.dictionary_encode(texts).combine_chunks()
    ranks = np.empty(len(coded.dictionary) + 1, np.int64)
    ranks[pc.sort_indices(coded.dictionary).to_numpy()] = np.arange(len(coded.dictionary))
    ranks[-1] = len(coded.dictionary)
    return ranks[coded.indices.fill_null(-1).to_numpy()]
