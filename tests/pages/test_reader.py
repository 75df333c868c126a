"""The reader against what was written, on disk and on an object store."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pyarrow as pa
import pytest

import spatiallake
from jobs.engine.errors import LakeUnreadable
from jobs.views.plain_arrow import plain
from jobs.views.preview import write_preview
from jobs.views.reader import LakeReader, known_tables, quoted, stage_of_table
from tests.pages.small_history import RECIPE
from tests.pages.small_lake import small_rows, write_lake, write_table


def test_every_table_with_a_recipe_has_its_stage():
    with_recipe = {
        name for name, table in known_tables().items() if "recipe" in table.columns and "image_id" in table.key
    }
    assert with_recipe - {"quarantine"} <= set(stage_of_table())


def test_current_recipe_is_the_one_activated_last(tmp_path):
    lake = write_lake(tmp_path / "lake", ("recipes", "scenes"))
    newer = "1" * 16
    write_table(lake, "scenes", [dict(small_rows()["scenes"][0], recipe=newer)])
    assert len(LakeReader(str(lake)).query("scenes", "SELECT image_id FROM t")) == 3
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) + timedelta(seconds=1)
    activated = {"stage": "lift", "recipe": newer, "settings_json": "{}", "activated_at": now, "engine_version": "0"}
    write_table(lake, "recipes", [activated])
    reader = LakeReader(str(lake))
    assert reader.query("scenes", "SELECT recipe FROM t") == [{"recipe": newer}]
    assert len(reader.query("scenes", "SELECT recipe FROM t", all_recipes=True)) == 4


def test_tables_that_are_not_there(small_lake, tmp_path):
    reader = LakeReader(str(small_lake))
    assert not reader.has("qa_statistics") and reader.optional("qa_statistics", "SELECT * FROM t") == []
    with pytest.raises(LakeUnreadable, match="no table qa_statistics yet"):
        reader.query("qa_statistics", "SELECT * FROM t")
    with pytest.raises(LakeUnreadable, match="There is no lake"):
        LakeReader(str(tmp_path / "nowhere")).tables()


def test_quotes_in_values_are_values(tmp_path):
    odd = "it's; DROP TABLE t --"
    write_table(tmp_path, "recipes", [dict(small_rows()["recipes"][0], stage=odd)])
    query = f"SELECT stage FROM t WHERE stage IN ({quoted([odd, 'lift'])})"
    assert LakeReader(str(tmp_path)).query("recipes", query) == [{"stage": odd}]


def test_not_a_number_comes_back_as_none(tmp_path):
    lake = write_lake(tmp_path / "lake", ("recipes",))
    write_table(lake, "scenes", [dict(small_rows()["scenes"][0], sigma_rel=float("nan"))])
    assert LakeReader(str(lake)).query("scenes", "SELECT sigma_rel FROM t") == [{"sigma_rel": None}]


@pytest.fixture
def object_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of an S3 server on this machine, a process of its own since delta-rs calls it with the GIL held."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    given = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    for name, value in {**given, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    for _ in range(300):
        with socket.socket() as call:
            if call.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    boto3.client("s3").create_bucket(Bucket="lakes")
    yield "s3://lakes/small"
    server.terminate()
    server.wait()


def test_a_lake_on_an_object_store_reads_the_same(small_lake, object_store, tmp_path):
    client = boto3.client("s3")
    for folder, _, names in os.walk(small_lake):
        for name in names:
            path = Path(folder) / name
            client.upload_file(str(path), "lakes", f"small/{path.relative_to(small_lake)}")
    for uri in (object_store, object_store.replace("s3:", "s3a:")):
        remote, local = LakeReader(uri), LakeReader(str(small_lake))
        assert remote.tables() == local.tables()
        assert remote.current_recipes()["lift"] == RECIPE
        query = "SELECT qa_id, answer FROM t ORDER BY qa_id"
        assert remote.query("qa_pairs", query) == local.query("qa_pairs", query)
    summary = write_preview(object_store, tmp_path / "page.html")
    assert (summary.images, summary.questions) == (4, 96)


def test_every_table_and_view_is_read_as_pandas_with_all_its_columns(small_lake: Path) -> None:
    lake = spatiallake.open_lake(str(small_lake))
    for name in (*lake.tables(), *lake.views()):
        frame, table = lake.read(name), lake.arrow(name)
        assert len(frame) == table.num_rows and list(frame.columns) == table.column_names
        assert "view" not in str(table.schema)
    assert {type(one) for needs in lake.read("qa_pairs")["needs"] for one in needs} == {str}


def test_texts_and_bytes_are_plain_however_deep_they_lie() -> None:
    inner = pa.struct([("text", pa.string_view()), ("bytes", pa.binary_view())])
    kinds = {"rows": pa.list_(inner), "by_name": pa.map_(pa.string_view(), pa.large_list(pa.string_view()))}
    table = pa.table(
        {
            "rows": pa.array([[{"text": "a", "bytes": b"\0"}], None, []], kinds["rows"]),
            "by_name": pa.array([[("k", ["v", None])], [], None], kinds["by_name"]),
            "number": [1.5, float("nan"), None],
        }
    )
    made = plain(table)
    assert "view" not in str(made.schema) and str(made.to_pylist()) == str(table.to_pylist())
    assert made.to_pandas()["rows"][0][0] == {"text": "a", "bytes": b"\0"}
