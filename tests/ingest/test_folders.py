"""Folders as people keep them: links, names of every kind, and texts beside the images."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingest.conftest import Ingested, ingest
from tests.ingest.crawls import metadata, write
from tests.ingest.pictures import photo
from tests.object_store import upload
from udfs.storage.files import list_files


def found(result: Ingested, folder: Path) -> set[str]:
    return {row["uri"].removeprefix(f"{folder}/") for row in result.provenance}


def reasons(result: Ingested, folder: Path) -> dict[str, str]:
    return {row["uri"].removeprefix(f"{folder}/"): row["reason"] for row in result.quarantine}


def test_a_linked_folder_is_read_once_under_the_name_of_its_link(tmp_path: Path) -> None:
    crawl, store = tmp_path / "crawl", tmp_path / "store"
    write(crawl / "a.jpg", photo(1))
    write(store / "b.jpg", photo(2))
    write(store / "deep" / "c.jpg", photo(3))
    os.symlink("../store", crawl / "more")
    os.symlink(store, crawl / "zz again")
    os.symlink(store / "deep" / "c.jpg", crawl / "linked.jpg")
    result = ingest(crawl)
    assert found(result, crawl) == {"a.jpg", "more/b.jpg", "more/deep/c.jpg", "linked.jpg"}
    assert reasons(result, crawl) == {"zz again": "link_not_followed"}
    (row,) = result.quarantine
    assert row["outcome"] == "refused" and f"{crawl}/more" in row["error"]


def test_links_that_lead_in_a_circle_are_told(tmp_path: Path) -> None:
    crawl = tmp_path / "crawl"
    write(crawl / "x" / "a.jpg", photo(1))
    write(tmp_path / "out" / "b.jpg", photo(2))
    write(tmp_path / "beside.jpg", photo(3))
    os.symlink("..", crawl / "x" / "up")
    os.symlink("/", crawl / "everything")
    os.symlink("..", crawl / "parent")
    os.symlink(tmp_path / "out", crawl / "out")
    os.symlink(crawl, tmp_path / "out" / "back")
    os.symlink("loop", crawl / "loop")
    os.symlink("x", crawl / "same")
    result = ingest(crawl)
    assert found(result, crawl) == {"x/a.jpg", "out/b.jpg"}
    assert reasons(result, crawl) == {
        **dict.fromkeys(("x/up", "everything", "parent", "out/back", "same"), "link_not_followed"),
        "loop": "missing_file",
    }


def test_a_folder_link_beside_a_link_into_it(tmp_path: Path) -> None:
    crawl, store = tmp_path / "crawl", tmp_path / "store"
    write(crawl / "a.jpg", photo(1))
    write(store / "b.jpg", photo(2))
    write(store / "deep" / "c.jpg", photo(3))
    os.symlink(store / "deep", crawl / "1")
    os.symlink(store, crawl / "2")
    result = ingest(crawl)
    assert found(result, crawl) == {"a.jpg", "1/c.jpg", "2/b.jpg"}
    assert reasons(result, crawl) == {"2/deep": "link_not_followed"}


def test_a_crawl_that_is_a_link_itself(tmp_path: Path) -> None:
    write(tmp_path / "store" / "a.jpg", photo(1))
    os.symlink("store", tmp_path / "crawl")
    assert found(ingest(tmp_path / "crawl"), tmp_path / "crawl") == {"a.jpg"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_listed_is_told(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", photo(1))
    write(tmp_path / "closed" / "b.jpg", photo(2))
    (tmp_path / "closed").chmod(0)
    try:
        assert reasons(ingest(tmp_path), tmp_path) == {"closed": "missing_file"}
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_names_that_are_not_utf8_are_told_apart(tmp_path: Path) -> None:
    for name in ("caf\udce9.jpg", "caf\udce8.jpg"):
        write(tmp_path / name, photo(1))
        os.utime(tmp_path / name, ns=(10**18, 10**18))
    result = ingest(tmp_path)
    assert reasons(result, tmp_path) == {"caf\\xe9.jpg": "missing_file", "caf\\xe8.jpg": "missing_file"}
    assert all("not UTF-8" in row["error"] for row in result.quarantine)
    assert len({row["entry_id"] for row in result.entries}) == 2


def test_every_file_is_listed_once(tmp_path: Path) -> None:
    names = {"a.jpg", "b/c.jpg", "b/d/e.txt", "b/d/f"}
    for name in (*names, ".hidden/x.jpg", "b/.y.jpg"):
        write(tmp_path / name, b"x")
    assert {file.uri for file in list_files(str(tmp_path))} == {str(tmp_path / name) for name in names}


@pytest.mark.parametrize("where", ["local", "s3"])
def test_texts_beside_images_are_theirs(tmp_path: Path, where: str, request: pytest.FixtureRequest) -> None:
    for number in range(5):
        write(tmp_path / f"{number}.jpg", photo(number))
    write(tmp_path / "0.json", b'{"robots": "noai"}')
    write(
        tmp_path / "1.json", b'\xef\xbb\xbf{"license": "CC0", "source": ["a", "b"], "caption": [["first"], "second"]}'
    )
    write(tmp_path / "2.txt", b"a caption\n")
    write(tmp_path / "3.json", b'{"robots": "no')
    write(tmp_path / "4.jpg.json", b'{"alt_text": "\\ud800 surrogate", "url": "https://example.org"}')
    write(tmp_path / "5.left.jpg", photo(5))
    write(tmp_path / "5.meta.json", b'{"robots": "noai", "license": "not read"}')
    write(tmp_path / "notes.txt", b"of no image")
    uri = str(tmp_path)
    if where == "s3":
        uri = f"{request.getfixturevalue('s3')}/beside"
        upload(tmp_path, "beside")
    result = ingest(uri)
    assert result.reasons() == {
        "0.jpg": {"opt_out"},
        "3.jpg": {"bad_manifest_row"},
        "5.left.jpg": {"opt_out"},
        "notes.txt": {"unsupported_format"},
    }
    first = result.image("/1.jpg")
    assert (first["licence"], first["alt_text"]) == ("CC0", "first")
    assert {row["source"] for row in result.provenance} == {None, "a, b"}
    assert result.image("/2.jpg")["alt_text"] == "a caption"
    assert result.image("/4.jpg")["alt_text"].endswith("surrogate")


def shard(folder: Path, rows: list[dict[str, object]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), folder / "00000.parquet")
    return folder


def test_rows_and_files_of_a_shard_are_all_accounted_for(tmp_path: Path) -> None:
    for number, name in enumerate(("000.jpg", "001.jpg", "002.jpg", "002.left.jpg", "999.jpg", "998.jpg", "006.jpg")):
        write(tmp_path / "00000" / name, photo(number))
    write(tmp_path / "00000" / "999.json", b'{"license": "CC0"}')
    write(tmp_path / "00000" / "998.json", b'{"robots": "noai"}')
    write(tmp_path / "00000" / "000.json", b'{"robots": "noimageai", "license": "not this"}')
    write(tmp_path / "00000" / "777.json", b'{"robots": "noai"}')
    write(tmp_path / "00000" / "006.meta.json", b'{"robots": "noai"}')
    result = ingest(
        shard(
            tmp_path,
            [
                metadata("000"),
                {**metadata("001"), "status": None},
                metadata("002"),
                {**metadata("003"), "status": "failed_to_download"},
                {**metadata("004"), "status": "failed_to_resize"},
                {**metadata("005"), "status": None},
                {**metadata("006"), "status": "failed_to_resize"},
                {**metadata("007"), "key": None},
            ],
        )
    )
    folder = tmp_path / "00000"
    assert found(result, folder) == {"001.jpg", "002.jpg", "002.left.jpg", "999.jpg"}
    assert reasons(result, folder) == {
        "000.jpg": "opt_out",
        "998.jpg": "opt_out",
        "006.jpg": "opt_out",
        "005.jpg": "missing_file",
        f"{tmp_path}/00000.parquet#row=4": "not_downloaded",
        f"{tmp_path}/00000.parquet#row=5": "not_downloaded",
        "777.json": "not_an_image",
        f"{tmp_path}/00000.parquet#row=8": "missing_file",
    }
    captions = {row["uri"][-7:]: row["alt_text"] for row in result.provenance}
    assert captions["001.jpg"] == "caption of 001" and captions["999.jpg"] is None
    assert {row["licence"] for row in result.provenance} == {"CC0"}


def test_a_shard_that_cannot_be_read_reads_no_image_bare(tmp_path: Path) -> None:
    write(tmp_path / "00000.parquet", b"PAR1 torn")
    write(tmp_path / "00000" / "0.jpg", photo(1))
    write(tmp_path / "00000" / "1.jpg", photo(2))
    write(tmp_path / "00000" / "1.json", json.dumps({"license": "CC0"}).encode())
    result = ingest(tmp_path)
    assert found(result, tmp_path) == {"00000/1.jpg"}
    assert reasons(result, tmp_path) == {"00000.parquet": "unreadable_image", "00000/0.jpg": "unreadable_image"}
