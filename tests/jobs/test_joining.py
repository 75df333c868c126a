"""Sessions of platforms: their configuration stays, and what cannot be set is said by name."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from benchmarks.same_rows import differences, rows_of
from jobs.engine.errors import UsageError
from jobs.engine.joining import SESSION_OPTIONS, configure, on_platform, platform_session, require_shared
from jobs.engine.session import start_session
from scenes.crawl import write_crawl
from tests.command import invoke


class Guarded:
    """The configuration of a real session in which some options are read-only, as a platform's may be."""

    def __init__(self, session: SparkSession, fixed: tuple[str, ...]) -> None:
        self._conf, self._fixed = session.conf, fixed

    def get(self, key: str, *default: Any) -> Any:
        return self._conf.get(key, *default)

    def set(self, key: str, value: str) -> None:
        if key in self._fixed:
            raise AnalysisException(f"{key} is read-only")
        self._conf.set(key, value)


class Platform:
    def __init__(self, session: SparkSession, *fixed: str) -> None:
        self.conf = Guarded(session, fixed)


@pytest.fixture
def fresh(spark: SparkSession) -> SparkSession:
    return spark.newSession()


def test_what_a_session_may_change_is_set_and_the_rest_is_said(fresh: SparkSession) -> None:
    fresh.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    fresh.conf.set("spark.sql.parquet.columnarReaderBatchSize", "4096")
    said: list[str] = []
    platform: Any = Platform(fresh, "spark.sql.parquet.columnarReaderBatchSize")
    options = {"spark.sql.shuffle.partitions": "400", "spark.executor.memory": "SECRET"}
    configure(platform, options, said.append)
    assert fresh.conf.get("spark.sql.session.timeZone") == "UTC"
    assert fresh.conf.get("spark.sql.shuffle.partitions") == "400"
    assert fresh.conf.get("parquet.block.size") == SESSION_OPTIONS["spark.hadoop.parquet.block.size"]
    assert len(said) == 2 and "SECRET" not in " ".join(said)
    assert "spark.sql.parquet.columnarReaderBatchSize, which stays 4096;" in said[0]
    assert "spark.executor.memory;" in said[1]


def test_a_given_session_is_joined_also_on_databricks(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not on_platform()
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    assert on_platform()
    before = spark.conf.get("spark.sql.shuffle.partitions")
    joined = start_session("yarn", options={"spark.executor.cores": "7"})
    assert joined is spark and platform_session() is spark
    assert spark.conf.get("spark.sql.shuffle.partitions") == before
    assert "does not let change spark.executor.cores;" in capsys.readouterr().err


@pytest.mark.long
def test_the_engine_runs_in_a_session_of_databricks_and_says_what_it_could_not_set(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_crawl(str(tmp_path / "crawl"), count=3, seed=4, width=160, height=120)
    whole = ("run", "--crawl", tmp_path / "crawl", "--experts", "sensor")
    invoke(*whole, "--lake", tmp_path / "here")
    fixed = "spark.sql.parquet.columnarReaderBatchSize"
    given = spark.newSession()
    given.conf.set(fixed, "128")
    with monkeypatch.context() as patch:
        patch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
        patch.setattr(SparkSession, "getActiveSession", lambda: given)
        patch.setattr(given, "conf", Guarded(given, (fixed,)))
        said = invoke(*whole, "--lake", tmp_path / "there", "--set", "spark.executor.memory=3g")
        assert given.conf.get(fixed) == "128"
    assert f"does not let change {fixed}, which stays 128;" in said
    assert "does not let change spark.executor.memory;" in said
    assert sum(rows_of(tmp_path / "there", "qa_pairs").values()) > 50
    assert differences(tmp_path / "here", tmp_path / "there") == []


@pytest.mark.parametrize("master", ["yarn", "spark://host:7077", "k8s://https://host"])
def test_folders_of_one_machine_are_refused_where_tasks_run_on_others(master: str) -> None:
    with pytest.raises(UsageError, match=r"lake /data/lake is a folder of this machine.*shared_folders=\[/mnt/nfs\]"):
        require_shared({"lake": "/data/lake"}, master)
    require_shared({"lake": "s3a://bucket/lake"}, master)
    require_shared({"lake": "/Volumes/main/default/lake"}, master)
    require_shared({"lake": "/data/lake"}, master, ("/data",))
    with pytest.raises(UsageError):
        require_shared({"lake": "/database/lake"}, master, ("/data",))
    require_shared({"lake": "/data/lake"}, "local-cluster[2,1,1024]")
