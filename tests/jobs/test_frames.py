"""Lakes of earlier versions, whose images were kept as stored, are never mixed with upright ones."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.cli.train import lake_rows
from jobs.engine.errors import LakeUnreadable
from jobs.engine.frames import require_upright
from jobs.engine.lake import Lake
from jobs.engine.pipeline import run
from jobs.engine.settings import load_settings
from jobs.views.benchmark import write_benchmark
from jobs.views.reader import LakeReader
from schemas.images import IMAGES
from tests.jobs.image_rows import image_row
from vlm.evaluation.benchmark import BenchmarkSettings


def earlier_lake(folder: Path, *orientations: int) -> str:
    rows = [image_row(number, exif_orientation=tag) for number, tag in enumerate(orientations)]
    schema = to_arrow_schema(IMAGES.schema)
    write_deltalake(str(folder / "images"), pa.Table.from_pylist(rows, schema=schema))
    return str(folder)


def test_an_earlier_lake_with_turned_images_is_refused_in_one_sentence(tmp_path: Path) -> None:
    lake = earlier_lake(tmp_path, 1, 6, 3)
    with pytest.raises(LakeUnreadable, match=r"holds 2 images with an EXIF orientation.* into a new lake") as caught:
        require_upright(lake)
    assert image_row(1)["image_id"][:12] in str(caught.value) or image_row(2)["image_id"][:12] in str(caught.value)
    with pytest.raises(LakeUnreadable, match="2 images"):
        run(load_settings({"lake": lake}, None, []))
    with pytest.raises(LakeUnreadable, match="2 images"):
        write_benchmark(LakeReader(lake), tmp_path / "items.parquet", BenchmarkSettings())
    with pytest.raises(LakeUnreadable, match="2 images"):
        next(lake_rows(lake))


def test_an_earlier_lake_without_turned_images_goes_on(tmp_path: Path) -> None:
    require_upright(earlier_lake(tmp_path, 1, 1))
    assert len(list(lake_rows(str(tmp_path)))) == 2


def test_no_lake_is_no_fault(tmp_path: Path) -> None:
    require_upright(str(tmp_path / "nowhere"))
    require_upright("dbfs:/lake")


def test_a_lake_is_marked_once_and_then_takes_turned_images(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path), str(tmp_path / "_checkpoints"))
    earlier = replace(IMAGES, properties={})
    lake.ensure(earlier)
    lake.append(earlier, spark.createDataFrame([image_row(1)], IMAGES.schema), "before", 0)
    require_upright(str(tmp_path))
    lake.ensure(IMAGES)
    lake.ensure(IMAGES)
    lake.append(IMAGES, spark.createDataFrame([image_row(2, exif_orientation=6)], IMAGES.schema), "after", 0)
    require_upright(str(tmp_path))
    # created with its check, written, marked once, written
    assert spark.sql(f"DESCRIBE HISTORY delta.`{tmp_path}/images`").count() == 4
