"""Manifests in the kinds that people write, and one sentence for those that are not read."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.conftest import ingest
from tests.ingest.crawls import sensor_row, write
from tests.ingest.pictures import CAMERA, OBJECTS, depth_png, instance_png, photo
from udfs.crawl.layout import LayoutUnclear, layout_of
from udfs.crawl.manifests import table_rows

ROWS = [sensor_row(f"{number}.jpg", frame_index=number, alt_text=["", f"say {number}", "b"]) for number in range(6)]


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    for number in range(6):
        write(tmp_path / "photos" / f"{number}.jpg", photo(number))
    write(tmp_path / "maps" / "depth.png", depth_png())
    write(tmp_path / "maps" / "instances.png", instance_png())
    return tmp_path


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\r\n" for row in rows).encode()


def table(rows: list[dict[str, Any]], delimiter: str = ",") -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: cell if isinstance(cell, str) else json.dumps(cell) for name, cell in row.items()})
    return buffer.getvalue().encode()


def as_csv(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In a table, a list of captions is one text."""
    return [{**row, "alt_text": row["alt_text"][1]} for row in rows]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("manifest.jsonl", b"\xef\xbb\xbf" + lines(ROWS)),
        ("manifest.jsonl.gz", gzip.compress(lines(ROWS))),
        ("manifest.jsonl", gzip.compress(lines(ROWS))),
        ("manifest.ndjson", lines(ROWS)),
        ("manifest.json", lines(ROWS)),
        ("manifest.csv", table(as_csv(ROWS))),
        ("manifest.csv", b"\xef\xbb\xbf" + table(as_csv(ROWS), ";")),
        ("manifest.csv.gz", gzip.compress(table(as_csv(ROWS)))),
        ("manifest.TSV", table(as_csv(ROWS), "\t")),
    ],
)
def test_manifests_of_every_kind_give_the_same_images(crawl: Path, name: str, data: bytes) -> None:
    write(crawl / name, data)
    for uri in (crawl, crawl / name):
        result = ingest(uri)
        assert (result.quarantine, len(result.images)) == ([], 6)
        for number in range(6):
            image = result.image(f"/{number}.jpg")
            assert (image["bytes"], image["frame_index"], image["alt_text"]) == (photo(number), number, f"say {number}")
            assert image["camera"] == CAMERA and len(image["objects"]) == len(OBJECTS)
            assert (image["depth"], image["instances"]) == (depth_png(), instance_png())


def test_a_manifest_from_pandas(crawl: Path) -> None:
    rows = [{"image": "photos/0.jpg", "licence": None, "frame_index": 3}, {"image": "photos/1.jpg", "licence": "CC0"}]
    pd.DataFrame(rows).to_csv(crawl / "manifest.csv", index=False)
    result = ingest(crawl)
    assert {row["licence"] for row in result.provenance} == {None, "CC0"}
    pd.DataFrame(rows).to_parquet(crawl / "manifest.parquet")
    assert len(ingest(crawl / "manifest.parquet").images) == 2


def test_a_table_in_parts(crawl: Path) -> None:
    write(crawl / "manifest.csv" / "part-1.csv", table(as_csv(ROWS[3:])))
    write(crawl / "manifest.csv" / "part-0.csv", table(as_csv(ROWS[:3])))
    write(crawl / "manifest.csv" / "_SUCCESS", b"")
    assert len(ingest(crawl).images) == 6


def test_a_bad_row_of_a_table_costs_itself(crawl: Path) -> None:
    data = b'image,alt_text\nphotos/0.jpg,"two\nlines"\nphotos/1.jpg,"no end\nphotos/2.jpg,21" screen\n'
    data += b"photos/3.jpg,a,b,c\n\nphotos/4.jpg\n,no image\nphotos/caf\xe9.jpg,x\nphotos/5.jpg,ok"
    write(crawl / "manifest.csv", data)
    result = ingest(crawl)
    assert {row["uri"][-5:]: row["alt_text"] for row in result.provenance} == {
        "0.jpg": "two\nlines",
        "2.jpg": '21" screen',
        "4.jpg": None,
        "5.jpg": "ok",
    }
    assert result.reasons() == {f"manifest.csv#row={number}": {"bad_manifest_row"} for number in (2, 4, 6, 7)}


_CELLS = st.text(st.characters(exclude_characters="\0\r", codec="utf-8"), max_size=8)


@given(st.lists(st.tuples(_CELLS, _CELLS), max_size=12), st.sampled_from((",", "\t", ";")))
def test_tables_keep_every_cell(tmp_path_factory: pytest.TempPathFactory, cells: list[Any], delimiter: str) -> None:
    file = tmp_path_factory.mktemp("table") / "t.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerows([("image", "alt_text"), *cells])
    rows = [json.loads(row.text) for row in table_rows(str(file))]
    kept = [(image, text) for image, text in cells if image.strip() or text.strip()]
    assert rows == [
        {name: cell for name, cell in zip(("image", "alt_text"), one, strict=True) if cell.strip()} for one in kept
    ]


