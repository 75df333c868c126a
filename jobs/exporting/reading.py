"""Reads the rows of a shard with their images, a few images at a time, from pinned versions of the tables."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.exporting.chunk import Chunk, ImageFile, Row
from jobs.exporting.planning import Shard, Unit, conditions_of
from jobs.exporting.settings import ExportSettings
from jobs.views.reader import LakeReader, known_tables, quoted
from udfs.stages.examples import ExamplesSettings, resized_jpeg
from udfs.stages.rows import RowRejected

# Images in memory at a time.
_IMAGES = 32
_ROWS_WITHOUT_IMAGES = 4096
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

    @cached_property
    def lake(self) -> LakeReader:
        """Return the lake, each table at its version."""
        return LakeReader(self.lake_uri, self.versions)

    def __getstate__(self) -> dict[str, object]:
        # An open lake belongs to its process.
        return {name: value for name, value in self.__dict__.items() if name != "lake"}


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
            for some in _by_images(rows, _ROWS_WITHOUT_IMAGES if self.settings.images == "none" else None):
                chunk = self._chunk(some, unit)
                if chunk.table.num_rows:
                    yield chunk

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

    def _chunk(self, rows: pa.Table, unit: Unit) -> Chunk:
        settings = self.settings
        image_ids = list(dict.fromkeys(rows["image_id"].to_pylist()))
        images: dict[str, ImageFile] = {}
        if "jpeg" in rows.column_names:
            images = self._stored(rows)
            rows = rows.drop_columns(["jpeg", "width", "height"])
        elif settings.images == "urls":
            images = self._addresses(image_ids, unit)
        elif settings.images != "none":
            images = self._image_files(image_ids, unit)
        if settings.images != "none" and len(images) < len(image_ids):
            rows = rows.filter(pa.array([one in images for one in rows["image_id"].to_pylist()], pa.bool_()))
        scenes = self._scenes(image_ids, unit) if self.needs_scenes else {}
        return Chunk(rows, images, scenes, settings.turns)

    def _stored(self, rows: pa.Table) -> dict[str, ImageFile]:
        """Return the images of `training_examples`, which are upright and resized."""
        found = {}
        for row in rows.select(["image_id", "jpeg", "width", "height"]).to_pylist():
            image_id = row["image_id"]
            if image_id not in found:
                found[image_id] = ImageFile(image_id, row["jpeg"], row["width"], row["height"], self._place(image_id))
        return found

    def _image_files(self, image_ids: list[str], unit: Unit) -> dict[str, ImageFile]:
        size = ExamplesSettings(max_side_px=self.settings.max_side_px, jpeg_quality=self.settings.jpeg_quality)
        found = {}
        rows = self._images_of(image_ids, unit, "bytes")
        self.left_out[_GONE] += len(image_ids) - len(rows)
        for row in rows:
            try:
                jpeg, (width, height) = resized_jpeg(row, size)
            except RowRejected:
                self.left_out[_UNREADABLE] += 1
                continue
            found[row["image_id"]] = ImageFile(row["image_id"], jpeg, width, height, self._place(row["image_id"]))
        return found

    def _addresses(self, image_ids: list[str], unit: Unit) -> dict[str, ImageFile]:
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

    def _images_of(self, image_ids: list[str], unit: Unit, columns: str) -> list[Row]:
        return self.source.lake.query(
            "images",
            f"SELECT image_id, {columns} FROM t WHERE {unit.condition} AND image_id IN ({quoted(image_ids)})"
            " ORDER BY image_id",
        )

    def _scenes(self, image_ids: list[str], unit: Unit) -> dict[str, Row]:
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


def _by_images(rows: pa.Table, max_rows: int | None) -> Iterator[pa.Table]:
    """Yield rows of whole images: of `_IMAGES` images, or of as many as have `max_rows` rows."""
    start, held = 0, 0
    ids = rows["image_id"].to_pylist()
    for place in range(1, len(ids) + 1):
        if place < len(ids) and ids[place] == ids[place - 1]:
            continue
        held += 1
        if place == len(ids) or (held == _IMAGES if max_rows is None else place - start >= max_rows):
            yield rows.slice(start, place - start)
            start, held = place, 0
