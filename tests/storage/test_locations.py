"""One form for every location, and one sentence for a scheme that no client serves."""

import os
from pathlib import Path

import pytest

from udfs.storage import locations
from udfs.storage.files import MissingFile, open_binary
from udfs.storage.locations import UnservedLocation, normalized, resolve, spark_uri


@pytest.mark.parametrize(
    ("given", "stored", "spark"),
    [
        ("s3://bucket/lake/", "s3://bucket/lake", "s3a://bucket/lake"),
        ("s3a://bucket/lake", "s3://bucket/lake", "s3a://bucket/lake"),
        ("s3n://bucket/a//b", "s3://bucket/a//b", "s3a://bucket/a//b"),
        ("/data/lake/", "/data/lake", "/data/lake"),
        ("file:/data/lake", "/data/lake", "/data/lake"),
        ("file:///data/my%20lake", "/data/my lake", "/data/my lake"),
    ],
)
def test_a_location_has_one_form_and_one_name_for_spark(given: str, stored: str, spark: str) -> None:
    assert normalized(given) == stored
    assert normalized(stored) == stored
    assert spark_uri(given) == spark


def test_relative_paths_and_the_home_folder_become_absolute() -> None:
    assert normalized("lake") == f"{os.getcwd()}/lake"
    assert normalized("~/lake") == f"{Path.home()}/lake"


@pytest.mark.parametrize(
    "uri", ["gs://b/l", "abfss://c@a.net/l", "hdfs://n:8020/l", "hdfs:/l", "http://h/l", "wasb://c/l"]
)
def test_a_scheme_that_is_not_served_is_refused_with_value_and_remedy(uri: str) -> None:
    for function in (normalized, spark_uri):
        with pytest.raises(UnservedLocation) as refused:
            function(uri)
        sentence = str(refused.value)
        assert sentence.startswith(f"{uri} ") and "not served" in sentence and "s3://" in sentence
        assert len(sentence.splitlines()) == 1


def test_dbfs_is_read_at_its_mount_and_named_as_spark_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locations, "DBFS_MOUNT", str(tmp_path))
    assert normalized("dbfs:/lakes/one/") == f"{tmp_path}/lakes/one"
    assert normalized("dbfs:///lakes/one") == f"{tmp_path}/lakes/one"
    assert spark_uri("dbfs:/lakes/one") == "dbfs:/lakes/one" == spark_uri(f"{tmp_path}/lakes/one")
    assert spark_uri(f"{tmp_path}-other/lake") == f"{tmp_path}-other/lake"


def test_dbfs_without_its_mount_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locations, "DBFS_MOUNT", str(tmp_path / "absent"))
    with pytest.raises(UnservedLocation, match=r"dbfs:/lakes/one needs the mount .*absent"):
        normalized("dbfs:/lakes/one")


def test_a_row_that_names_another_scheme_is_missing_alone() -> None:
    assert resolve("/crawl", "https://host/a.jpg") == "https://host/a.jpg"
    with pytest.raises(MissingFile, match="not served"):
        open_binary("https://host/a.jpg")
