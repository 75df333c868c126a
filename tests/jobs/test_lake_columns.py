"""Tables of an earlier version get the columns that it did not know."""

from dataclasses import replace
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, StructType

from jobs.engine.factories import read_images
from jobs.engine.lake import Lake
from schemas.images import IMAGES
from schemas.perception import REGIONS
from tests.jobs.engine import table


def test_an_older_table_keeps_its_rows_and_gets_the_new_columns(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path), str(tmp_path / "_checkpoints"))
    regions = REGIONS.schema["regions"].dataType
    assert isinstance(regions, ArrayType) and isinstance(regions.elementType, StructType)
    known = StructType([field for field in regions.elementType.fields if field.name not in ("chance", "edge_sigma_px")])
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
    assert kept["regions"][0]["label"] == "chair" and kept["regions"][0]["chance"] is None
    fresh = {**row, "image_id": "b", "height": 9, "regions": [{"region_id": 4, "chance": 0.9}]}
    lake.append(REGIONS, spark.createDataFrame([fresh], REGIONS.schema), "after", 0)
    found = {one["image_id"]: one for one in table(tmp_path, "regions").to_pylist()}
    assert found["b"]["height"] == 9 and found["b"]["regions"][0]["chance"] == 0.9
    # created, written, widened once, written
    history = spark.sql(f"DESCRIBE HISTORY delta.`{tmp_path}/regions`").count()
    assert history == 4


def test_experts_read_a_lake_whose_images_lack_their_columns(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path), str(tmp_path / "_checkpoints"))
    fields = [field for field in IMAGES.schema.fields if field.name not in ("exif_focal_px", "exif_focal_sigma_rel")]
    older = replace(IMAGES, schema=StructType(fields), checks={})
    lake.ensure(older)
    row = {**dict.fromkeys(older.columns), "image_id": "a", "bytes": b"x", "format": "png", "width": 3, "height": 2}
    rows = spark.createDataFrame([{**row, "ingest_shard": 0, "engine_version": "0"}], older.schema)
    lake.append(older, rows, "before", 0)
    (read,) = read_images(lake, rows.select("image_id"), [0], ("width", "camera", "exif_focal_px")).collect()
    assert (read["width"], read["camera"], read["exif_focal_px"]) == (3, None, None)
