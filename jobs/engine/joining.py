"""Joins a Spark session that a platform started: its configuration stays, and what a session may change is set.

A session is a platform's if it is there already, on Databricks, and under `spark-submit`, which also covers EMR, YARN
and Kubernetes.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from pyspark import SparkConf
from pyspark.sql import SparkSession

from jobs.engine.environment import delta_package
from jobs.engine.errors import EnvironmentMissing, UsageError
from udfs.storage.locations import is_s3, normalized

# Stages count on these, and any session can change them. Images travel in batches: 64 are some 30 MB, 10,000 would be
# gigabytes. The last two are Hadoop's.
ARROW_ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch"
SESSION_OPTIONS = {
    "spark.sql.session.timeZone": "UTC",
    ARROW_ROWS: "64",
    "spark.sql.parquet.columnarReaderBatchSize": "64",
    "spark.databricks.delta.optimizeWrite.enabled": "false",
    "spark.sql.streaming.stopTimeout": "60s",
    "spark.hadoop.parquet.block.size": str(32 * 1024 * 1024),
    "spark.hadoop.parquet.block.size.row.check.min": "1",
}
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
# Folders that all machines of a Databricks cluster share.
_SHARED = ("/Volumes", "/dbfs", "/Workspace")
_HADOOP = "spark.hadoop."

Say = Callable[[str], None]


def platform_session() -> SparkSession | None:
    """Return the session of a platform, or None where this process starts its own.

    Raises:
        EnvironmentMissing: the session is Spark Connect's, or has no Delta Lake.
    """
    session = SparkSession.getActiveSession()
    if session is None and on_platform():
        session = _created()
    if session is None:
        return None
    if type(session).__module__.startswith("pyspark.sql.connect"):
        raise EnvironmentMissing(
            "This Spark session is one of Spark Connect (Databricks: standard or serverless compute), which the stages"
            " cannot use; run them on dedicated (single-user) compute, or with spark-submit."
        )
    _require_delta(session)
    return session


def on_platform() -> bool:
    """Return whether Databricks or `spark-submit` started this process."""
    connect = "SPARK_REMOTE" in os.environ or "SPARK_CONNECT_MODE_ENABLED" in os.environ
    return connect or "DATABRICKS_RUNTIME_VERSION" in os.environ or "PYSPARK_GATEWAY_PORT" in os.environ


def configure(session: SparkSession, options: Mapping[str, str], say: Say) -> None:
    """Set what stages count on, then the user's own `options`; say by name what the session does not let change."""
    for name, value in {**SESSION_OPTIONS, **options}.items():
        key = name.removeprefix(_HADOOP)
        if not try_set(session, key, value):
            # What the user gives may be secret.
            held = "" if name in options else f", which stays {session.conf.get(key, 'unset')}"
            say(f"This Spark session does not let change {name}{held}; set it where the cluster or job is defined.")


def try_set(session: SparkSession, key: str, value: str) -> bool:
    """Set an option of a session; return False where it does not let change it."""
    if session.conf.get(key, None) == value:
        return True
    try:
        session.conf.set(key, value)
    except Exception:  # Spark, Delta and Databricks each have errors of their own for this
        return False
    return True


def require_shared(uris: Mapping[str, str], master: str, shared_folders: tuple[str, ...] = ()) -> None:
    """Refuse folders of this machine where tasks run on others, each of which would write to its own disk.

    Raises:
        UsageError: a URI in `uris`, by name, is a local path that is in none of the shared folders.
    """
    if master.startswith("local"):
        return
    for name, uri in uris.items():
        path = normalized(uri)
        inside = any(f"{path}/".startswith(f"{folder.rstrip('/')}/") for folder in (*_SHARED, *shared_folders))
        if not is_s3(path) and not inside:
            raise UsageError(
                f"The {name} {path} is a folder of this machine, but tasks run on others (master {master}); use an"
                " s3:// URI, or name a folder that all machines share: `--set 'shared_folders=[/mnt/nfs]'`."
            )


def _created() -> SparkSession:
    builder: Any = SparkSession.builder
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        given = SparkConf()
        builder = builder.appName(given.get("spark.app.name") or "spatiallake")
        for name, value in DELTA.items():
            builder = builder if given.contains(name) else builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        if "ClassNotFoundException" in str(error) and "delta" in str(error):
            raise _without_delta() from None
        raise


def _require_delta(session: SparkSession) -> None:
    if "DATABRICKS_RUNTIME_VERSION" in os.environ:
        return
    java: Any = session._jvm
    there = java.org.apache.spark.util.Utils.classIsLoadable(DELTA["spark.sql.extensions"])
    if not there or DELTA["spark.sql.extensions"] not in (session.conf.get("spark.sql.extensions", "") or ""):
        raise _without_delta()


def _without_delta() -> EnvironmentMissing:
    settings = " ".join(f"--conf {name}={value}" for name, value in DELTA.items())
    return EnvironmentMissing(
        "This Spark session has no Delta Lake; start it with the Delta that belongs to its Spark, such as"
        f" `spark-submit --packages {delta_package()} {settings}`."
    )
