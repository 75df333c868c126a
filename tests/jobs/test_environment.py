"""A machine without the right Java is told so in one sentence; real executables stand in for the Java binary."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pyspark
import pytest

from jobs.engine.environment import require_java, require_own_python, require_own_spark, resolved_jars
from jobs.engine.errors import EnvironmentMissing, UsageError
from jobs.engine.settings import lake_named
from tests.ingest.crawls import write
from tests.ingest.pictures import photo
from tests.jobs.fake_java import fake_java

SPARK = {"SPATIALLAKE_MAX_IMAGES_WITHOUT_SPARK": "0"}


@pytest.mark.parametrize("banner", ['openjdk version "17.0.15" 2025-04-15', 'openjdk version "21" 2023-09-19'])
def test_supported_versions_pass(banner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path, banner)))
    assert require_java() is None


@pytest.mark.parametrize(
    ("banner", "named"),
    [
        ('openjdk version "11.0.2" 2019-01-15', "version 11"),
        ('java version "1.8.0_201"', "version 8"),
        ("?", "unknown"),
    ],
)
def test_other_versions_are_named_with_the_remedy(
    banner: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path, banner)))
    with pytest.raises(EnvironmentMissing, match=f"17 or 21.*{named}.*install"):
        require_java()


def test_the_command_ends_in_one_sentence_without_java(tmp_path: Path) -> None:
    environment = {**os.environ, **SPARK, "PATH": str(tmp_path), "JAVA_HOME": str(tmp_path / "nowhere")}
    command = [sys.executable, "-m", "spatiallake", "filter", "--lake", str(tmp_path / "lake")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Java" in done.stderr
    assert "install" in done.stderr


def test_a_crawl_that_cannot_be_read_ends_the_command_before_spark_starts(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text('[\n {"image": "a.jpg"}\n]\n')
    environment = {**os.environ, "PATH": str(tmp_path), "JAVA_HOME": str(tmp_path / "nowhere")}
    command = [
        sys.executable,
        "-m",
        "spatiallake",
        "ingest",
        "--crawl",
        str(tmp_path),
        "--lake",
        str(tmp_path / "lake"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 4
    assert len(done.stderr.strip().splitlines()) == 1
    assert f"{tmp_path}/manifest.jsonl is a JSON array" in done.stderr


def test_jars_that_were_never_resolved_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPATIALLAKE_HOME", str(tmp_path))
    with pytest.raises(EnvironmentMissing, match="spatiallake setup"):
        resolved_jars()


def ended(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spatiallake", "filter", "--lake", str(tmp_path / "lake")]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **SPARK, **variables}, check=False
    )


def fake_spark(folder: Path, version: str | None) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "jars").mkdir()
    (folder / "bin" / "spark-submit").write_text("#!/bin/sh\n")
    if version:
        (folder / "jars" / f"spark-core_2.12-{version}.jar").write_bytes(b"")
    return folder


@pytest.mark.parametrize(("version", "found"), [("3.5.1", "Spark 3.5.1"), (None, "no jars of Spark")])
def test_another_spark_is_named(version: str | None, found: str, tmp_path: Path) -> None:
    home = fake_spark(tmp_path / "spark", version)
    done = ended(tmp_path, SPARK_HOME=str(home))
    assert done.returncode == 3
    (line,) = done.stderr.strip().splitlines()
    assert f"SPARK_HOME is {home}, which holds {found}" in line
    assert "unset SPARK_HOME" in line


def test_the_same_spark_elsewhere_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_HOME", str(fake_spark(tmp_path, pyspark.__version__)))
    assert require_own_spark() is None
    monkeypatch.setenv("SPARK_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(EnvironmentMissing, match="holds no Spark; unset SPARK_HOME"):
        require_own_spark()


def test_another_python_for_workers_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "python3"
    other.write_text("#!/bin/sh\necho /usr\n")
    other.chmod(0o755)
    for named, said in ((other, "a Python without the packages"), (tmp_path / "none", "which does not start")):
        monkeypatch.setenv("PYSPARK_PYTHON", str(named))
        with pytest.raises(EnvironmentMissing, match=f"PYSPARK_PYTHON is {named}, {said}.*; unset it") as missing:
            require_own_python()
        assert sys.executable in str(missing.value)
    for own in (sys.executable, str(Path(sys.executable).with_name("python"))):
        monkeypatch.setenv("PYSPARK_PYTHON", own)
        assert require_own_python() is None


def test_the_lake_and_the_crawl_may_stand_in_the_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("lake: of-file\n")
    assert lake_named(None, str(file), []) == "of-file"
    assert lake_named(None, str(file), ["lake=of-override"]) == "of-override"
    assert lake_named("of-flag", str(file), ["lake=of-override"]) == "of-flag"
    monkeypatch.setenv("SPATIALLAKE_LAKE", "of-environment")
    assert lake_named(None, str(file), []) == "of-file"
    assert lake_named(None, None, []) == "of-environment"
    monkeypatch.delenv("SPATIALLAKE_LAKE")
    with pytest.raises(UsageError, match="Name a lake: --lake LAKE"):
        lake_named(None, None, [])


def command_of(process: psutil.Process) -> list[str]:
    """Return a process's command line; nothing of one that has just ended."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def test_ctrl_c_is_one_sentence_and_no_process_tells_a_secret(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "crawl" / f"{number}.jpg", photo(number))
    secret = "spark.hadoop.fs.s3a.secret.key: TOPSECRET"
    (tmp_path / "settings.yaml").write_text(
        f"lake: lake\ncrawl: crawl\nspark: {{{secret}, spark.sql.ansi.enabled: true}}\n"
    )
    # A suite that runs in the background ignores the signal, and its children would too.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from spatiallake.__main__ import main; main()"
    command = [sys.executable, "-c", code, "ingest", "--settings", "settings.yaml"]
    command += ["--follow", "0.1", "--master", "local[1]"]
    running = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # In a session of its own, so that the signal goes to all its processes, as a terminal's does.
        start_new_session=True,
    )
    assert running.stderr is not None
    for line in running.stderr:
        if '"stage_finished"' in line:
            break
    children = psutil.Process(running.pid).children(recursive=True)
    assert any("java" in " ".join(command_of(child)) for child in children)
    assert not [child for child in children if "TOPSECRET" in " ".join(command_of(child))]
    os.killpg(running.pid, signal.SIGINT)
    said = running.stderr.read()
    assert running.wait() == 130, said
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].startswith("spatiallake: Interrupted; ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crawl", "lake", "settings.yaml"]
    assert not psutil.wait_procs(children, timeout=60)[1]
