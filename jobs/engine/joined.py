"""Rows of several tables put together by image: what most stages read, by Spark or, in a small run, without it."""

# Functions of pyarrow.compute are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.engine.lake import Lake
from schemas.table import Table

# Stand for what the crawl carries, without its bytes: by name, the column that holds them.
HAS_DEPTH, HAS_CAMERA = "has_depth", "has_camera"
_PRESENCE = {HAS_DEPTH: "depth", HAS_CAMERA: "camera"}


@dataclass(frozen=True)
class Part:
    """Columns of one table, of the rows of one recipe (None: the table has no recipes).

    `renamed` gives columns other names. `fields` are the fields to keep of columns that hold lists of structs. With
    `packed`, all columns but `image_id` become one struct of this name. A column that a lake of an earlier version
    lacks is null. Rows that lack a partner in an `optional` part are kept, with nulls.
    """

    table: Table
    columns: tuple[str, ...]
    recipe: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    packed: str | None = None
    optional: bool = False

    def in_spark(self, lake: Lake, shards: Sequence[int] | None = None) -> DataFrame:
        """Return the rows, or those in some ingest shards, with predicates that let Delta skip files."""
        rows = lake.read(self.table)
        there = rows.columns
        rows = rows if self.recipe is None else rows.where(F.col("recipe") == self.recipe)
        rows = rows if shards is None else rows.where(F.col("ingest_shard").isin(list(shards)))
        rows = rows.select(*(self._column(name, there).alias(self._name(name)) for name in self.columns))
        if self.packed is None:
            return rows
        return rows.select("image_id", F.struct(*self._packed_names(rows.columns)).alias(self.packed))

    @property
    def how(self) -> str:
        """Return how Spark joins the rows to others."""
        return "left" if self.optional else "inner"

    def _packed_names(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name != "image_id"]

    def _column(self, name: str, there: Sequence[str]) -> Column:
        if name in _PRESENCE:
            return F.col(_PRESENCE[name]).isNotNull()
        if name not in there:
            return F.lit(None).cast(self.table.schema[name].dataType)
        if name in self.fields:
            return F.transform(name, lambda one: F.struct(*(one[inner].alias(inner) for inner in self.fields[name])))
        return F.col(name)

    def in_arrow(self, lake: Lake, key: str = "image_id", wanted: pa.Array | None = None) -> pa.Table:
        """Return the rows, or those whose `key` is among the wanted ones, without Spark."""
        import pyarrow.dataset as ds  # it imports pandas, which a command on one image does without

        held = lake.dataset(self.table)
        chosen = ds.scalar(True) if wanted is None else ds.field(key).isin(wanted)
        chosen = chosen if self.recipe is None else chosen & (ds.field("recipe") == self.recipe)
        expressions = {self._name(name): self._expression(name, held.schema.names) for name in self.columns}
        rows = held.to_table(columns=expressions, filter=chosen)
        for name, inner in self.fields.items():
            place = rows.schema.get_field_index(name)
            rows = rows.set_column(place, name, _with_fields(rows[name].combine_chunks(), inner))
        return rows if self.packed is None else self._packed(rows, self.packed)

    def _packed(self, rows: pa.Table, name: str) -> pa.Table:
        names = self._packed_names(rows.column_names)
        columns = [rows[one].combine_chunks() for one in names]
        return pa.table({"image_id": rows["image_id"], name: pa.StructArray.from_arrays(columns, names)})

    def _expression(self, name: str, there: Sequence[str]) -> Any:
        import pyarrow.dataset as ds

        if name in _PRESENCE:
            return ds.field(_PRESENCE[name]).is_valid()
        if name in there:
            return ds.field(name)
        kind = to_arrow_schema(self.table.schema).field(name).type
        return ds.scalar(pa.scalar(None, kind))

    def _name(self, name: str) -> str:
        return self.renamed.get(name, name)


@dataclass(frozen=True)
class Joined:
    """Rows of `base` with the columns of the `others`, for keys that all of them have, but for `optional` ones.

    Called as the `read` of a stage, it is Spark's; `in_arrow` does the same in a small run. Each of the others has the
    `key` and, in common with `base`, nothing else.
    """

    base: Part
    others: tuple[Part, ...] = ()
    key: str = "image_id"

    def __call__(self, lake: Lake, keys: DataFrame, shards: list[int]) -> DataFrame:
        """Return the rows of the keys, reading only their ingest shards."""
        ids = keys.select(self.key)
        # Keys and the others, which are small, are broadcast, so that base is not shuffled.
        rows = self.base.in_spark(lake, shards)
        if all(part.optional for part in self.others):
            rows = rows.join(F.broadcast(ids), self.key, "left_semi")
        for part in self.others:
            narrowed = part.in_spark(lake, shards).join(F.broadcast(ids), self.key, "left_semi")
            rows = rows.join(F.broadcast(narrowed), self.key, part.how)
        return rows

    def in_arrow(self, lake: Lake, keys: pa.Table) -> pa.Table:
        """Return the rows of the keys, without Spark."""
        ids = keys[self.key].combine_chunks()
        rows = self.base.in_arrow(lake, self.key, ids)
        for part in self.others:
            rows = beside(rows, part.in_arrow(lake, self.key, ids), self.key, keep_all=part.optional)
        return rows


def beside(rows: pa.Table, others: pa.Table, key: str = "image_id", keep_all: bool = False) -> pa.Table:
    """Return the rows that have a partner in `others`, which holds each key once, with the partner's columns.

    With `keep_all`, rows without a partner stay, with nulls.
    """
    places = pc.index_in(rows[key], value_set=others[key].combine_chunks())
    if not keep_all:
        found = pc.is_valid(places)
        rows, places = rows.filter(found), places.filter(found)
    for name in others.column_names:
        if name != key:
            rows = rows.append_column(name, others[name].take(places))
    return rows


def _with_fields(lists: pa.Array, names: Sequence[str]) -> pa.Array:
    """Return lists of structs with only some of their fields."""
    values = lists.flatten()
    kept = pa.StructArray.from_arrays(
        [pc.struct_field(values, name) for name in names], fields=[values.type.field(name) for name in names]
    )
    # A missing list has no values, and stays missing.
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths.cast(pa.int64()))])
    return pa.ListArray.from_arrays(offsets.cast(pa.int32()), kept, mask=lists.is_null())