ARRAY = json.dumps([{"image": "photos/0.jpg"}, {"image": "photos/1.jpg"}])


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("manifest.jsonl", json.dumps([{"image": "photos/0.jpg"}], indent=1).encode(), "JSON array"),
        ("manifest.jsonl", ARRAY.encode(), "JSON array"),
        ("manifest.jsonl", b'[\n{"image": "photos/0.jpg"}\n]', "JSON array"),
        ("manifest.jsonl", json.dumps({"image": "photos/0.jpg"}, indent=2).encode(), "several lines"),
        ("manifest.json", ARRAY.encode(), "JSON array"),
        ("manifest.json", b'{"name": "an app", "icons": []}', "no manifest"),
        ("manifest.jsonl", '{"image": "photos/0.jpg"}\n'.encode("utf-16"), "UTF-16"),
        ("manifest.jsonl", '{"image": "photos/0.jpg"}\n'.encode("utf-16-le"), "UTF-16"),
        ("manifest.csv", "image\nphotos/0.jpg\n".encode("utf-16"), "UTF-16"),
        ("manifest.jsonl", '{"image": "photos/é.jpg"}\n{"image": "photos/0.jpg"}\n'.encode("latin-1"), "not UTF-8"),
        ("manifest.csv", "image\nphotos/é".encode("latin-1"), "not UTF-8"),
        ("manifest.csv", b"file,caption\nphotos/0.jpg,a\n", "no column `image`"),
        ("manifest.jsonl", b"PAR1" + bytes(100), "parquet"),
        pytest.param("manifest.jsonl.gz", gzip.compress(lines(ROWS), mtime=0)[:40], "cannot be read", id="cut gz"),
        ("metadata.jsonl", b'{"file_name": "photos/0.jpg", "text": "a"}\n', "lists images"),
        ("train.csv", b"caption,image\na,photos/0.jpg\n", "lists images"),
        ("Manifest.jsonl", lines(ROWS), "lists images"),
        ("photos.tfrecord", b"x", None),
    ],
)
def test_what_is_not_read_is_one_sentence(crawl: Path, name: str, data: bytes, sentence: str | None) -> None:
    write(crawl / name, data)
    if sentence is None:  # beside images, it is quarantined as the one file that it is
        assert name in ingest(crawl).reasons()
        return
    with pytest.raises(Exception, match=sentence) as told:
        layout_of(str(crawl), 2**20)
    assert name in str(told.value) and type(told.value).__name__ in ("LayoutUnclear", "MissingFile")


def test_containers_that_are_not_read(tmp_path: Path) -> None:
    write(tmp_path / "00000.tfrecord", b"x")
    pq.write_table(pa.table({"key": ["0"], "url": ["u"]}), tmp_path / "00000.parquet")
    with pytest.raises(LayoutUnclear, match="webdataset"):
        layout_of(str(tmp_path), 2**20)
    write(tmp_path / "one" / "a.zip", b"PK")
    with pytest.raises(LayoutUnclear, match="unpack"):
        layout_of(str(tmp_path / "one"), 2**20)


def test_single_bad_rows_do_not_cost_a_manifest(crawl: Path) -> None:
    rows = [
        b"[1, 2]",
        b'{"image": "photos/\xe9.jpg"}',
        b'{"image": "file://[/a.jpg"}',
        b'{"image": "photos/1.jpg", "alt_text": "caf\xe9"}',
    ]
    write(crawl / "manifest.jsonl", b"\n".join([*rows, *[lines([row]).strip() for row in ROWS]]))
    result = ingest(crawl)
    assert len({row["image_id"] for row in result.images}) == 6
    names = {f"manifest.jsonl#row={number}": {"bad_manifest_row"} for number in (1, 2, 3)}
    assert result.reasons() == names


def test_a_manifest_that_ends_early_gives_its_rows_and_a_reason(crawl: Path) -> None:
    rows = [{**ROWS[number % 6], "source": "".join(map(str, range(number)))} for number in range(200)]
    for name, data in {"manifest.jsonl.gz": lines(rows), "list.csv.gz": table(as_csv(rows))}.items():
        packed = gzip.compress(data)
        write(crawl / name, packed[: len(packed) * 3 // 4])
        result = ingest(crawl / name)
        assert 50 < len(result.images) < 200
        assert result.reasons() == {name: {"unreadable_image"}}
        assert "cannot be read to the end" in result.quarantine[0]["error"]


def test_a_parquet_file_without_images(crawl: Path) -> None:
    pq.write_table(pa.table({"path": ["photos/0.jpg"]}), crawl / "manifest.parquet")
    with pytest.raises(LayoutUnclear, match="no column `image`"):
        layout_of(str(crawl), 2**20)


def test_captions_that_are_lists(crawl: Path) -> None:
    write(crawl / "manifest.jsonl", lines([{"image": "photos/0.jpg", "alt_text": [["", "a"], "b"]}]))
    assert ingest(crawl).images[0]["alt_text"] == "a"
    frame = pd.DataFrame([{"image": "photos/0.jpg", "alt_text": np.array(["x", "y"])}, {"image": "photos/1.jpg"}])
    frame.to_parquet(crawl / "list.parquet")
    assert [row["alt_text"] for row in ingest(crawl / "list.parquet").provenance] == ["x", None]
