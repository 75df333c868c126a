"""Builds scenes from an Arrow batch without a dict per object: nested lists are sliced as flat columns.

`RecordBatch.to_pylist()` would add 11 % to the time of synthesis. This path gives the same `Scene` (tested against
`scene_of`). A row that does not fit the table's schema goes through `scene_of`, which names the fault.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from udfs.questions.scene import Scene, SeenPair, gates_of, lens_of, scene_of
from udfs.questions.seen_object import FLAGS, VECTORS, Primitives, seen_object

_KEYS = ("image_id", "ingest_shard", "scene_recipe", "licence", "cluster_id", "group_id", "other_groups")
_HEADS = ("image_id", "width", "camera", "gravity_src", "gravity_sigma_deg", "has_plane", "scale_ok")
_HEADS_NULLABLE = ("depth_noise_rel", "world_from_camera", "scale_sigma_rel", "focal_sigma_rel")


Keys = dict[str, Any]


def scenes_of(batch: pa.RecordBatch, with_layout: bool = False) -> Iterator[tuple[Keys, Scene | Exception]]:
    """Yield every row's keys with its scene, or with the error that reading it raised.

    A layout is nested more deeply than flat columns go: with it, every row takes the slower way.
    """
    keys = _dicts(batch, [name for name in _KEYS if name in batch.schema.names])
    heads = _dicts(batch, [name for name in _HEADS + _HEADS_NULLABLE if name in batch.schema.names])
    nested = _Nested(batch)
    for row in range(batch.num_rows):
        try:
            if nested.regular[row] and not with_layout:
                made: Scene | Exception = nested.scene(row, heads[row])
            else:
                whole = batch.slice(row, 1).to_pylist()[0]
                made = scene_of(whole, whole["references"], with_layout)
        except Exception as error:  # the caller quarantines this row alone
            made = error
        yield keys[row], made


class _Nested:
    """The objects, pairs and references of a batch as flat lists with offsets."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        lists = {name: batch.column(name) for name in ("objects", "pairs", "references")}
        self._offsets = {name: array.offsets.to_pylist() for name, array in lists.items()}
        regular = np.ones(batch.num_rows, dtype=bool)
        for array in lists.values():
            regular &= ~array.is_null().to_numpy(zero_copy_only=False)
        objects = lists["objects"].values
        self._objects, sound = _primitives(objects)
        _spread(regular, sound, lists["objects"].offsets.to_numpy())
        pairs = lists["pairs"].values
        ends = [pairs.field(name) for name in ("a", "b")]
        _spread(regular, ~_nulls(ends[0]) & ~_nulls(ends[1]), lists["pairs"].offsets.to_numpy())
        ids = np.sort(np.stack([end.fill_null(0).to_numpy() for end in ends], axis=1), axis=1)
        self._pair_ids = list(map(tuple, ids.tolist()))
        adjacent = pairs.field("masks_adjacent").fill_null(True).to_pylist()
        lengths = [pairs.field(name).to_numpy(zero_copy_only=False).tolist() for name in ("gap_m", "clearance_m")]
        self._pairs = list(map(SeenPair, *lengths, adjacent))
        references = lists["references"].values
        names = [references.field(name).to_pylist() for name in ("object_id", "expression", "form")]
        self._references = list(zip(*names, strict=True))
        self.regular: list[bool] = regular.tolist()

    def scene(self, row: int, head: dict[str, Any]) -> Scene:
        gates = gates_of(head)
        lens = lens_of(head, gates)
        named = {name[0]: name for name in self._references[self._range("references", row)]}
        kept = sorted(
            (p for p in self._objects[self._range("objects", row)] if p.object_id in named), key=lambda p: p.object_id
        )
        part = self._range("pairs", row)
        pairs = dict(zip(self._pair_ids[part], self._pairs[part], strict=True))
        chosen = [named[p.object_id] for p in kept]
        objects = [seen_object(p, lens) for p in kept]
        return Scene(head["image_id"], gates, objects, pairs, [n[1] for n in chosen], [n[2] for n in chosen])

    def _range(self, name: str, row: int) -> slice:
        offsets = self._offsets[name]
        return slice(offsets[row], offsets[row + 1])


def _dicts(batch: pa.RecordBatch, names: list[str]) -> list[dict[str, Any]]:
    columns = [batch.column(name).to_pylist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _primitives(objects: pa.StructArray) -> tuple[list[Primitives], np.ndarray]:
    """Return every object of the batch, and which of them have an id and vectors of the right lengths."""
    sound = ~_nulls(objects.field("object_id"))
    vectors: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    columns: list[list[Any]] = []
    for name in Primitives._fields:
        if name in VECTORS:
            source, length, index = VECTORS[name]
            if source not in vectors:
                array = objects.field(source)
                starts = array.offsets.to_numpy()
                sound &= (np.diff(starts) == length) & ~_nulls(array)
                # One more vector of NaN, so that the offset of an empty last vector is a valid index.
                flat = np.append(array.values.to_numpy(zero_copy_only=False), np.full(length, np.nan))
                vectors[source] = flat, starts[:-1]
            flat, starts = vectors[source]
            columns.append(flat[np.minimum(starts + index, len(flat) - 1)].tolist())
        elif name in FLAGS:
            columns.append(objects.field(name).fill_null(FLAGS[name]).to_pylist())
        elif name in ("object_id", "size_source", "label"):
            columns.append(objects.field(name).to_pylist())
        else:
            columns.append(objects.field(name).to_numpy(zero_copy_only=False).tolist())
    return list(map(Primitives._make, zip(*columns, strict=True))), sound


def _nulls(array: pa.Array) -> np.ndarray:
    return array.is_null().to_numpy(zero_copy_only=False)


def _spread(regular: np.ndarray, sound: np.ndarray, offsets: np.ndarray) -> None:
    """Set `regular` to False for the rows with an unsound item."""
    for item in np.flatnonzero(~sound):
        row = int(np.searchsorted(offsets, item, side="right")) - 1
        if 0 <= row < len(regular):
            regular[row] = False
