"""What cannot be a lake is said in one sentence before Spark starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import jobs.cli.options
from jobs.engine.errors import LakeUnreadable, LakeUnwritable, UsageError
from jobs.engine.lake_folder import require_folder, require_writable
from tests.checks.parsing import application
from udfs.storage.locations import UnservedLocation

COMMANDS = {
    "ingest": ("--crawl", "nowhere"),
    "filter": (),
    "sql": ("SELECT 1",),
    "preview": (),
    "report": (),
    "recipes": (),
    "backfill": (),
    "retry": (),
}


def test_a_folder_that_is_not_there_yet_is_a_lake_and_is_not_made(tmp_path: Path) -> None:
    require_writable(str(tmp_path / "a" / "b"))
    require_writable(str(tmp_path))
    require_writable("s3a://bucket/lake")
    assert not list(tmp_path.iterdir())


def test_a_file_or_a_link_to_nothing_is_no_lake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    os.symlink(tmp_path / "gone", tmp_path / "link")
    for place in ("file", "file/lake", "link", "link/lake"):
        with pytest.raises(LakeUnreadable, match="is a file; name a folder"):
            require_folder(str(tmp_path / place))


@pytest.mark.skipif(not Path("/proc/sys").is_dir(), reason="needs Linux's /proc")
def test_a_folder_that_takes_no_file_is_named() -> None:
    with pytest.raises(LakeUnwritable, match=r"The lake /proc/lake cannot be written \(.*\); make room"):
        require_writable("/proc/lake")


def test_a_disk_that_takes_no_more_is_named(tmp_path: Path) -> None:
    # Any process may set itself a limit that a write fails by, as on a full disk.
    code = (
        "import resource, sys\nfrom jobs.engine.lake_folder import require_writable\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\nrequire_writable(sys.argv[1])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "LakeUnwritable: The lake" in done.stderr and "cannot be written (File too large)" in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("lake", "errors"),
    [
        ("afile", LakeUnreadable),
        ("gs://bucket/lake", (UsageError, UnservedLocation)),
        ("s3://me:TOPSECRET@bucket/lake", (UsageError, UnservedLocation)),
    ],
)
def test_every_command_refuses_before_spark_starts(
    command: str, lake: str, errors: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Whatever would start Spark would end in another error.
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    (tmp_path / "afile").write_text("")
    application()
    done = CliRunner().invoke(jobs.cli.options.app, [command, *COMMANDS[command], "--lake", lake])
    assert isinstance(done.exception, errors), done.exception
    assert "\n" not in str(done.exception) and "TOPSECRET" not in str(done.exception) + done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["afile"]


def test_the_command_ends_in_one_sentence_and_its_code(tmp_path: Path) -> None:
    (tmp_path / "afile").write_text("")
    line = [sys.executable, "-m", "spatiallake", "ingest", "--crawl", "nowhere", "--lake", "afile"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 5, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
