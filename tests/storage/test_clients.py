"""boto3, pyarrow, delta-rs and Spark's S3A reach the same store, whatever variables name it."""

import io
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from jobs.views.reader import LakeReader
from udfs.storage.clients import delta_options, endpoint, filesystem_of, s3_client, spark_options
from udfs.storage.files import list_files, open_binary

NOWHERE = "http://127.0.0.1:1"
VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE")


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    s3_client.cache_clear()
    yield monkeypatch
    s3_client.cache_clear()


def seen_by_all() -> list[tuple[str | None, str | None, bool]]:
    """Return (endpoint, region, whether buckets go into the path) as each client's own configuration holds them."""
    boto = s3_client().meta
    arrow: Any = filesystem_of("s3://bucket").__reduce__()[1][0]
    delta, spark = delta_options(), spark_options()
    prefix = "spark.hadoop.fs.s3a."
    return [
        (boto.endpoint_url, boto.region_name, boto.config.s3["addressing_style"] == "path"),
        (arrow["endpoint_override"], arrow["region"], not arrow["force_virtual_addressing"]),
        (
            delta["AWS_ENDPOINT_URL"],
            delta["AWS_REGION"],
            not json.loads(delta["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"]),
        ),
        (
            spark[f"{prefix}endpoint"],
            spark[f"{prefix}endpoint.region"],
            json.loads(spark[f"{prefix}path.style.access"]),
        ),
    ]


@pytest.mark.parametrize(
    ("given", "url", "region"),
    [
        ({"AWS_ENDPOINT_URL": "http://store:9000"}, "http://store:9000", "us-east-1"),
        ({"AWS_ENDPOINT_URL_S3": "http://store:9000/"}, "http://store:9000", "us-east-1"),
        ({"AWS_ENDPOINT_URL": NOWHERE, "AWS_ENDPOINT_URL_S3": "https://store"}, "https://store", "us-east-1"),
        ({"AWS_ENDPOINT_URL": "store:9000", "AWS_DEFAULT_REGION": "eu-west-3"}, "https://store:9000", "eu-west-3"),
        (
            {"AWS_ENDPOINT_URL": "https://store", "AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-west-3"},
            "https://store",
            "eu-north-1",
        ),
    ],
)
def test_all_four_clients_agree(clean: pytest.MonkeyPatch, given: dict[str, str], url: str, region: str) -> None:
    for name, value in given.items():
        clean.setenv(name, value)
    assert seen_by_all() == [(url, region, True)] * 4
    plain = url.startswith("http://")
    assert delta_options()["AWS_ALLOW_HTTP"] == str(plain).lower()
    assert spark_options()["spark.hadoop.fs.s3a.connection.ssl.enabled"] == str(not plain).lower()


def test_without_an_endpoint_the_store_is_aws(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("AWS_REGION", "eu-north-1")
    assert (endpoint().url, endpoint().path_style) == (None, False)
    assert s3_client().meta.region_name == "eu-north-1"
    assert delta_options() == {"AWS_REGION": "eu-north-1"}
    assert not any(name.endswith("fs.s3a.endpoint") for name in spark_options())
    assert spark_options()["spark.hadoop.fs.s3a.endpoint.region"] == "eu-north-1"


@pytest.fixture
def store(clean: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of a server that only AWS_ENDPOINT_URL_S3 names; a process of its own, as delta-rs holds the GIL."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    clean.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{port}")
    clean.setenv("AWS_ENDPOINT_URL", NOWHERE)
    while server.poll() is None:
        with closing(socket.socket()) as call:
            if call.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    s3_client().create_bucket(Bucket="lakes")
    yield "s3://lakes"
    server.kill()
    server.wait()


def test_each_client_reads_what_another_wrote(store: str) -> None:
    rows = pa.table({"stage": ["lift"], "recipe": ["1"], "activated_at": [1]})
    unsafe = {"AWS_S3_ALLOW_UNSAFE_RENAME": "true"}
    write_deltalake(f"{store}/lake/recipes", rows, storage_options={**delta_options(), **unsafe})
    with filesystem_of(store).open_output_stream("lakes/one.txt") as file:
        file.write(b"one")
    s3_client().put_object(Bucket="lakes", Key="two.txt", Body=b"two")
    assert io.BytesIO(open_binary(f"{store}/one.txt").read()).read() == b"one"
    assert filesystem_of(store).open_input_stream("lakes/two.txt").read() == b"two"
    assert {"s3://lakes/one.txt", "s3://lakes/two.txt"} < {file.uri for file in list_files(store)}
    assert DeltaTable(f"{store}/lake/recipes", storage_options=delta_options()).to_pyarrow_table() == rows
    assert LakeReader("s3a://lakes/lake").current_recipes() == {"lift": "1"}
