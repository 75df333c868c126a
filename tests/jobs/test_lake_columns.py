"""Tables of an earlier version get the columns that it did not know."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, StructType

from jobs.engine.errors import LakeUnreadable
from jobs.engine.joined import Joined, Part
from jobs.engine.lake import Lake
from jobs.views.reader import LakeReader
from schemas.images import IMAGES
from schemas.operations import STAGE_RUNS
from schemas.perception import REGIONS
from tests.jobs.engine import table


def test_an_older_table_keeps_its_rows_and_gets_the_new_columns(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path), str(tmp_path / "_checkpoints"))
    regions = REGIONS.schema["regions"].dataType
    assert isinstance(regions, ArrayType) and isinstance(regions.elementType, StructType)
    known = StructType(
        [field for field in regions.elementType.fields if field.name not in ("object_probability", "edge_sigma_px")]
    )
    fields = [f for f in REGIONS.schema.fields if f.name not in ("regions", "height")]
    older = replace(REGIONS, schema=StructType(fields).add("regions", ArrayType(known), False))
    lake.ensure(older)
    values = dict.fromkeys(older.columns, 7)
    texts = {"image_id": "a", "recipe": "r", "engine_version": "0", "regions": [{"region_id": 3, "label": "chair"}]}
    row = {**values, **texts}
    lake.append(older, spark.createDataFrame([row], older.schema), "before", 0)
    lake.ensure(REGIONS)
    lake.ensure(REGIONS)
    (kept,) = table(tmp_path, "regions").to_pylist()
    assert kept["height"] is None and kept["width"] == 7
    assert kept["regions"][0]["label"] == "chair" and kept["regions"][0]["object_probability"] is None
    fresh = {**row, "image_id": "b", "height": 9, "regions": [{"region_id": 4, "object_probability": 0.9}]}
    lake.append(REGIONS, spark.createDataFrame([fresh], REGIONS.schema), "after", 0)
    found = {one["image_id"]: one for one in table(tmp_path, "regions").to_pylist()}
    assert found["b"]["height"] == 9 and found["b"]["regions"][0]["object_probability"] == 0.9
    part = Part(REGIONS, ("image_id", "regions"), "r", fields={"regions": ("region_id", "label", "object_probability")})
    read = part.in_arrow(lake, "image_id", pa.array(["a", "b"])).sort_by("image_id").to_pylist()
    assert [row["regions"] for row in read] == [
        [{"region_id": 3, "label": "chair", "object_probability": None}],
        [{"region_id": 4, "label": None, "object_probability": 0.9}],
    ]
    # created, written, widened once, written
    history = spark.sql(f"DESCRIBE HISTORY delta.`{tmp_path}/regions`").count()
    assert history == 4


def test_whole_columns_are_added_without_spark(tmp_path: Path) -> None:
    def never() -> SparkSession:
        raise AssertionError("Spark is not needed.")

    lake = Lake(never, str(tmp_path), str(tmp_path / "_checkpoints"))
    fields = [field for field in STAGE_RUNS.schema.fields if field.name not in ("cores", "device")]
    older = replace(STAGE_RUNS, schema=StructType(fields))
    lake.ensure(older)
    run = {"stage": "lift", "recipe": "r", "generation": "g", "batch_id": 0, "rows_in": 1, "rows_out": 1, "failed": 0}
    more = {"filtered": 0, "refused": 0, "reasons": {}, "seconds": 1.0, "engine_version": "0"}
    row = {**run, **more, "finished_at": datetime(2026, 11, 30, tzinfo=UTC)}
    lake.append_records(older, [row], "before", 0)
    lake.ensure(STAGE_RUNS)
    lake.append_records(STAGE_RUNS, [{**row, "batch_id": 1, "cores": 2, "device": "cuda:0"}], "after", 0)
    found = {one["batch_id"]: (one["cores"], one["device"]) for one in table(tmp_path, "stage_runs").to_pylist()}
    assert found == {0: (None, None), 1: (2, "cuda:0")}


def test_experts_read_a_lake_whose_images_lack_their_columns(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path), str(tmp_path / "_checkpoints"))
    fields = [field for field in IMAGES.schema.fields if field.name not in ("exif_focal_px", "exif_focal_sigma_rel")]
    older = replace(IMAGES, schema=StructType(fields), checks={})
    lake.ensure(older)
    row = {**dict.fromkeys(older.columns), "image_id": "a", "bytes": b"x", "format": "png", "width": 3, "height": 2}
    rows = spark.createDataFrame([{**row, "ingest_shard": 0, "engine_version": "0"}], older.schema)
    lake.append(older, rows, "before", 0)
    read = Joined(Part(IMAGES, ("image_id", "ingest_shard", "width", "camera", "exif_focal_px", "has_depth")))
    (in_spark,) = (row.asDict() for row in read(lake, rows.select("image_id", "ingest_shard"), [0]).collect())
    (in_arrow,) = read.in_arrow(lake, pa.table({"image_id": ["a"], "ingest_shard": [0]})).to_pylist()
    lacking = {"camera": None, "exif_focal_px": None, "has_depth": False}
    assert in_spark == in_arrow == {"image_id": "a", "ingest_shard": 0, "width": 3, **lacking}


def test_a_table_with_former_names_is_refused_and_not_read_as_null(tmp_path: Path) -> None:
    regions = pa.list_(pa.struct({"region_id": pa.int32(), "chance": pa.float64()}))
    rows = pa.table({"image_id": ["a"], "regions": pa.array([[{"region_id": 1, "chance": 0.9}]], regions)})
    write_deltalake(str(tmp_path / "regions"), rows)
    lake = Lake(lambda: pytest.fail("Spark was started"), str(tmp_path), str(tmp_path / "_checkpoints"))
    told = r"it has chance, now object_probability\. Make a new lake: `spatiallake run --crawl CRAWL --lake NEW_LAKE`"
    with pytest.raises(LakeUnreadable, match=told):
        lake.ensure(REGIONS)
    with pytest.raises(LakeUnreadable, match=told):
        LakeReader(str(tmp_path)).query("regions", "SELECT * FROM t")
