"""Lakes as a new command would open them, and the commands that are run on them."""

from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from pyspark.sql import SparkSession

from jobs.engine.lake import Lake
from jobs.engine.memory import remembered_settings
from jobs.engine.pipeline import run
from jobs.engine.settings import load_settings
from jobs.takedown.criteria import Asked, asked_for
from jobs.views.reader import LakeReader


def opened(spark: SparkSession, folder: Path) -> Lake:
    # Spark's cache of logs belongs to the process that the command would have been.
    java: Any = spark._jvm
    java.org.apache.spark.sql.delta.DeltaLog.clearCache()
    return Lake(spark, str(folder), str(folder / "_checkpoints"))


def engine(spark: SparkSession, folder: Path, *names: str, **flags: str) -> None:
    settings: Any = load_settings({"lake": str(folder), **flags}, None, [], remembered_settings(str(folder)))
    run(settings, names or None)


def table(lake: Path, name: str) -> list[dict[str, Any]]:
    return DeltaTable(str(lake / name)).to_pyarrow_table().to_pylist()


def named(lake: Path, **options: list[str]) -> Asked:
    return asked_for(LakeReader(str(lake)), **options)
