"""What a machine needs before Spark starts: Java, and the Delta jars that `spatiallake setup` downloads once."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pyspark
from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession
from pyspark.version import __version__ as PYSPARK_VERSION

from jobs.engine.errors import EnvironmentMissing
from udfs.storage.locations import home_folder

# The connector depends on a 558 MB bundle of all AWS clients; S3A calls only these.
_AWS_SDK = "2.25.0"
_AWS_CLIENTS = ("s3", "s3-transfer-manager", "sts", "kms", "apache-client", "netty-nio-client")
S3_EXCLUDES = ("software.amazon.awssdk:bundle",)
SUPPORTED_JAVA = (17, 21)


def delta_package() -> str:
    """Return the Maven name of the jar that belongs to the installed `delta-spark`, as that package states it."""
    builder: Any = configure_spark_with_delta_pip(SparkSession.Builder())
    return builder._options["spark.jars.packages"]


def s3_packages() -> tuple[str, ...]:
    """Return the Maven names of the S3 connector for the Hadoop of the installed PySpark."""
    (hadoop,) = Path(pyspark.__file__).with_name("jars").glob("hadoop-client-api-*.jar")
    version = hadoop.stem.rpartition("-")[2]
    clients = (f"software.amazon.awssdk:{name}:{_AWS_SDK}" for name in _AWS_CLIENTS)
    return (f"org.apache.hadoop:hadoop-aws:{version}", *clients)


def _folder_of(with_s3: bool) -> Path:
    """Return the folder of the jars of Delta or of the connector, one per artifact and version."""
    _, artifact, version = (s3_packages()[0] if with_s3 else delta_package()).split(":")
    return home_folder() / f"{artifact}-{version}"


def delta_folder() -> Path:
    """Return the folder of what was downloaded and recorded for the installed Spark and Delta."""
    return _folder_of(with_s3=False)


def require_java() -> None:
    """Check that Java 17 or 21 starts.

    Raises:
        EnvironmentMissing: no Java, or another version.
    """
    remedy = (
        "install a Java 17 or 21 runtime (Debian: `apt-get install openjdk-17-jre-headless`) or set JAVA_HOME to one."
    )
    java = _java()
    if java is None or not Path(java).exists():
        raise EnvironmentMissing(
            f"Spark needs Java, but {f'{java} does not exist' if java else 'there is no java on the PATH'}; {remedy}"
        )
    version = re.search(r'version "(\d+)(?:\.(\d+))?', java_banner())
    major = int(version[1]) if version else 0
    if major == 1 and version and version[2]:
        major = int(version[2])
    if major not in SUPPORTED_JAVA:
        raise EnvironmentMissing(f"Spark 4 needs Java 17 or 21, but {java} is version {major or 'unknown'}; {remedy}")


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else shutil.which("java")


def java_banner() -> str:
    """Return what the Java that Spark will start says of its version and build."""
    return _banner(_java() or "java")


@cache
def _banner(java: str) -> str:
    return subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr


def require_own_spark() -> None:
    """Check that SPARK_HOME, where it is set, holds the Spark that PySpark was made for.

    Raises:
        EnvironmentMissing: it holds another one, or none.
    """
    home = os.environ.get("SPARK_HOME")
    if not home:
        return
    remedy = f"unset SPARK_HOME, or set it to a Spark {PYSPARK_VERSION}."
    if not Path(home, "bin", "spark-submit").is_file():
        raise EnvironmentMissing(f"SPARK_HOME is {home}, which holds no Spark; {remedy}")
    cores = [jar.stem.rpartition("-")[2] for jar in Path(home, "jars").glob("spark-core_*.jar")]
    if PYSPARK_VERSION not in cores:
        found = f"Spark {cores[0]}" if cores else "no jars of Spark"
        raise EnvironmentMissing(f"SPARK_HOME is {home}, which holds {found} and not {PYSPARK_VERSION}; {remedy}")


def require_own_python() -> None:
    """Check that PYSPARK_PYTHON, where set, is this environment's Python, whose packages local workers need.

    Raises:
        EnvironmentMissing: it is another one, or does not start.
    """
    named = os.environ.get("PYSPARK_PYTHON")
    if not named or Path(named).parent == Path(sys.executable).parent:
        return
    remedy = f"unset it, or set it to {sys.executable}."
    try:
        asked = [named, "-c", "import sys; print(sys.prefix)"]
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentMissing(f"PYSPARK_PYTHON is {named}, which does not start ({error}); {remedy}") from error
    if answer.returncode or answer.stdout.strip() != sys.prefix:
        raise EnvironmentMissing(
            f"PYSPARK_PYTHON is {named}, a Python without the packages of spatiallake's environment; {remedy}"
        )


def resolved_jars(with_s3: bool = False) -> list[str]:
    """Return the downloaded jars of Delta and, with `with_s3`, of the S3 connector.

    Raises:
        EnvironmentMissing: `spatiallake setup` has not run.
    """
    jars: list[str] = []
    for for_s3 in (False, True) if with_s3 else (False,):
        folder = _folder_of(for_s3) / "jars"
        there = sorted(str(jar) for jar in folder.glob("*.jar"))
        if not there:
            command = "spatiallake setup --s3" if for_s3 else "spatiallake setup"
            raise EnvironmentMissing(f"There are no jars in {folder}; run `{command}` once with network access.")
        jars += there
    return jars


def resolve_jars(with_s3: bool = False) -> list[str]:
    """Download the jars that Spark needs into `home_folder()`, once; return them all."""
    require_java()
    require_own_spark()
    _resolve(_folder_of(with_s3=False), (delta_package(),), ())
    if with_s3:
        _resolve(_folder_of(with_s3=True), s3_packages(), S3_EXCLUDES)
    return resolved_jars(with_s3)


def _resolve(target: Path, packages: tuple[str, ...], excludes: tuple[str, ...]) -> None:
    if list((target / "jars").glob("*.jar")):
        return
    options = {"spark.jars.packages": ",".join(packages), "spark.jars.ivy": str(target), "spark.ui.enabled": "false"}
    if excludes:
        options["spark.jars.excludes"] = ",".join(excludes)
    # In a process of its own, so that the resolver's output is only shown when it fails.
    done = subprocess.run([sys.executable, "-c", _RESOLVER, repr(options)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(target, ignore_errors=True)
        raise EnvironmentMissing(
            f"Could not download {', '.join(packages)}: {_cause(done.stderr)}; check the network and try again."
        )


_RESOLVER = """
import ast, sys
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("local[1]")
for name, value in ast.literal_eval(sys.argv[1]).items():
    builder = builder.config(name, value)
builder.getOrCreate().stop()
"""


def _cause(stderr: str) -> str:
    causes = [line.strip() for line in stderr.splitlines() if "unresolved dependency" in line or "Exception" in line]
    return causes[0][:300] if causes else "Spark's resolver gave no reason"
