"""The archive of Java's classes: used only for exactly the Java and the jars it was recorded with."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.engine.class_archive import archive_options, class_path, make_archive
from jobs.engine.environment import delta_folder, resolved_jars
from jobs.engine.session import launcher_arguments
from tests.jobs.fake_java import fake_java

BANNER = 'openjdk version "17.0.15" 2025-04-15'
# Starts a session as a command does, and runs a query on a Delta table.
QUERY = (
    "import sys\n"
    "from jobs.engine.session import start_session\n"
    "session = start_session('local[1]', '1g')\n"
    "session.range(3).write.format('delta').save(sys.argv[1])\n"
    "print(session.read.format('delta').load(sys.argv[1]).count())\n"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home with two jars, of which no class is ever loaded."""
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "java", BANNER)))
    monkeypatch.setenv("SPATIALLAKE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SPARK_HOME", raising=False)
    monkeypatch.delenv("SPARK_CONF_DIR", raising=False)
    jars = delta_folder() / "jars"
    jars.mkdir(parents=True)
    for name in ("a.jar", "b.jar"):
        (jars / name).write_bytes(name.encode())
    return tmp_path


def recorded() -> Path:
    """Put a file where `make_archive` finds the archive, which then records none."""
    assert archive_options() is None
    before = set(delta_folder().iterdir())
    with pytest.MonkeyPatch.context() as patched:
        # A Java that writes what it is told to.
        script = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('classes')"
        patched.setattr("jobs.engine.class_archive._RECORD", script)
        archive = make_archive()
    assert set(delta_folder().iterdir()) - before == {archive}
    assert make_archive() == archive
    assert archive_options() == f"-XX:SharedArchiveFile={archive} -Xshare:auto -Xlog:cds*=off"
    return archive


def test_it_is_used_with_the_java_and_the_jars_that_it_was_recorded_with(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded()
    with monkeypatch.context() as other:
        other.setenv("JAVA_HOME", str(fake_java(home / "other", BANNER.replace("15", "16"))))
        assert archive_options() is None
    jar = delta_folder() / "jars" / "b.jar"
    there = jar.stat()
    os.utime(jar, ns=(there.st_atime_ns, there.st_mtime_ns + 1))
    assert archive_options() is None
    os.utime(jar, ns=(there.st_atime_ns, there.st_mtime_ns))
    assert archive_options()
    (delta_folder() / "jars" / "c.jar").write_bytes(b"c")
    recorded()


@pytest.mark.parametrize("name", ["SPARK_HOME", "SPARK_CONF_DIR"])
def test_another_configuration_of_spark_does_without(home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()
    monkeypatch.setenv(name, str(home))
    assert archive_options() is None


def test_few_archives_are_kept(home: Path) -> None:
    made = []
    for number in range(5):
        (delta_folder() / "jars" / f"{number}.jar").write_bytes(b"")
        made.append(recorded())
        os.utime(made[-1], (number, number))
    assert set(delta_folder().glob("classes-*")) == set(made[-3:])


def test_java_leaves_an_archive_aside_that_is_none_without_a_word(tmp_path: Path) -> None:
    archive = tmp_path / "classes.jsa"
    archive.write_bytes(b"no archive" * 10_000)
    java = str(Path(os.environ["JAVA_HOME"]) / "bin" / "java") if "JAVA_HOME" in os.environ else "java"
    told = []
    for options in ([], [f"-XX:SharedArchiveFile={archive}", "-Xshare:auto", "-Xlog:cds*=off"]):
        done = subprocess.run([java, *options, "-version"], capture_output=True, text=True, check=True)
        told.append((done.stdout, done.stderr.replace(", sharing", "")))
    assert told[0] == told[1]


def test_the_launcher_is_told_beside_all_other_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPATIALLAKE_JAVA_OPTIONS", "-XX:+UseParallelGC")
    arguments = launcher_arguments("1g", "local[2]", archive="-XX:SharedArchiveFile=/a.jsa")
    assert "-XX:+UseParallelGC -XX:SharedArchiveFile=/a.jsa" in arguments
    assert set(class_path().split(os.pathsep)) <= set(resolved_jars())


def test_what_spark_has_itself_stands_behind_it(home: Path) -> None:
    jars = delta_folder() / "jars"
    for name in ("io.delta_delta-storage-9.9.jar", "com.fasterxml.jackson.core_jackson-core-2.1.0.jar"):
        (jars / name).write_bytes(b"")
    assert {Path(one).name for one in class_path().split(os.pathsep)} <= {path.name for path in jars.iterdir()}
    assert "delta-storage" in class_path() and "jackson-core" not in class_path()


@pytest.mark.long
def test_classes_of_spark_and_delta_come_from_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = delta_folder() / "jars"
    monkeypatch.setenv("SPATIALLAKE_HOME", str(tmp_path / "home"))
    shutil.copytree(theirs, delta_folder() / "jars")
    assert make_archive().stat().st_size > 2**26
    log = tmp_path / "classes.log"
    monkeypatch.setenv("SPATIALLAKE_JAVA_OPTIONS", f"-Xlog:class+load:file={log}")
    command = [sys.executable, "-c", QUERY, str(tmp_path / "table")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3" and "shared" not in done.stderr and "jsa" not in done.stderr
    lines = log.read_text().splitlines()
    for package in ("org.apache.spark.sql.execution.", "org.apache.spark.sql.delta."):
        loaded = [line for line in lines if f"] {package}" in line and "$$Lambda" not in line]
        assert sum("shared objects file (top)" in line for line in loaded) > 0.8 * len(loaded) > 100
