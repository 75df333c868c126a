"""Cuts an export into shards, the same ones for the same rows, and each shard into units that fit into memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jobs.exporting.settings import ExportSettings
from jobs.views.reader import LakeReader, quoted

# Rows whose texts are read at a time: qa_pairs, and training_examples, which hold JPEGs.
_UNIT_ROWS = {"qa_pairs": 8192, "training_examples": 512}
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


def shards_of(lake: LakeReader, settings: ExportSettings, recipe: str) -> list[Shard]:
    """Return the shards of an export, by split and ingest shard; no image lies in two of them."""
    counted = lake.arrow(
        settings.table,
        f"SELECT split, ingest_shard, count(*) AS n FROM t WHERE {conditions_of(settings, recipe)}"
        " GROUP BY split, ingest_shard ORDER BY split, ingest_shard",
        all_recipes=True,
    ).to_pylist()
    shards: list[Shard] = []
    for split in settings.splits:
        counts = [(row["ingest_shard"], row["n"]) for row in counted if row["split"] == split]
        limit = min(_UNIT_ROWS[settings.table], settings.rows_per_shard)
        groups = _groups(_units(counts, limit), settings.rows_per_shard)
        shards += [
            Shard(len(shards) + number, split, number, len(groups), tuple(units)) for number, units in enumerate(groups)
        ]
    return shards


def _units(counts: Sequence[tuple[int, int]], limit: int) -> Iterator[Unit]:
    """Yield ingest shards together up to the limit of rows, and those over it in parts by image id."""
    held: list[tuple[int, int]] = []
    for ingest_shard, rows in counts:
        if held and sum(n for _, n in held) + rows > limit:
            yield _together(held)
            held = []
        if rows <= limit:
            held.append((ingest_shard, rows))
            continue
        parts = -(-rows // limit)
        bounds = [None, *(f"{_HASH_RANGE * part // parts:04x}" for part in range(1, parts)), None]
        for low, high in pairwise(bounds):
            yield Unit((ingest_shard,), rows // parts, low, high)
    if held:
        yield _together(held)


def _together(held: Sequence[tuple[int, int]]) -> Unit:
    return Unit(tuple(ingest_shard for ingest_shard, _ in held), sum(rows for _, rows in held))


def _groups(units: Iterator[Unit], limit: int) -> list[list[Unit]]:
    groups: list[list[Unit]] = []
    for unit in units:
        if groups and sum(one.rows for one in groups[-1]) + unit.rows <= limit:
            groups[-1].append(unit)
        else:
            groups.append([unit])
    return groups
