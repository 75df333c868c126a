"""Fixtures that several test packages share: one Spark session with Delta, an S3 server, and the real photographs."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pyspark.sql import SparkSession

from jobs.engine.environment import resolve_jars
from jobs.engine.session import start_session
from tests.examples_table import RECIPE, write_examples
from tests.object_store import s3_server
from vlm.feed.settings import FeedSettings
from vlm.feed.snapshot import Snapshot, open_snapshot

REAL_IMAGES = Path(__file__).resolve().parents[2] / "shared" / "data" / "real"

# The same examples every time, however long a busy machine takes over one.
settings.register_profile(
    "suite", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("suite")

# Two workers of the suite and their Spark tasks share the cores: more threads each would spin beside one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# These run for half a minute to minutes. Started first, the longest ahead, they do not leave the other workers idle at
# the end. The first group is of tests that are marked long, but for a few.
LONG = (
    "jobs/test_kill.py",
    "jobs/test_demo.py",
    "jobs/test_s3_lake.py",
    "runtime/test_cluster.py",
    "jobs/test_recovery.py",
    "jobs/test_small_runs.py",
    "jobs/test_stream.py",
    "loop/test_runs.py",
    "jobs/test_going_live.py",
    "api/test_plugins.py",
    "jobs/test_writing.py",
    "jobs/test_backfill.py",
    "jobs/test_rules.py",
    "loop/test_object_store.py",
    "runtime/test_stage.py",
    "checks/test_smoke.py",
    "api/test_examples.py",
    "jobs/test_environment.py",
    "loop/test_records.py",
    "jobs/test_maintenance.py",
    "loop/test_launchers.py",
    "runtime/test_guarded.py",
    "ingest/test_listings.py",
    "api/test_wheel.py",
    "fuzz/test_fuzz.py",
    "jobs/test_engine.py",
    "builtin/test_training.py",
    "statistics/test_tables.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the long modules first; all others keep their order, which may be a random one."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


@pytest.fixture(autouse=True)
def _no_tracking_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow notes its last URI in a variable by which a user names a server; tests leave it behind."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


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
def real_images() -> Path:
    """The folder of real RGB-D photographs with their answer key."""
    if not REAL_IMAGES.is_dir():
        pytest.skip(f"The real photographs are not at {REAL_IMAGES}; they are shared beside the checkout.")
    return REAL_IMAGES


@pytest.fixture(scope="session")
def examples_table(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small table of training examples; a test that changes it copies it first."""
    return write_examples(spark, tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="session")
def snapshot(examples_table: str) -> Snapshot:
    """The version of the small table that tests read."""
    return open_snapshot(FeedSettings(table=examples_table, recipe=RECIPE))
