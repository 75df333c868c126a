"""Reads the rows of a shard with their images, a few images at a time, from pinned versions of the tables."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.exporting.chunk import Chunk, ImageFile, Row
from jobs.exporting.planning import Shard, Unit, conditions_of
from jobs.exporting.settings import ExportSettings
from jobs.views.reader import LakeReader, known_tables, quoted
from udfs.stages.examples import ExamplesSettings, resized_jpeg
from udfs.stages.rows import RowRejected

# Rows that are Python's at a time, of whole images.
_CHUNK_ROWS = 4096
_KEYS = {"qa_pairs": "qa_id", "training_examples": "example_id"}
_NO_URL = "images of which the crawl names no address"
_TURNED = "images whose file at its address is not upright"
_GONE = "images that are not in the lake"
_UNREADABLE = "images that cannot be decoded"


@dataclass(frozen=True)
class Source:
    """A lake as an export reads it: versions of its tables, and the recipes by stage whose rows count."""

    lake_uri: str
    versions: Mapping[str, int]
    recipes: Mapping[str, str]

    @property
    def lake(self) -> LakeReader:
        """Return the lake, each table at its version."""
        return _opened(self.lake_uri, tuple(sorted(self.versions.items())))


@lru_cache(maxsize=1)
def _opened(uri: str, versions: tuple[tuple[str, int], ...]) -> LakeReader:
    # A log is long to read, and a process writes many shards.
    return LakeReader(uri, dict(versions))


@dataclass
class ShardReader:
    """The rows of one shard; `left_out` counts those whose image cannot be had, by reason."""

    source: Source
    settings: ExportSettings
    needs_scenes: bool
    left_out: Counter[str] = field(default_factory=Counter)

    def chunks(self, shard: Shard) -> Iterator[Chunk]:
        """Yield the rows, all rows of an image together, in an order that depends on nothing but the rows."""
        for unit in shard.units:
            rows = self._rows(shard.split, unit)
            image_ids = set(rows["image_id"].to_pylist())
            images = self._images(rows, image_ids, unit)
            if "jpeg" in rows.column_names:
                rows = rows.drop_columns(["jpeg", "width", "height"])
            if self.settings.images != "none" and len(images) < len(image_ids):
                rows = rows.filter(pa.array([one in images for one in rows["image_id"].to_pylist()], pa.bool_()))
            scenes = self._scenes(image_ids, unit) if self.needs_scenes else {}
            for some in _by_images(rows):
                own = dict.fromkeys(some["image_id"].to_pylist())
                shown = {one: images[one] for one in own if one in images}
                seen = {one: scenes[one] for one in own if one in scenes}
                yield Chunk(some, shown, seen, self.settings.turns)

    def _images(self, rows: pa.Table, image_ids: set[str], unit: Unit) -> dict[str, ImageFile]:
        if "jpeg" in rows.column_names:
            return self._stored(rows)
        if self.settings.images == "none":
            return {}
        return self._addresses(image_ids, unit) if self.settings.images == "urls" else self._resized(image_ids, unit)

    def _rows(self, split: str, unit: Unit) -> pa.Table:
        settings, lake = self.settings, self.source.lake
        table = known_tables()[settings.table]
        there = set(lake.columns(table.name))
        wanted = [one for one in to_arrow_schema(table.schema) if one.name not in ("split", "ingest_shard")]
        if settings.images == "none":
            wanted = [one for one in wanted if one.name != "jpeg"]
        names = ", ".join(f'"{one.name}"' for one in wanted if one.name in there)
        where = conditions_of(settings, self.source.recipes[table.stage or ""])
        rows = lake.arrow(
            table.name,
            f"SELECT {names} FROM t WHERE {where} AND split = {quoted([split])} AND {unit.condition}"
            f" ORDER BY image_id, {_KEYS[table.name]}",
            all_recipes=True,
        )
        # A lake of an earlier version lacks some columns.
        return pa.table([_column(rows, one) for one in wanted], schema=pa.schema(wanted))

    def _stored(self, rows: pa.Table) -> dict[str, ImageFile]:
        """Return the images of `training_examples`, which are upright and resized."""
        found = {}
        for row in rows.select(["image_id", "jpeg", "width", "height"]).to_pylist():
            image_id = row["image_id"]
            if image_id not in found:
                found[image_id] = ImageFile(image_id, row["jpeg"], row["width"], row["height"], self._place(image_id))
        return found

    def _resized(self, image_ids: set[str], unit: Unit) -> dict[str, ImageFile]:
        size = ExamplesSettings(max_side_px=self.settings.max_side_px, jpeg_quality=self.settings.jpeg_quality)
        found = {}
        missing = set(image_ids)
        for row in self._images_of(image_ids, unit, "bytes"):
            missing.discard(row["image_id"])
            try:
                jpeg, (width, height) = resized_jpeg(row, size)
            except RowRejected:
                self.left_out[_UNREADABLE] += 1
                continue
            found[row["image_id"]] = ImageFile(row["image_id"], jpeg, width, height, self._place(row["image_id"]))
        self.left_out[_GONE] += len(missing)
        return found

    def _addresses(self, image_ids: set[str], unit: Unit) -> dict[str, ImageFile]:
        texts = self.source.lake.query(
            "provenance",
            f"SELECT image_id, min(image_url) AS url FROM t WHERE image_id IN ({quoted(image_ids)})"
            " AND image_url IS NOT NULL GROUP BY image_id",
        )
        urls = {row["image_id"]: row["url"] for row in texts}
        found = {}
        for row in self._images_of(image_ids, unit, "width, height, exif_orientation"):
            image_id = row["image_id"]
            if row["exif_orientation"] not in (None, 1):
                self.left_out[_TURNED] += 1
            elif image_id not in urls:
                self.left_out[_NO_URL] += 1
            else:
                found[image_id] = ImageFile(image_id, None, row["width"], row["height"], urls[image_id])
        return found

    def _images_of(self, image_ids: set[str], unit: Unit, columns: str) -> Iterator[Row]:
        """Yield rows of `images` in no particular order, a batch in memory at a time."""
        text = f"SELECT image_id, {columns} FROM images WHERE {unit.condition}"
        for batch in self.source.lake.joined(text, ("images",)):
            for row in pa.record_batch(batch).to_pylist():
                if row["image_id"] in image_ids:
                    yield row

    def _scenes(self, image_ids: set[str], unit: Unit) -> dict[str, Row]:
        where = f"{unit.condition} AND image_id IN ({quoted(image_ids)})"

        def rows(table: str, stage: str, columns: str) -> dict[str, Row]:
            recipe = quoted([self.source.recipes[stage]])
            text = f"SELECT image_id, {columns} FROM t WHERE recipe = {recipe} AND {where}"
            return {row["image_id"]: row for row in self.source.lake.query(table, text, all_recipes=True)}

        named = rows("references", "disambiguate", '"references"')
        scenes = rows("scenes", "lift", "width, height, camera, depth_src, sigma_rel, has_plane, gravity_src,"
                      " world_from_camera, objects, pairs")  # fmt: skip
        return {
            one: {**scene, "references": named.get(one, {}).get("references") or []} for one, scene in scenes.items()
        }

    def _place(self, image_id: str) -> str | None:
        return f"images/{image_id[:2]}/{image_id}.jpg" if self.settings.images == "files" else None


def _column(rows: pa.Table, wanted: pa.Field) -> pa.ChunkedArray | pa.Array:
    if wanted.name in rows.column_names:
        return rows[wanted.name].cast(wanted.type)
    return pa.nulls(rows.num_rows, wanted.type)


def _by_images(rows: pa.Table) -> Iterator[pa.Table]:
    """Yield rows of whole images, of as many as have `_CHUNK_ROWS` rows."""
    start = 0
    ids = rows["image_id"].to_pylist()
    for place in range(1, len(ids) + 1):
        is_whole = place == len(ids) or ids[place] != ids[place - 1]
        if is_whole and (place == len(ids) or place - start >= _CHUNK_ROWS):
            yield rows.slice(start, place - start)
            start = place
