"""Images inside parquet files, as Hugging Face datasets and img2dataset write them."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingest.conftest import Ingested, ingest
from tests.ingest.crawls import img2dataset_tars, metadata, write
from tests.ingest.pictures import photo
from tests.object_store import upload
from udfs.crawl.layout import LayoutUnclear, layout_of
from udfs.crawl.limits import IngestSettings

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def stored(number: int) -> dict[str, Any]:
    return {"bytes": photo(number), "path": f"{number}.jpg"}


def hugging_face(path: Path, rows: list[dict[str, Any]], name: str = "image", kind: pa.DataType = IMAGE) -> Path:
    others = [(key, pa.array([row.get(key) for row in rows])) for key in rows[0] if key != name]
    columns = [(name, pa.array([row.get(name) for row in rows], kind)), *others]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), path, row_group_size=4)
    return path


def members(result: Ingested) -> set[str]:
    return {row["uri"].rpartition("/")[2] for row in result.provenance}


@pytest.mark.parametrize("where", ["local", "s3"])
def test_a_dataset_of_several_files(tmp_path: Path, where: str, request: pytest.FixtureRequest) -> None:
    for part in range(2):
        rows = [{"image": stored(10 * part + n), "text": f"say {n}", "license": "CC0"} for n in range(10)]
        hugging_face(tmp_path / "data" / f"train-0000{part}-of-00002.parquet", rows)
    write(tmp_path / "README.md", b"# a card")
    uri = str(tmp_path)
    if where == "s3":
        uri = f"{request.getfixturevalue('s3')}/hub"
        upload(tmp_path, "hub")
    result = ingest(uri)
    assert {row["bytes"] for row in result.images} == {photo(number) for number in range(20)}
    assert members(result) == {f"train-0000{part}-of-00002.parquet#row={n}" for part in range(2) for n in range(1, 11)}
    assert {row["licence"] for row in result.images} == {"CC0"}
    assert result.image("00001-of-00002.parquet#row=6")["alt_text"] == "say 5"
    assert result.reasons() == {"README.md": {"unsupported_format"}}
    positions = [row["position"] for row in result.entries]
    assert positions == sorted(set(positions))


@pytest.mark.parametrize("name", ["picture", "image"])
def test_the_column_may_have_any_name_and_hold_lists(tmp_path: Path, name: str) -> None:
    rows = [{name: [stored(3 * n), stored(3 * n + 1)], "id": n} for n in range(6)] + [{name: [], "id": 6}]
    hugging_face(tmp_path / "0.parquet", rows, name, pa.list_(IMAGE))
    result = ingest(tmp_path / "0.parquet")
    assert (len(result.images), result.quarantine) == (12, [])
    assert result.image("0.parquet#row=2,item=2")["bytes"] == photo(4)
    hugging_face(tmp_path / "0.parquet", [{name: stored(1)}], name)
    assert members(ingest(tmp_path)) == {"0.parquet#row=1"}


def test_bad_rows_cost_themselves(tmp_path: Path) -> None:
    write(tmp_path / "beside.jpg", photo(8))
    tmp_path = tmp_path / "crawl"
    write(tmp_path / "beside.jpg", photo(7))
    rows = [
        {"image": stored(1), "robots": None},
        {"image": None, "robots": None},
        {"image": {"bytes": None, "path": "beside.jpg"}, "robots": None},
        {"image": {"bytes": None, "path": "../beside.jpg"}, "robots": None},
        {"image": {"bytes": b"no image", "path": None}, "robots": None},
        {"image": stored(2), "robots": "noai"},
        {"image": {"bytes": photo(3) + bytes(9000), "path": "x"}, "robots": None},
    ]
    hugging_face(tmp_path / "a.parquet", rows)
    result = ingest(tmp_path / "a.parquet", IngestSettings(max_file_bytes=9000))
    assert members(result) == {"a.parquet#row=1", "a.parquet#row=3"}
    assert result.image("#row=3")["bytes"] == photo(7)
    assert result.reasons() == {
        "a.parquet#row=2": {"missing_file"},
        "a.parquet#row=4": {"outside_roots"},
        "a.parquet#row=5": {"unsupported_format"},
        "a.parquet#row=6": {"opt_out"},
        "a.parquet#row=7": {"file_too_large"},
    }


def test_the_parquet_output_of_img2dataset(tmp_path: Path) -> None:
    rows = [{**metadata(f"{n:09}"), "jpg": photo(n), "error_message": None} for n in range(5)]
    rows += [{**metadata("000000005"), "jpg": None, "status": "failed_to_download", "error_message": "404"}]
    rows += [{**metadata("000000006"), "jpg": None, "status": None}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "00000.parquet")
    write(tmp_path / "00000_stats.json", b"{}")
    result = ingest(tmp_path)
    assert {row["kind"] for row in result.entries} == {"parquet"}
    assert {(row["bytes"], row["alt_text"]) for row in result.images} == {
        (photo(n), f"caption of {n:09}") for n in range(5)
    }
    assert result.reasons() == {
        "00000.parquet#row=6": {"not_downloaded"},
        "00000.parquet#row=7": {"missing_file"},
    }
    (error,) = [row["error"] for row in result.quarantine if row["reason"] == "not_downloaded"]
    assert "https://example.org/000000005.jpg" in error and "404" in error
    assert {row["image_url"] for row in result.provenance} == {f"https://example.org/{n:09}.jpg" for n in range(5)}


def test_what_cannot_be_told_apart_is_one_sentence(tmp_path: Path) -> None:
    two = {"left": pa.array([stored(1)], IMAGE), "right": pa.array([stored(2)], IMAGE)}
    pq.write_table(pa.table(two), tmp_path / "0.parquet")
    for uri in (tmp_path, tmp_path / "0.parquet"):
        with pytest.raises(LayoutUnclear, match="left, right; rename"):
            layout_of(str(uri), 2**20)
    maps = {"image": pa.array([stored(1)], IMAGE), "depth": pa.array([stored(2)], IMAGE)}
    pq.write_table(pa.table(maps), tmp_path / "0.parquet")
    with pytest.raises(LayoutUnclear, match="depth inside the file"):
        layout_of(str(tmp_path), 2**20)
    more = {"image": pa.array([stored(1)], IMAGE), "conditioning": pa.array([stored(2)], IMAGE)}
    pq.write_table(pa.table(more), tmp_path / "0.parquet")
    assert [row["bytes"] for row in ingest(tmp_path).images] == [photo(1)]


@pytest.mark.parametrize("name", ["image", "content"])
def test_plain_bytes_are_told_by_their_content(tmp_path: Path, name: str) -> None:
    columns = {name: pa.array([None, photo(1)], pa.large_binary()), "hash": pa.array([b"ab", b"cd"])}
    pq.write_table(pa.table(columns), tmp_path / "0.parquet")
    result = ingest(tmp_path)
    assert (members(result), result.reasons()) == ({"0.parquet#row=2"}, {"0.parquet#row=1": {"missing_file"}})


def test_uris_stored_as_bytes_are_a_manifest(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", photo(1))
    pq.write_table(pa.table({"image": pa.array([b"a.jpg"])}), tmp_path / "manifest.parquet")
    result = ingest(tmp_path)
    assert (len(result.images), {row["kind"] for row in result.entries}) == (1, {"manifest"})


def test_a_damaged_file_costs_its_own_images(tmp_path: Path) -> None:
    hugging_face(tmp_path / "0.parquet", [{"image": stored(n)} for n in range(3)])
    hugging_face(tmp_path / "1.parquet", [{"image": stored(n)} for n in range(3, 6)])
    layout = layout_of(str(tmp_path), 2**20)
    data = bytearray((tmp_path / "1.parquet").read_bytes())
    data[4:400] = bytes(396)
    write(tmp_path / "1.parquet", bytes(data))
    assert layout.kind == "parquet"
    result = ingest(tmp_path)
    assert members(result) == {f"0.parquet#row={n}" for n in range(1, 4)}
    assert {row["uri"].rpartition("/")[2] for row in result.quarantine} == {f"1.parquet#row={n}" for n in range(1, 4)}


def test_failed_downloads_of_the_parquet_beside_a_tar_are_named(tmp_path: Path) -> None:
    img2dataset_tars(tmp_path, shards=1, samples=2)
    rows = [metadata("000000000"), {**metadata("000000007"), "status": "failed_to_download", "error_message": "403"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "00000.parquet")
    write(tmp_path / "00001.tar", (tmp_path / "00000.tar").read_bytes())
    write(tmp_path / "00001.parquet", b"PAR1 torn")
    result = ingest(tmp_path)
    assert len(result.images) == 4
    assert result.reasons() == {
        "00000.parquet#row=2": {"not_downloaded"},
        "00001.parquet": {"unreadable_image"},
    }
