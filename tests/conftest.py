"""Fixtures that several test packages share: one Spark session with Delta, an S3 server, and the real photographs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.engine.environment import resolve_jars
from jobs.engine.session import start_session
from tests.object_store import s3_server

REAL_PHOTOGRAPHS = Path(__file__).resolve().parents[2] / "shared" / "data" / "real"


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One local session for the whole run; jars are resolved at the first run on a machine."""
    resolve_jars()
    session = start_session("local[2]", driver_memory="3g")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """`s3://` prefix of an empty bucket on a server of this machine."""
    with s3_server() as prefix:
        yield prefix


@pytest.fixture(scope="session")
def real_photographs() -> Path:
    """The folder of real RGB-D photographs with their answer key."""
    if not REAL_PHOTOGRAPHS.is_dir():
        pytest.skip(f"The real photographs are not at {REAL_PHOTOGRAPHS}; they are shared beside the checkout.")
    return REAL_PHOTOGRAPHS
