"""Crawl and lake both on S3: the whole engine against a server on the loopback device, through Hadoop's connector."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from deltalake import DeltaTable

from jobs.engine.environment import resolve_jars
from jobs.engine.errors import LakeBusy
from scenes.crawl import write_crawl
from tests.command import invoke
from tests.jobs.engine import ended, events, spatiallake, started, table
from tests.object_store import Busy, busy_s3_server, upload

LOOPBACK_HTTP = {"AWS_ALLOW_HTTP": "true", "AWS_S3_ALLOW_UNSAFE_RENAME": "true"}


@pytest.fixture
def busy() -> Iterator[tuple[str, Busy]]:
    """A bucket of a store that refuses one request in twenty, by throttling or with an error."""
    with busy_s3_server(0.05) as started:
        yield started


@pytest.mark.long
@pytest.mark.usefixtures("spark")
def test_a_lake_on_a_busy_s3_equals_a_local_one_also_with_two_first_runs_at_once(
    tmp_path: Path, busy: tuple[str, Busy]
) -> None:
    resolve_jars(with_s3=True)
    s3, server = busy
    write_crawl(str(tmp_path / "crawl"), count=6, seed=4, width=160, height=120)
    upload(tmp_path / "crawl", "rooms")
    lake = f"{s3}/lake"

    only_s3 = {"AWS_ENDPOINT_URL_S3": os.environ["AWS_ENDPOINT_URL"], "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    whole = ("run", "--crawl", f"{s3}/rooms", "--lake", lake, "--experts", "sensor")
    both = (started(*whole, environment=only_s3), started(*whole, environment=only_s3))
    done, refused = sorted(map(ended, both), key=lambda one: one.returncode)
    assert (done.returncode, refused.returncode) == (0, LakeBusy.exit_code), done.stderr + refused.stderr
    invoke("run", "--crawl", tmp_path / "crawl", "--lake", tmp_path / "lake", "--experts", "sensor")
    again = spatiallake(*whole)

    rows_in = {event["stage"]: event["rows_in"] for event in events(done) if event["event"] == "stage_finished"}
    assert rows_in["ingest"] == 6
    assert f"is writing to {lake}" in refused.stderr.splitlines()[-1]
    assert {event["rows_in"] for event in events(again) if event["event"] == "stage_finished"} == {0}
    assert server.refused > 50
    there = DeltaTable(f"{lake}/qa_pairs", storage_options=LOOPBACK_HTTP).to_pyarrow_table()
    here = table(tmp_path / "lake", "qa_pairs")
    assert there.num_rows > 100
    for name in ("qa_id", "question", "answer"):
        assert sorted(there[name].to_pylist()) == sorted(here[name].to_pylist())
