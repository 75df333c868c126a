"""One lake for all tests of this package; a test that changes it copies it first."""

import os
from pathlib import Path

import pytest
from filelock import FileLock
from pyspark.sql import SparkSession

from tests.statistics.two_crawls import write_lake


@pytest.fixture(scope="session")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of two crawls, listed on two days, with two recipes of answers; workers of the suite share it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "statistics"
    folder.mkdir(exist_ok=True)
    done = folder / "done"
    with FileLock(folder / "lock"):
        if not done.exists():
            write_lake(spark, folder)
            done.touch()
    return folder / "lake"
