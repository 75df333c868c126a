"""Whole crawls of every kind, from local folders and from an S3 server."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StringType, StructField

from jobs.engine.arrow import output_type
from schemas.images import IMAGES
from tests.ingest.conftest import ingest
from tests.ingest.crawls import img2dataset_files, img2dataset_tars, sensor_row, write, write_manifest
from tests.ingest.pictures import POSE, depth_png, instance_png, photo
from tests.object_store import upload
from udfs.crawl.limits import IngestSettings
from udfs.stages.ingest import ingest_batches, record_batch


@pytest.mark.parametrize("where", ["local", "s3"])
def test_tars(tmp_path: Path, where: str, request: pytest.FixtureRequest) -> None:
    uri = str(img2dataset_tars(tmp_path))
    if where == "s3":
        bucket = request.getfixturevalue("s3")
        upload(tmp_path, "tars")
        uri = f"{bucket}/tars"
    result = ingest(uri)
    assert {row["kind"] for row in result.entries} == {"img2dataset_tar"}
    assert (len(result.entries), len(result.images), result.quarantine) == (10, 10, [])
    image = result.image("00001.tar#000010003.jpg")
    assert (image["bytes"], image["alt_text"], image["licence"]) == (photo(103), "caption of 000010003", "CC0")
    assert {row["image_url"] for row in result.provenance} == {
        f"https://example.org/{shard:05}{sample:04}.jpg" for shard in range(2) for sample in range(5)
    }


@pytest.mark.parametrize("where", ["local", "s3"])
def test_img2dataset_files(tmp_path: Path, where: str, request: pytest.FixtureRequest) -> None:
    uri = str(img2dataset_files(tmp_path))
    if where == "s3":
        bucket = request.getfixturevalue("s3")
        upload(tmp_path, "files")
        uri = f"{bucket}/files"
    result = ingest(uri)
    assert (len(result.entries), len(result.images)) == (5, 4)
    assert result.reasons() == {"00000.parquet#row=5": {"not_downloaded"}}
    assert result.image("000000002.jpg")["alt_text"] == "caption of 000000002"


def test_a_torn_tar_and_a_lost_file_are_quarantined(tmp_path: Path) -> None:
    img2dataset_tars(tmp_path)
    tar = (tmp_path / "00001.tar").read_bytes()
    write(tmp_path / "00001.tar", tar[: len(tar) // 2])
    write(tmp_path / "00002.tar", b"no tar at all" * 100)
    result = ingest(tmp_path)
    # The member at the cut may have had an opt-out after it, so it is not read without its metadata.
    torn = max(row["member"] for row in result.entries if row["uri"].endswith("00001.tar") and row["member"])
    assert result.reasons() == {
        f"00001.tar#{torn}": {"unreadable_image"},
        "00001.tar": {"unreadable_image"},
        "00002.tar": {"unreadable_image"},
    }
    assert len(result.images) == len(result.entries) - 3 >= 6


@pytest.mark.parametrize("where", ["local", "s3"])
def test_folder_of_images(tmp_path: Path, where: str, request: pytest.FixtureRequest) -> None:
    folder = tmp_path / "my photos"
    names = {"a b.jpg": "JPEG", "ünï/日本 #1%20?.png": "PNG", "x/y/c.webp": "WEBP"}
    for number, (name, kind) in enumerate(names.items()):
        write(folder / name, photo(number, kind))
    write(folder / "anim.jpg", photo(9, "GIF"))
    write(folder / "notes.txt", b"no image")
    write(folder / "empty.jpg", b"")
    uri = str(folder)
    if where == "s3":
        bucket = request.getfixturevalue("s3")
        upload(folder, "my photos")
        write(tmp_path / "my photos, too" / "other.jpg", photo(50))
        upload(tmp_path / "my photos, too", "my photos, too")
        uri = f"{bucket}/my photos/"
    result = ingest(uri)
    assert {row["uri"].removeprefix(uri.rstrip("/") + "/") for row in result.provenance} == set(names)
    assert {row["format"] for row in result.images} == {"jpeg", "png", "webp"}
    assert result.reasons() == {
        "anim.jpg": {"unsupported_format"},
        "notes.txt": {"unsupported_format"},
        "empty.jpg": {"truncated_image"},
    }
    uris = [row["uri"] for row in result.entries]
    assert uris == sorted(uris)


def test_hostile_files_in_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "good.jpg", photo(1))
    os.symlink(tmp_path / "gone.jpg", tmp_path / "link.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    write(tmp_path / "latin\udce9.jpg", photo(2))
    result = ingest(tmp_path)
    assert len(result.images) == 1
    assert Counter(row["reason"] for row in result.quarantine) == {"missing_file": 3}


def test_invalid_manifest_rows_are_rejected(tmp_path: Path) -> None:
    write(tmp_path / "photos" / "a.jpg", photo(1))
    write(tmp_path / "photos" / "b.jpg", photo(2))
    write(tmp_path / "maps" / "instances.png", instance_png((1, 2, 3)))
    rows: list[dict[str, Any] | str] = [
        sensor_row("a.jpg", depth="maps/none.png", camera={"fx": 1}, gravity=[0, 2, 0]),
        '{"image": "photos/a.jpg", ',
        "",
        sensor_row("b.jpg", robots="googlebot: noai"),
        {"image": "https://example.org/a.jpg"},
        {"image": "photos/\0.jpg"},
    ]
    result = ingest(write_manifest(tmp_path, rows))
    assert result.reasons() == {
        "a.jpg": {"depth_missing", "bad_intrinsics", "bad_gravity", "mask_without_object", "missing_file"},
        "manifest.jsonl#row=2": {"bad_manifest_row"},
        "b.jpg": {"opt_out"},
        "\0.jpg": {"missing_file"},
    }
    (image,) = result.images
    assert (image["camera"], image["gravity"], image["depth"]) == (None, None, None)
    assert image["instances"] is not None and len(image["objects"]) == 2
    keys = [(row["entry_id"], row["reason"]) for row in result.quarantine]
    assert len(keys) == len(set(keys)) == 8
    assert {row["outcome"] for row in result.quarantine if row["reason"] == "opt_out"} == {"refused"}


def test_an_opted_out_image_is_not_read(tmp_path: Path) -> None:
    rows: list[dict[str, Any] | str] = [{"image": "not there.jpg", "robots": "tdm-reservation: 1"}]
    assert ingest(write_manifest(tmp_path, rows)).reasons() == {"not there.jpg": {"opt_out"}}
    allowed = ingest(tmp_path, limits=IngestSettings(refused_robots=("noai",)))
    assert allowed.reasons() == {"not there.jpg": {"missing_file"}}


def test_files_over_the_limit_are_refused(tmp_path: Path, s3: str) -> None:
    write(tmp_path / "large.jpg", photo(1) + bytes(4096))
    write(tmp_path / "small.jpg", photo(2))
    upload(tmp_path, "limits")
    limits = IngestSettings(max_file_bytes=4096)
    for uri in (tmp_path, f"{s3}/limits"):
        result = ingest(uri, limits=limits)
        assert (result.reasons(), len(result.images)) == ({"large.jpg": {"file_too_large"}}, 1)


@pytest.mark.parametrize(("name", "rows"), [("manifest", 20), ("filter", 36), ("sequences", 130)])
def test_real_crawls_are_sound(real_images: Path, name: str, rows: int) -> None:
    result = ingest(real_images / f"{name}.jsonl")
    assert (len(result.entries), len(result.images), result.quarantine) == (rows, rows, [])
    lines = [json.loads(line) for line in (real_images / f"{name}.jsonl").read_text().splitlines()]
    by_id = {row["image_id"]: row for row in result.images}
    for provenance in result.provenance:
        (line,) = [line for line in lines if provenance["uri"].endswith("/" + line["image"])]
        image = by_id[provenance["image_id"]]
        with Image.open(real_images / line["image"]) as stored:
            assert (image["width"], image["height"]) == stored.size
        assert (image["depth"] is None) == ("depth" not in line)
        assert [one["id"] for one in image["objects"] or []] == [one["id"] for one in line.get("objects", [])]
        episode = json.loads(image["episode_json"] or "{}")
        assert (episode.get("action"), episode.get("instruction")) == (line.get("action"), line.get("instruction"))


def test_a_changed_file_is_a_new_entry_and_the_rest_are_not(tmp_path: Path) -> None:
    def entry_ids() -> set[str]:
        return {row["entry_id"] for row in ingest(tmp_path).entries}

    for number in range(3):
        write(tmp_path / f"{number}.jpg", photo(number))
    before = entry_ids()
    assert entry_ids() == before
    write(tmp_path / "1.jpg", photo(7) + b"\0")
    assert len(entry_ids() & before) == 2


def test_large_batches_are_cut(tmp_path: Path) -> None:
    for number in range(130):
        write(tmp_path / f"{number:03}.jpg", photo(number))
    entries = pa.RecordBatch.from_pylist([{**row, "ingest_shard": 0} for row in ingest(tmp_path).entries])
    schema = to_arrow_schema(output_type(IMAGES, (StructField("entry_id", StringType()),)))
    sizes = [batch.num_rows for batch in ingest_batches(iter([entries]), schema, IngestSettings())]
    assert (sum(sizes), max(sizes)) == (130, 64)


def test_a_value_that_no_column_holds_is_rejected_alone() -> None:
    schema = to_arrow_schema(output_type(IMAGES, (StructField("entry_id", StringType()),)))
    keys = {"uri": "a", "ingest_shard": 0, "engine_version": "1"}
    good, bad = {**keys, "entry_id": "good", "width": 3}, {**keys, "entry_id": "bad", "width": 2**40}
    rows = record_batch([{**good, "rejects": []}, {**bad, "rejects": []}], schema).to_pylist()
    assert (rows[0]["width"], rows[0]["rejects"]) == (3, [])
    assert (rows[1]["width"], rows[1]["rejects"][0]["reason"]) == (None, "unexpected_error")


def test_a_parquet_manifest(tmp_path: Path) -> None:
    for number in range(6):
        write(tmp_path / "photos" / f"{number}.jpg", photo(number))
    write(tmp_path / "maps" / "depth.png", depth_png())
    write(tmp_path / "maps" / "instances.png", instance_png())
    rows = [sensor_row(f"{number}.jpg", frame_index=number) for number in range(6)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "manifest.parquet", row_group_size=4)
    result = ingest(tmp_path)
    assert ([row["position"] for row in result.entries], result.quarantine) == (list(range(6)), [])
    for number in range(6):
        image = result.image(f"/{number}.jpg")
        assert (image["bytes"], image["frame_index"]) == (photo(number), number)
        assert (image["pose"], len(image["objects"])) == ([value for row in POSE for value in row], 2)
