"""An archive of the classes that a session loads, which Java maps into memory instead of reading and checking each.

`spatiallake setup` records it once for the installed Java, Spark and Delta; sessions that this machine starts for
itself use it. Java leaves it aside, without a word, where anything is not as it was when it was recorded.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyspark
from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.engine.environment import delta_folder, java_banner, resolved_jars
from jobs.engine.errors import EnvironmentMissing

# Java archives what is on this path alone, not the classes of jars that Spark loads later (spark.jars).
CLASS_PATH = "spark.driver.extraClassPath"
JAVA_OPTIONS = "SPATIALLAKE_JAVA_OPTIONS"
# With another configuration the class path begins otherwise.
_OTHER_PATHS = ("SPARK_HOME", "SPARK_CONF_DIR")
_SILENT = "-Xshare:auto -Xlog:cds*=off"
_RECORD = f"from {__name__} import record; record()"
# Some 190 MB each; a machine may have several environments.
_KEPT = 3


def class_path() -> str:
    """Return the jars that stand before those of Spark on Java's class path: those that Spark has in no version."""
    own = {_artifact(path.name) for path in _spark_jars().glob("*.jar")}
    return os.pathsep.join(jar for jar in resolved_jars() if _artifact(Path(jar).name.partition("_")[2]) not in own)


def _artifact(jar: str) -> str:
    """Return the name of a jar without its version."""
    return re.sub(r"-\d[\w.+-]*\.jar$", "", jar)


def _spark_jars() -> Path:
    return Path(pyspark.__file__).with_name("jars")


def archive_options() -> str | None:
    """Return the JVM options for an archive of exactly this Java and these jars; None where there is none."""
    if any(name in os.environ for name in _OTHER_PATHS):
        return None
    archive = _archive()
    return f"-XX:SharedArchiveFile={archive} {_SILENT}" if archive.exists() and " " not in str(archive) else None


def make_archive(say: Callable[[str], None] = print) -> Path:
    """Record the archive unless it is there, which takes half a minute and is told to `say` before.

    Raises:
        EnvironmentMissing: Java wrote none.
    """
    archive = _archive()
    if archive.exists():
        return archive
    say("Recording the classes that Java loads, so that Spark starts faster. It takes half a minute, once.")
    with tempfile.TemporaryDirectory(prefix="classes-", dir=archive.parent) as folder:
        made = Path(folder) / archive.name
        command = [sys.executable, "-c", _RECORD, str(made)]
        done = subprocess.run(command, capture_output=True, text=True, env=_environment(), check=False)
        if done.returncode or not made.exists():
            raise EnvironmentMissing(f"Java recorded no class archive in {archive.parent}: {_told(done.stderr)}")
        made.replace(archive)
    for old in sorted(archive.parent.glob("classes-*.jsa"), key=os.path.getmtime)[:-_KEPT]:
        old.unlink(missing_ok=True)
    return archive


def _told(error: str) -> str:
    """Return the last line of what a command wrote that is no place in a trace."""
    lines = [line.strip() for line in error.splitlines()]
    told = [line for line in lines if line and not line.startswith(("at ", "...", "File "))]
    return told[-1][:300] if told else "it said nothing"


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in (*_OTHER_PATHS, "PYSPARK_SUBMIT_ARGS")}


def _archive() -> Path:
    """Return the place of the archive. Its name changes with Java and with any jar, also in the order of a folder."""
    digest = hashlib.sha256(f"{java_banner()}\n{class_path()}\n".encode())
    folder = delta_folder()
    for jars in (_spark_jars(), folder / "jars"):
        with os.scandir(jars) as entries:
            for jar in entries:
                there = jar.stat()
                digest.update(f"{jar.path} {there.st_size} {there.st_mtime_ns}\n".encode())
    return folder / f"classes-{digest.hexdigest()[:16]}.jsa"


def record() -> None:
    """Run what stages do in a session whose Java writes the classes that it loaded, when it ends, to `sys.argv[1]`."""
    from jobs.engine.session import LOCAL_JAVA, start_session

    os.environ[JAVA_OPTIONS] = f"{LOCAL_JAVA} -XX:ArchiveClassesAtExit={sys.argv[1]} {_SILENT}"
    session = start_session("local[2]", "1g", options={CLASS_PATH: class_path()})
    gateway: Any = SparkContext._gateway
    with tempfile.TemporaryDirectory() as folder:
        _work(session, folder)
    session.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


def _work(session: SparkSession, folder: str) -> None:
    """Create, write, follow, join, count, change and read small tables."""
    upstream, table = f"{folder}/upstream", f"{folder}/table"
    nested = F.array(F.struct(F.lit("a").alias("name"), F.rand().alias("score"))).alias("things")
    rows = session.range(0, 100, 1, 2).select(F.col("id").cast("string").alias("key"), "id", nested)
    rows.write.format("delta").partitionBy("key").save(upstream)
    rows.limit(5).write.format("delta").mode("append").save(upstream)
    followed = session.readStream.format("delta").load(upstream).select("key", "id", "things")
    made = followed.mapInArrow(lambda batches: batches, followed.schema)
    made.writeStream.foreachBatch(lambda batch, number: _append(session, batch.persist(), number, table)).option(
        "checkpointLocation", f"{folder}/checkpoint"
    ).trigger(availableNow=True).start().awaitTermination()
    from delta.tables import DeltaTable

    target: Any = DeltaTable.forPath(session, table)
    gone = session.createDataFrame([("1",), ("2",)], "key string")
    target.alias("old").merge(gone.alias("gone"), "old.key = gone.key").whenMatchedDelete().execute()
    target.delete("id > 90")
    target.history(1).collect()
    held = session.read.format("delta").load(table)
    each = held.select("key", F.explode("things").alias("thing")).select("key", "thing.score")
    each.join(F.broadcast(gone), "key", "left_anti").groupBy("key").agg(F.sum("score"), F.count("*")).collect()
    held.join(rows, "key", "left_semi").dropDuplicates(["key"]).orderBy("id").limit(3).toArrow()


def _append(session: SparkSession, batch: Any, number: int, table: str) -> None:
    batch.count()
    batch.write.format("delta").mode("append").option("txnAppId", "archive").option("txnVersion", number).save(table)
    session.read.format("delta").load(table).where("id < 5").select("key").distinct().collect()
    batch.unpersist()
