"""A machine without the right Java is told so in one sentence; real executables stand in for the Java binary."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.engine.environment import require_java, resolved_jars
from jobs.engine.errors import EnvironmentMissing


def fake_java(folder: Path, banner: str) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{banner}' >&2\n")
    java.chmod(0o755)
    return folder


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
    environment = {**os.environ, "PATH": str(tmp_path), "JAVA_HOME": str(tmp_path / "nowhere")}
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
