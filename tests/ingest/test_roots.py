"""A crawl's rows name files of the crawl, and no others unless a setting allows them."""

import json
import os
import re
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.ingest.conftest import ingest
from tests.ingest.crawls import add, metadata, sensor_row, write, write_manifest
from tests.ingest.pictures import depth_png, instance_png, photo
from tests.object_store import upload
from udfs.crawl.limits import IngestSettings

SECRET = b"root:*:20228:0:99999:7:::"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A crawl beside a folder of other files."""
    write(tmp_path / "crawl" / "images" / "own.jpg", photo(1))
    write(tmp_path / "other" / "private.jpg", photo(2))
    write(tmp_path / "other" / "depth.png", depth_png())
    write(tmp_path / "other" / "instances.png", instance_png())
    write(tmp_path / "other" / "shadow", SECRET)
    write(tmp_path / "crawl-2" / "private.jpg", photo(3))
    return tmp_path


def ways_out(place: Path) -> list[str]:
    """URIs of a manifest that lead to files beside the crawl."""
    crawl, other = place / "crawl", place / "other"
    os.symlink(other, crawl / "linked")
    os.symlink(other / "private.jpg", crawl / "images" / "link.jpg")
    os.symlink("link.jpg", crawl / "images" / "link of link.jpg")
    return [
        str(other / "private.jpg"),
        f"file://{other}/private.jpg",
        f"file://localhost{other}/private.jpg",
        f"file:{other}/private%2Ejpg",
        "../other/private.jpg",
        "images/../../other/private.jpg",
        "./images/./../../crawl-2/private.jpg",
        f"{crawl}/../other/private.jpg",
        f"{crawl}-2/private.jpg",
        "linked/private.jpg",
        "images/link.jpg",
        "images/link of link.jpg",
        f"/proc/self/root{other}/private.jpg",
        "../other/shadow",
        "../other/none.jpg",
        "/etc/passwd",
        "/proc/self/environ",
        "s3://bucket/private.jpg",
        "s3a://bucket/private.jpg",
    ]


def test_rows_that_lead_out_of_the_crawl_are_refused_unread(place: Path) -> None:
    ways = ways_out(place)
    write_manifest(place / "crawl", [{"image": uri} for uri in (*ways, "images/own.jpg", "linked/../images/own.jpg")])
    result = ingest(place / "crawl")
    assert {(row["outcome"], row["reason"]) for row in result.quarantine} == {("refused", "outside_roots")}
    assert len(result.quarantine) == len(ways)
    assert [row["uri"] for row in result.provenance] == [str(place / "crawl" / "images" / "own.jpg")] * 2
    for row in result.quarantine:
        assert "lies outside of the crawl at" in row["error"]
        assert "root:" not in row["error"]


def test_the_setting_in_the_sentence_lets_the_file_in(place: Path) -> None:
    write_manifest(place / "crawl", [{"image": "../other/private.jpg"}, {"image": "../crawl-2/private.jpg"}])
    first = ingest(place / "crawl").quarantine[0]["error"]
    (setting,) = re.findall(r"--set 'ingest\.allowed_roots=(.*)'\.", first)
    result = ingest(place / "crawl", IngestSettings(allowed_roots=tuple(yaml.safe_load(setting))))
    assert [row["uri"] for row in result.provenance] == [str(place / "other" / "private.jpg")]
    assert len(result.quarantine) == 1
    everything = ingest(place / "crawl", IngestSettings(allowed_roots=("/",)))
    assert len(everything.provenance) == 2


def test_maps_outside_are_left_out_and_the_image_is_kept(place: Path) -> None:
    rows = [
        sensor_row("x", image="images/own.jpg", depth="../other/depth.png", instances="../other/instances.png"),
        {"image": "images/own.jpg", "depth": "/etc/passwd"},
    ]
    write_manifest(place / "crawl", rows)
    result = ingest(place / "crawl")
    assert [(row["depth"], row["instances"]) for row in result.images] == [(None, None)] * 2
    assert [row["reason"] for row in result.quarantine] == ["outside_roots"] * 2
    inside = ingest(place / "crawl", IngestSettings(allowed_roots=(str(place / "other"),)))
    assert [bool(row["depth"]) for row in inside.images] == [True, False]


def test_members_of_a_tar_name_no_maps_elsewhere(place: Path) -> None:
    folder = place / "tars"
    folder.mkdir()
    with tarfile.open(folder / "00000.tar", "w") as tar:
        add(tar, "000000000.jpg", photo(5))
        add(tar, "000000000.json", json.dumps({**metadata("000000000"), "depth": "../other/depth.png"}).encode())
    result = ingest(folder)
    assert [row["depth"] for row in result.images] == [None]
    assert [row["reason"] for row in result.quarantine] == ["outside_roots"]


def test_keys_of_a_shard_stay_in_its_folder(place: Path) -> None:
    folder = place / "files"
    write(folder / "00000" / "000000000.jpg", photo(6))
    rows = [metadata("000000000"), metadata("../../other/private")]
    pq.write_table(pa.Table.from_pylist(rows), folder / "00000.parquet")
    result = ingest(folder)
    assert len(result.images) == 1
    assert [row["reason"] for row in result.quarantine] == ["outside_roots"]


def test_links_in_a_plain_folder_are_those_of_its_owner(place: Path) -> None:
    os.symlink(place / "other" / "private.jpg", place / "crawl" / "images" / "link.jpg")
    assert len(ingest(place / "crawl").images) == 2


def test_other_buckets_and_local_files_are_outside_of_a_crawl_in_a_bucket(tmp_path: Path, s3: str) -> None:
    write(tmp_path / "up" / "crawl" / "own.jpg", photo(1))
    write(tmp_path / "up" / "other" / "private.jpg", photo(2))
    write(tmp_path / "up" / "crawl2" / "private.jpg", photo(3))
    local = write(tmp_path / "local.jpg", photo(4))
    ways = [
        f"{s3}/all/other/private.jpg",
        f"{s3}/all/crawl2/private.jpg",
        f"{s3}/all/crawl/../other/private.jpg",
        "s3://elsewhere/private.jpg",
        "../other/private.jpg",
        "/other/private.jpg",
        f"file://{local}",
    ]
    write_manifest(tmp_path / "up" / "crawl", [{"image": uri} for uri in (*ways, "own.jpg", f"{s3}/all/crawl/own.jpg")])
    upload(tmp_path / "up", "all")
    result = ingest(f"{s3}/all/crawl")
    assert [row["uri"] for row in result.provenance] == [f"{s3}/all/crawl/own.jpg"] * 2
    assert [row["reason"] for row in result.quarantine] == ["outside_roots"] * len(ways)


def test_roots_are_absolute_and_of_a_served_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert IngestSettings(allowed_roots=("pictures",)).allowed_roots == (str(tmp_path / "pictures"),)
    with pytest.raises(ValueError, match="has the scheme gs://, which is not served"):
        IngestSettings(allowed_roots=("gs://bucket",))


def test_bytes_of_another_kind_of_file_are_named_and_not_quoted(tmp_path: Path) -> None:
    contents = {
        "shadow": (SECRET, "text"),
        "environ": (b"AWS_SECRET=1\0HOME=/", "bytes of an unknown format"),
        "page": (b"\n <!DOCTYPE html><p>", "a web page"),
        "feed": (b'{"a": 1}', "JSON"),
        "pack": (b"PK\x03\x04secret", "an archive"),
    }
    for name, (data, _) in contents.items():
        write(tmp_path / f"{name}.jpg", data)
    said = {Path(row["uri"]).stem: row["error"] for row in ingest(tmp_path).quarantine}
    for name, (data, kind) in contents.items():
        assert f"The file holds {kind}, which is no image" in said[name]
        assert data[:6].decode("latin-1").strip() not in said[name] or name == "feed"
