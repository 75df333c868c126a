"""The package in an empty environment: `spark-submit` with two executors runs the engine from the archive alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.same_rows import COMPARED, differences, rows_of
from benchmarks.submitted import executors_with_tasks, options_at_work, submit
from infra import package as packaging
from scenes.crawl import write_crawl
from tests.command import invoke


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if packaging.uv_program() is None:
        pytest.skip("uv is not installed, so no package was built; `make setup` puts it into .tools.")
    out = tmp_path_factory.mktemp("package")
    built = packaging.package(out)
    assert [file.name for file in built[1:3]] == ["environment.tar.gz", "spatiallake_main.py"]
    return out


@pytest.mark.long
@pytest.mark.usefixtures("spark")
def test_spark_submit_with_two_executors_equals_a_local_run_row_for_row(package: Path, tmp_path: Path) -> None:
    write_crawl(str(tmp_path / "crawl"), count=6, seed=4, width=160, height=120)
    (tmp_path / "empty").mkdir()
    crawl, there = str(tmp_path / "crawl"), str(tmp_path / "there")
    done = submit(package, tmp_path / "empty", "run", "--crawl", crawl, "--lake", there, "--experts", "sensor")
    assert done.code == 0, done.told[-1000:] + done.logged[-2000:]
    assert done.finished["ingest"]["rows_in"] == 6 and done.finished["synthesize"]["rows_out"] > 100
    assert executors_with_tasks(tmp_path / "empty/events") == {"0", "1"}
    at_work = options_at_work(tmp_path / "empty/events")
    assert {one["spark.sql.shuffle.partitions"] for one in at_work} == {"400"}
    assert {one["spark.executor.memory"] for one in at_work} == {"1g"}
    invoke("run", "--crawl", crawl, "--lake", tmp_path / "here", "--experts", "sensor")
    assert sum(rows_of(tmp_path / "here", "qa_pairs").values()) > 100
    assert "qa_pairs" in COMPARED and differences(tmp_path / "here", tmp_path / "there") == []


@pytest.mark.long
def test_the_package_says_why_it_cannot_be_built(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.package", "--out", str(tmp_path / "out"), "--extra", "no-such-extra"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=packaging.ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith("spatiallake: `") and "no-such-extra" in done.stderr
    assert len(done.stderr.splitlines()) == 1
