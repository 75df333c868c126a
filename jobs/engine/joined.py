"""Rows of several tables put together by image: what most stages read, by Spark or, in a small run, without it."""

# Functions of pyarrow.compute are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.engine.lake import Lake
from schemas.table import Table

# Stands for a carried depth map without its bytes.
HAS_DEPTH = "has_depth"
_DEPTH = "depth"


@dataclass(frozen=True)
class Part:
    """Columns of one table, of the rows of one recipe (None: the table has no recipes).

    `renamed` gives columns other names. `fields` are the fields to keep of columns that hold lists of structs. A column
    that a lake of an earlier version lacks is null.
    """

    table: Table
    columns: tuple[str, ...]
    recipe: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def in_spark(self, lake: Lake, shards: Sequence[int]) -> DataFrame:
        """Return the rows in some ingest shards, with predicates that let Delta skip files."""
        rows = lake.read(self.table)
        there = rows.columns
        inside = F.col("ingest_shard").isin(list(shards))
        rows = rows.where(inside if self.recipe is None else (F.col("recipe") == self.recipe) & inside)
        return rows.select(*(self._column(name, there).alias(self._name(name)) for name in self.columns))

    def _column(self, name: str, there: Sequence[str]) -> Column:
        if name == HAS_DEPTH:
            return F.col(_DEPTH).isNotNull()
        if name not in there:
            return F.lit(None).cast(self.table.schema[name].dataType)
        if name in self.fields:
            return F.transform(name, lambda one: F.struct(*(one[inner].alias(inner) for inner in self.fields[name])))
        return F.col(name)

    def in_arrow(self, lake: Lake, key: str, wanted: pa.Array) -> pa.Table:
        """Return the rows whose `key` is among the wanted ones, without Spark."""
        import pyarrow.dataset as ds  # it imports pandas, which a command on one image does without

        held = lake.dataset(self.table)
        chosen = ds.field(key).isin(wanted)
        chosen = chosen if self.recipe is None else chosen & (ds.field("recipe") == self.recipe)
        expressions = {self._name(name): self._expression(name, held.schema.names) for name in self.columns}
        rows = held.to_table(columns=expressions, filter=chosen)
        for name, inner in self.fields.items():
            place = rows.schema.get_field_index(name)
            rows = rows.set_column(place, name, _with_fields(rows[name].combine_chunks(), inner))
        return rows

    def _expression(self, name: str, there: Sequence[str]) -> Any:
        import pyarrow.dataset as ds

        if name == HAS_DEPTH:
            return ds.field(_DEPTH).is_valid()
        if name in there:
            return ds.field(name)
        kind = to_arrow_schema(self.table.schema).field(name).type
        return ds.scalar(pa.scalar(None, kind))

    def _name(self, name: str) -> str:
        return self.renamed.get(name, name)


@dataclass(frozen=True)
class Joined:
    """Rows of `base` with the columns of the `others`, for images that all of them have.

    Called as the `read` of a stage, it is Spark's; `in_arrow` does the same in a small run. Each of the others has
    `image_id` and, in common with `base`, nothing else.
    """

    base: Part
    others: tuple[Part, ...] = ()

    def __call__(self, lake: Lake, keys: DataFrame, shards: list[int]) -> DataFrame:
        """Return the rows of the keys, reading only their ingest shards."""
        ids = keys.select("image_id")
        # Keys and the others, which are small, are broadcast, so that base is not shuffled.
        beside = [part.in_spark(lake, shards) for part in self.others]
        narrowed = [rows.join(F.broadcast(ids), "image_id", "left_semi") for rows in beside] or [ids]
        rows = self.base.in_spark(lake, shards)
        return reduce(lambda joined, one: joined.join(F.broadcast(one), "image_id"), narrowed, rows)

    def in_arrow(self, lake: Lake, keys: pa.Table) -> pa.Table:
        """Return the rows of the keys, without Spark."""
        ids = keys["image_id"].combine_chunks()
        rows = self.base.in_arrow(lake, "image_id", ids)
        return reduce(beside, (part.in_arrow(lake, "image_id", ids) for part in self.others), rows)


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
