"""The Spark session of a command."""

import atexit
import os
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.engine.accidents import accidents
from jobs.engine.class_archive import CLASS_PATH, JAVA_OPTIONS, archive_options, class_path
from jobs.engine.environment import require_java, require_own_python, require_own_spark, resolved_jars
from jobs.engine.joining import DELTA, SESSION_OPTIONS, Say, configure, platform_session
from jobs.engine.spark_options import options_file
from schemas.plugins import PLUGINS_VARIABLE
from udfs.storage.clients import spark_options

_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "2",
    # Stages run many small queries: adaptive planning and code generation cost them more than they gain.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Otherwise local Python workers run the system's python3, which lacks the packages.
    "spark.pyspark.python": sys.executable,
    "spark.pyspark.driver.python": sys.executable,
}

# The work is done in Python, so the JVM's second, optimizing compiler never pays for itself. Without it, compiled code
# has 48 MB, which a session fills in minutes; then Java throws methods away and compiles them again. A young generation
# and a metaspace of the sizes that a session soon needs spare a hundred collections on the way.
LOCAL_JAVA = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=240m -Xms512m -Xmn256m -XX:MetaspaceSize=256m"
)


def _to_stderr(sentence: str) -> None:
    print(f"spatiallake: {sentence}", file=sys.stderr)


def start_session(
    master: str = "local[*]",
    driver_memory: str = "4g",
    with_s3: bool = False,
    options: Mapping[str, str] | None = None,
    say: Say = _to_stderr,
) -> SparkSession:
    """Start the Spark session, or join that of a platform; `options` are Spark's own and win over the defaults here.

    A platform's session (see `jobs/engine/joining.py`) keeps its master and configuration; what it does not let change
    is told to `say`. Elsewhere `master` is started with the jars of `spatiallake setup`.

    Raises:
        EnvironmentMissing: Java or the jars are missing, a variable names another Spark or Python, or the platform's
            session cannot run the stages.
        Stopped: Java ended while it was starting.
    """
    joined = platform_session()
    if joined is not None:
        configure(joined, options or {}, say)
        return share_plugins(joined)
    _require_environment(master)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    given = dict(options or {})
    builder = SparkSession.builder.appName("spatiallake").master(master)  # pyright: ignore[reportAttributeAccessIssue]
    laptop = {**_LOCAL, **_warehouse()} if master.startswith("local") else {}
    for name, value in {**DELTA, **SESSION_OPTIONS, **laptop, **(spark_options() if with_s3 else {})}.items():
        # What the caller gives may be secret, and goes by a file.
        builder = builder if name in given else builder.config(name, value)
    builder = builder.config("spark.jars", ",".join(resolved_jars(with_s3)))
    archive = archive_options() if master.startswith("local") and CLASS_PATH not in given else None
    if archive:
        builder = builder.config(CLASS_PATH, class_path())
    with options_file(given) as file:
        os.environ["PYSPARK_SUBMIT_ARGS"] = launcher_arguments(driver_memory, master, file if given else None, archive)
        with _own_interrupts(), accidents():
            session = builder.getOrCreate()
    # Errors reach the command as exceptions; their Java traces would bury its one sentence.
    session.sparkContext.setLogLevel("FATAL")
    _survive_java(session)
    return share_plugins(session)


def _survive_java(session: SparkSession) -> None:
    """Let the thread that collects Spark's counters end silently with Java, of which the command itself tells."""
    server: Any = session.sparkContext._accumulatorServer
    told = server.handle_error

    def ended(request: Any, address: Any) -> None:
        if not isinstance(sys.exception(), EOFError | ConnectionError):
            told(request, address)

    server.handle_error = ended


@contextmanager
def _own_interrupts() -> Iterator[None]:
    """Keep the handler of Ctrl-C: PySpark's calls Java from within whatever call to Java it interrupts, which fails."""
    before = signal.getsignal(signal.SIGINT)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)


def _require_environment(master: str) -> None:
    require_java()
    require_own_spark()
    if master.startswith("local"):
        require_own_python()


def _warehouse() -> dict[str, str]:
    """Return the place of Spark's own database, which is empty and would be made in the current folder."""
    folder = tempfile.mkdtemp(prefix="spatiallake-warehouse-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return {"spark.sql.warehouse.dir": folder}


def share_plugins(session: SparkSession) -> SparkSession:
    """Pass this process's plugins to the session's Python workers, local and remote."""
    plugins = os.environ.get(PLUGINS_VARIABLE)
    if plugins:
        session.sparkContext.environment[PLUGINS_VARIABLE] = plugins
    return session


def launcher_arguments(
    driver_memory: str, master: str, options_path: str | None = None, archive: str | None = None
) -> str:
    """Return the arguments of Spark's launcher, for settings that only take effect before the JVM starts.

    `options_path` is a properties file with further options, `archive` the JVM options for a class archive.
    `SPATIALLAKE_JAVA_OPTIONS`, where set, replaces the JVM options of a local master.
    """
    log = Path(__file__).with_name("log4j2.properties").as_uri()
    options = os.environ.get(JAVA_OPTIONS, LOCAL_JAVA if master.startswith("local[") else "")
    java = f"-Dlog4j2.configurationFile={log} {options} {archive or ''}".strip()
    # A properties file would otherwise stand in the place of the defaults of the installation.
    file = f"--properties-file {shlex.quote(options_path)} --load-spark-defaults " if options_path else ""
    return f"{file}--driver-memory {driver_memory} --driver-java-options {shlex.quote(java)} pyspark-shell"
