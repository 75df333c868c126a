"""One lake for all tests of this package: rooms of which one is to go, with training examples."""

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.takedown.lakes import engine
from tests.takedown.secret_crawl import Secret, write_secret_crawl


@pytest.fixture(scope="session")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secret")


@pytest.fixture(scope="session")
def secret(crawl: Path) -> Secret:
    return write_secret_crawl(crawl)


@pytest.fixture(scope="session")
def whole(spark: SparkSession, crawl: Path, secret: Secret, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "lake"
    engine(spark, folder, crawl=str(crawl), experts="sensor")
    engine(spark, folder, "examples")
    return folder


@pytest.fixture
def lake(whole: Path, tmp_path: Path) -> Path:
    """A copy of the whole lake, which a test may change; paths in a log are relative to the table."""
    return Path(shutil.copytree(whole, tmp_path / "lake"))
