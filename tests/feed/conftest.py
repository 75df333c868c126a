"""One small table for all tests of the feed, written by Spark."""

import pytest
from pyspark.sql import SparkSession

from benchmarks.feed_table import RECIPE, write_examples
from vlm.feed.settings import FeedSettings
from vlm.feed.snapshot import Snapshot, open_snapshot


@pytest.fixture(scope="session")
def examples_table(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_examples(spark, tmp_path_factory.mktemp("feed"))


@pytest.fixture(scope="session")
def snapshot(examples_table: str) -> Snapshot:
    return open_snapshot(FeedSettings(table=examples_table, recipe=RECIPE))
