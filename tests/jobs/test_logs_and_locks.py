"""Without Spark: torn logs are told with the way back, one command writes at a time, and accidents are one sentence."""

import errno
import os
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import CommitProperties, Transaction, write_deltalake

from benchmarks.kills import Ended
from jobs.engine.accidents import accidents
from jobs.engine.delta_log import commits_of, opened, remove_residues, require_whole_logs, transaction_version
from jobs.engine.errors import LakeBusy, LakeUnreadable, LakeUnwritable, SpatialLakeError
from jobs.engine.locks import writing
from jobs.engine.memory import stored_book
from jobs.views.reader import LakeReader


def commit(table: Path, values: list[int], version: int, application: str = "spatiallake:lift:one") -> None:
    transaction = CommitProperties(app_transactions=[Transaction(app_id=application, version=version)])
    write_deltalake(table, pa.table({"value": values}), mode="append", commit_properties=transaction)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    lake = tmp_path / "lake"
    for version in range(3):
        commit(lake / "scenes", [version], version)
    commit(lake / "recipes", [1], 0)
    return lake


def last_entry(table: Path) -> Path:
    return max((table / "_delta_log").glob("*.json"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (lambda whole: whole[: len(whole) // 2], "is cut short"),
        (lambda whole: whole + b"\n", None),
        (lambda whole: whole[:-1], "is cut short"),
        (lambda whole: b"", "is empty"),
        (lambda whole: b"\n\n", "is empty"),
        (lambda whole: b"\0" * len(whole), "is cut short"),
        (lambda whole: whole[:-30] + b"\0" * 30, "is cut short"),
        (lambda whole: b"7\n", "is no list of actions"),
    ],
)
def test_a_torn_last_entry_is_named_with_the_way_back(lake: Path, content, told: str | None) -> None:
    require_whole_logs(str(lake), to_write=True)
    entry = last_entry(lake / "scenes")
    entry.write_bytes(content(entry.read_bytes()))
    if told is None:
        require_whole_logs(str(lake), to_write=True)
        return
    with pytest.raises(LakeUnreadable, match=told) as failure:
        require_whole_logs(str(lake), to_write=True)
    assert "table scenes" in str(failure.value) and f"delete the file {entry}" in str(failure.value)
    with pytest.raises(LakeUnreadable, match=told):
        LakeReader(str(lake)).version("scenes")
    assert LakeReader(str(lake)).version("recipes") == 0


def test_an_entry_that_is_cut_at_the_end_of_a_line_differs_from_its_checksum(lake: Path) -> None:
    entry = last_entry(lake / "scenes")
    whole = entry.read_bytes() + b"\n" + b'{"add":{"path":"' + b"x" * 700 + b'"}}\n'
    entry.write_bytes(whole)
    chunks = [whole[start : start + 512] for start in range(0, len(whole), 512)]
    checksum = b"crc\0" + struct.pack(">I", 512) + b"".join(struct.pack(">I", zlib.crc32(one)) for one in chunks)
    (entry.parent / f".{entry.name}.crc").write_bytes(checksum)
    require_whole_logs(str(lake), to_write=True)
    entry.write_bytes(whole[: whole.index(b'{"add":{"path":"xxx')])
    with pytest.raises(LakeUnreadable, match="does not match its checksum"):
        require_whole_logs(str(lake), to_write=True)


def test_a_torn_table_of_recipes_is_told_before_a_command_reads_what_the_lake_remembers(lake: Path) -> None:
    last_entry(lake / "recipes").write_bytes(b"")
    with pytest.raises(LakeUnreadable, match="table recipes"):
        stored_book(str(lake))


def test_checksums_that_outlive_a_lost_entry_are_removed_and_others_stay(lake: Path) -> None:
    log = lake / "scenes" / "_delta_log"
    for version in (1, 2, 3):
        for name in (f".{version:020}.json.crc", f"{version:020}.crc", f".{version:020}.crc.crc"):
            (log / name).write_bytes(b"crc")
    require_whole_logs(str(lake), to_write=True)
    for check in (
        lambda: require_whole_logs(str(lake), to_write=False),
        lambda: LakeReader(str(lake)).version("scenes"),
    ):
        with pytest.raises(LakeUnreadable, match=r"scenes in .* has lost its last log entry.*spatiallake run"):
            check()
    table = opened(str(lake / "scenes"))
    assert table is not None and table.version() == 2
    remove_residues(str(lake))
    assert {path.name for path in log.iterdir() if f"{3:020}" in path.name} == set()
    assert len([path for path in log.iterdir() if path.name.endswith("crc")]) == 6


def test_what_a_transaction_committed_is_found_by_application_and_version(lake: Path) -> None:
    commit(lake / "scenes", [7], 0, "spatiallake:lift:other")
    commit(lake / "scenes", [8], 0, "spatiallake:depth:one")
    location = str(lake / "scenes")
    found = commits_of(location, "spatiallake:lift:")
    assert {name: sorted(files) for name, files in found.items()} == {
        "spatiallake:lift:one": [0, 1, 2],
        "spatiallake:lift:other": [0],
    }
    (file,) = found["spatiallake:lift:one"][2]
    assert pq.read_table(lake / "scenes" / file)["value"].to_pylist() == [2]
    assert transaction_version(location, "spatiallake:lift:one") == 2
    assert transaction_version(location, "spatiallake:lift:none") == -1
    assert transaction_version(str(lake / "depths"), "spatiallake:lift:one") == -1


_HOLDER = """
import sys, time
from jobs.engine.locks import writing
with writing(sys.argv[1], ["ingest", "filter"]):
    print("held", flush=True)
    time.sleep(600)
"""


def test_one_command_writes_to_a_stage_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, lake], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        told = rf"process {holder.pid}, since .* stage filter of {lake}; wait until"
        with pytest.raises(LakeBusy, match=told), writing(lake, ["depth", "filter"]):
            pass
        with writing(lake, ["depth", "lift"]), writing(lake, ["examples"]):
            pass
    finally:
        holder.kill()
        holder.wait()
    with writing(lake, ["ingest", "filter"]):
        pass


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full"),
        (RuntimeError("java.io.IOException: No space left on device\n\tat java.base/java.io"), "The disk is full"),
        (RuntimeError("Job aborted: Python worker exited unexpectedly (crashed)"), "A Python worker was killed"),
        (RuntimeError("io.delta.exceptions.ConcurrentAppendException: [DELTA_CONCURRENT_APPEND]"), "Another command"),
        (RuntimeError("java.lang.OutOfMemoryError: Java heap space"), "driver_memory"),
    ],
)
def test_an_accident_is_one_sentence_also_as_the_cause_of_other_errors(error: Exception, told: str) -> None:
    def fails() -> None:
        try:
            raise error
        except Exception:
            raise ValueError("while handling it") from error

    with pytest.raises(SpatialLakeError, match=told) as failure, accidents("Stage lift: "):
        fails()
    told_whole = str(failure.value)
    assert told_whole.startswith("Stage lift: ") and "\n" not in told_whole
    assert "run the same command again" in told_whole and failure.value.exit_code == (
        8 if isinstance(failure.value, LakeUnwritable) else 9
    )


