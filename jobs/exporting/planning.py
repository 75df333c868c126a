"""Cuts an export into shards, the same ones for the same rows, and each shard into units that fit into memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from jobs.exporting.settings import ExportSettings
from jobs.views.reader import LakeReader, quoted

# What is read at a time: rows of qa_pairs, which are texts, and of training_examples, which hold JPEGs; and images.
_UNIT_ROWS = {"qa_pairs": 65_536, "training_examples": 512}
_UNIT_IMAGES = 256
_HASH_RANGE = 16**4


@dataclass(frozen=True)
class Unit:
    """Rows that are read at once: of ingest shards, with image ids from `low` on and below `high` (None: no bound)."""

    ingest_shards: tuple[int, ...]
    rows: int
    low: str | None = None
    high: str | None = None

    @property
    def condition(self) -> str:
        """Return the unit as a condition of SQL."""
        within = f"ingest_shard IN ({', '.join(map(str, self.ingest_shards))})"
        low = f" AND image_id >= '{self.low}'" if self.low else ""
        return within + low + (f" AND image_id < '{self.high}'" if self.high else "")


@dataclass(frozen=True)
class Shard:
    """One group of files of the export: shard `number` of `count` of a split, `place` among all; all from 0."""

    place: int
    split: str
    number: int
    count: int
    units: tuple[Unit, ...]

    @property
    def rows(self) -> int:
        """Return about how many rows it has."""
        return sum(unit.rows for unit in self.units)


def conditions_of(settings: ExportSettings, recipe: str) -> str:
    """Return which rows of the table are exported, as a condition of SQL."""
    lists = {"type_id": settings.types, "answer_form": settings.forms, "licence": settings.licences}
    wanted = [f"{name} IN ({quoted(values)})" for name, values in lists.items() if values]
    return " AND ".join([f"recipe = {quoted([recipe])}", f"split IN ({quoted(settings.splits)})", *wanted])


class _Count(NamedTuple):
    """Rows and, about, images of an ingest shard."""

    ingest_shard: int
    rows: int
    images: int


def shards_of(lake: LakeReader, settings: ExportSettings, recipe: str) -> list[Shard]:
    """Return the shards of an export, by split and ingest shard; no image lies in two of them."""
    counted = lake.arrow(
        settings.table,
        "SELECT split, ingest_shard, count(*) AS n, approx_distinct(image_id) AS images FROM t"
        f" WHERE {conditions_of(settings, recipe)} GROUP BY split, ingest_shard ORDER BY split, ingest_shard",
        all_recipes=True,
    ).to_pylist()
    shards: list[Shard] = []
    for split in settings.splits:
        own = (row for row in counted if row["split"] == split)
        counts = [_Count(row["ingest_shard"], row["n"], row["images"]) for row in own]
        limit = min(_UNIT_ROWS[settings.table], settings.rows_per_shard)
        groups = _groups(_units(counts, limit), settings.rows_per_shard)
        shards += [
            Shard(len(shards) + number, split, number, len(groups), tuple(units)) for number, units in enumerate(groups)
        ]
    return shards


def _units(counts: Sequence[_Count], limit: int) -> Iterator[Unit]:
    """Yield ingest shards together up to the limits of rows and images, and those over them in parts by image id."""
    held: list[_Count] = []
    for count in counts:
        together = [*held, count]
        if held and (_sum(together).rows > limit or _sum(together).images > _UNIT_IMAGES):
            yield _together(held)
            held = []
        # An estimate may be a few images over what the ingest shard holds.
        parts = max(-(-count.rows // limit), -(-count.images // (_UNIT_IMAGES + _UNIT_IMAGES // 8)))
        if parts <= 1:
            held.append(count)
            continue
        bounds = [None, *(f"{_HASH_RANGE * part // parts:04x}" for part in range(1, parts)), None]
        for low, high in pairwise(bounds):
            yield Unit((count.ingest_shard,), count.rows // parts, low, high)
    if held:
        yield _together(held)


def _sum(counts: Sequence[_Count]) -> _Count:
    return _Count(counts[0].ingest_shard, sum(one.rows for one in counts), sum(one.images for one in counts))


def _together(held: Sequence[_Count]) -> Unit:
    return Unit(tuple(one.ingest_shard for one in held), _sum(held).rows)


def _groups(units: Iterator[Unit], limit: int) -> list[list[Unit]]:
    groups: list[list[Unit]] = []
    for unit in units:
        if groups and sum(one.rows for one in groups[-1]) + unit.rows <= limit:
            groups[-1].append(unit)
        else:
            groups.append([unit])
    return groups