def test_any_error_after_the_end_of_java_is_told_as_that() -> None:
    code = (
        "from pyspark.java_gateway import launch_gateway\nfrom pyspark import SparkContext\n"
        "from jobs.engine.accidents import accident_of\n"
        "SparkContext._gateway = launch_gateway()\nassert accident_of(ValueError('no')) is None\n"
        "SparkContext._gateway.proc.kill()\n"
        "try:\n    SparkContext._gateway.jvm.java.lang.System.nanoTime()\n"
        "except Exception as error:\n    print(accident_of(error))\n"
        "print(accident_of(TypeError(\"'JavaPackage' object is not callable\")))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.count("Java was killed, often for lack of memory; run the same command again") == 2, done.stderr


def test_java_that_is_killed_while_it_starts_is_told_in_one_sentence(tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    real = os.path.realpath(shutil.which("java") or "java")
    java.write_text(f'#!/bin/bash\n[[ "$*" == *SparkSubmit* ]] && kill -9 $$\nexec {real} "$@"\n', encoding="utf-8")
    java.chmod(0o755)
    code = (
        "from jobs.engine.errors import Stopped\nfrom jobs.engine.session import start_session\n"
        "try:\n    start_session('local[1]', '1g')\nexcept Stopped as error:\n    print(error)\n"
    )
    environment = {**os.environ, "JAVA_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert "Java ended while it was starting, often for lack of memory" in done.stdout, done.stderr
    assert "Traceback" not in done.stderr


def test_other_errors_stay_what_they_are() -> None:
    for error in (ValueError("bad value"), ConnectionError("the crawl's server is gone"), LakeUnreadable("no lake")):
        with pytest.raises(type(error), match=str(error)), accidents():
            raise error


def test_the_kill_test_takes_a_traceback_or_another_code_for_a_fault() -> None:
    assert Ended("java", 9, 'spatiallake: Stage lift: Java was killed.\n{"event": "batch"}\n').faults == []
    assert Ended("java", 9, "Traceback (most recent call last):\nspatiallake: Java was killed.\n").faults
    assert Ended("worker", 1, "spatiallake: A worker.\n").faults and Ended("java", 9, "").faults
    assert Ended("tree", -9, "").faults == [] and Ended(None, 0, "").faults == []
