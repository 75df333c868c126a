"""Crawls that grow: an inventory report gives the entries of a listing, and what was listed is not looked at again."""

import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.engine.errors import CrawlUnreadable
from jobs.engine.lake import Lake
from jobs.engine.listings import last_listed, unlisted
from jobs.stages.listing import ListingOptions, crawl_layout
from jobs.stages.small_listing import append_small_listing, small_listing
from scenes.crawl import write_crawl
from schemas.images import CRAWL
from tests.jobs.engine import NO_JAVA, events, spatiallake, table
from tests.object_store import BUCKET, s3_server, upload
from udfs.storage.clients import s3_client

FIELDS = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass"
MESSAGE = (
    "message s3.inventory {\n  required binary bucket (UTF8);\n  required binary key (UTF8);\n"
    "  optional binary version_id (UTF8);\n  optional boolean is_latest;\n  optional boolean is_delete_marker;\n"
    "  optional int64 size;\n  optional int64 last_modified_date (TIMESTAMP(MILLIS,true));\n"
    "  optional binary e_tag (UTF8);\n}"
)
BEGAN = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
REPORTS = f"reports/{BUCKET}/all"
NAMES = (
    "photos/a b+c.jpg",
    "photos/häuser/1.png",
    "photos/2.jpg",
    "photos/2.json",
    "photos/.hidden/3.jpg",
    "other/4.jpg",
)


@pytest.fixture
def store() -> Iterator[str]:
    with s3_server() as prefix:
        s3_client().create_bucket(Bucket="inventories")
        for name in NAMES:
            put(name)
        yield prefix


def put(name: str) -> None:
    body = b'{"robots": "noai"}' if name.endswith(".json") else name.encode()
    s3_client().put_object(Bucket=BUCKET, Key=name, Body=body)


def objects(changed: dict[str, datetime] | None = None) -> list[dict[str, Any]]:
    """Return the bucket's objects as rows of a report, and two that are no current objects."""
    found = s3_client().list_objects_v2(Bucket=BUCKET)["Contents"]
    rows = [
        {
            "bucket": BUCKET,
            "key": one["Key"],
            "version_id": "v1",
            "is_latest": True,
            "is_delete_marker": False,
            "size": one["Size"],
            "last_modified_date": (changed or {}).get(one["Key"], BEGAN - timedelta(days=30)),
            "e_tag": one["ETag"].strip('"'),
        }
        for one in found
    ]
    old = {**rows[-1], "key": "photos/old.jpg", "is_latest": False}
    gone = {**rows[-1], "key": "photos/gone.jpg", "is_delete_marker": True, "size": None, "e_tag": None}
    return [*rows, old, gone]


def write_report(rows: list[dict[str, Any]], form: str, began: datetime = BEGAN) -> str:
    """Write a report as S3 does, in two data files, and return the folder of its dated reports."""
    files = []
    for number, some in enumerate((rows[::2], rows[1::2])):
        key = f"{REPORTS}/data/{began:%d}-{number}.{'csv.gz' if form == 'CSV' else 'parquet'}"
        content = csv_of(some) if form == "CSV" else parquet_of(some)
        s3_client().put_object(Bucket="inventories", Key=key, Body=content)
        files.append({"key": key, "size": len(content), "MD5checksum": hashlib.md5(content).hexdigest()})
    manifest = {
        "sourceBucket": BUCKET,
        "destinationBucket": "arn:aws:s3:::inventories",
        "version": "2016-11-30",
        "creationTimestamp": str(int(began.timestamp() * 1000)),
        "fileFormat": form,
        "fileSchema": FIELDS if form == "CSV" else MESSAGE,
        "files": files,
    }
    key = f"{REPORTS}/{began:%Y-%m-%dT%H-%MZ}/manifest.json"
    s3_client().put_object(Bucket="inventories", Key=key, Body=json.dumps(manifest).encode())
    return f"s3://inventories/{REPORTS}"


def csv_of(rows: list[dict[str, Any]]) -> bytes:
    lines = []
    for row in rows:
        time = f"{row['last_modified_date']:%Y-%m-%dT%H:%M:%S}.000Z"
        flags = (str(row["is_latest"]).lower(), str(row["is_delete_marker"]).lower())
        size, tag = ("" if row[name] is None else row[name] for name in ("size", "e_tag"))
        cells = (row["bucket"], quote_plus(row["key"], safe="/"), "v1", *flags, size, time, tag, "STANDARD")
        lines.append(",".join(f'"{cell}"' for cell in cells) + "\n")
    return gzip.compress("".join(lines).encode())


def parquet_of(rows: list[dict[str, Any]]) -> bytes:
    times = pa.timestamp("ms", "UTC")
    schema = pa.Table.from_pylist(rows).schema
    schema = schema.set(schema.get_field_index("last_modified_date"), pa.field("last_modified_date", times))
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), out)
    return out.getvalue()


def entries(lake: Lake, crawl: str, inventory: str | None = None) -> dict[str, str | None]:
    """List a crawl without Spark, and return what table `crawl` then has: the row of each URI."""
    layout = crawl_layout(crawl, ListingOptions(inventory=inventory))
    found = small_listing(lake, layout, 1_000)
    assert found is not None
    append_small_listing(lake, found, 256)
    return {row["uri"]: row["row_json"] for row in lake.dataset(CRAWL).to_table().to_pylist()}


def lake_in(folder: Path) -> Lake:
    def never() -> Any:
        raise AssertionError("Spark is not needed.")

    return Lake(never, str(folder), str(folder / "_checkpoints"))


@pytest.mark.parametrize("form", ["CSV", "Parquet"])
def test_a_report_gives_the_entries_of_a_listing(store: str, tmp_path: Path, form: str) -> None:
    reports = write_report(objects(), form)
    listed = entries(lake_in(tmp_path / "listed"), f"{store}/photos")
    assert len(listed) == 3 and f"{store}/photos/a b+c.jpg" in listed
    assert "2.json" in (listed[f"{store}/photos/2.jpg"] or "")
    lake = lake_in(tmp_path / "reported")
    assert entries(lake, f"{store}/photos", reports) == listed
    ids = [set(table(tmp_path / name, "crawl")["entry_id"].to_pylist()) for name in ("listed", "reported")]
    assert ids[0] == ids[1]
    # The whole bucket, by the manifest itself.
    manifest = f"{reports}/2026-11-20T01-00Z/manifest.json"
    assert set(entries(lake_in(tmp_path / "all"), store, manifest)) == {*listed, f"{store}/other/4.jpg"}


def test_a_later_report_is_looked_at_for_what_changed(store: str, tmp_path: Path) -> None:
    crawl, lake = f"{store}/photos", lake_in(tmp_path / "lake")
    inventory = write_report(objects(), "CSV")
    assert len(entries(lake, crawl, inventory)) == 3
    later = BEGAN + timedelta(days=1)
    for name in ("photos/5.jpg", "photos/6.jpg", "photos/6.json", "photos/2.jpg"):
        put(name)
    # A text that changed brings its image along; what was written shortly before the first report may lack in it.
    changed: dict[str, datetime] = dict.fromkeys(("photos/5.jpg", "photos/6.json", "photos/2.json"), later)
    changed["photos/6.jpg"] = BEGAN - timedelta(hours=30)
    write_report(objects(changed), "CSV", later)
    fresh = unlisted(lake, crawl_layout(crawl, ListingOptions(inventory=inventory)))
    names = sorted(file.uri.removeprefix(f"{crawl}/") for file in fresh.loose)
    assert names == ["2.jpg", "2.json", "5.jpg", "6.jpg", "6.json"]
    found = entries(lake, crawl, inventory)
    assert len(found) == 5 and "6.json" in (found[f"{crawl}/6.jpg"] or "")
    assert len(table(tmp_path / "lake", "crawl")) == 5
    version = lake.version(CRAWL)
    assert entries(lake, crawl, inventory) == found and lake.version(CRAWL) == version


def test_what_is_no_report_of_the_crawl_is_one_sentence(store: str, tmp_path: Path) -> None:
    def told(crawl: str, inventory: str) -> str:
        with pytest.raises(CrawlUnreadable) as error:
            crawl_layout(crawl, ListingOptions(inventory=inventory))
        return str(error.value)

    inventory = write_report(objects(), "ORC")
    assert "format ORC, which is not read" in told(store, inventory)
    write_report(objects(), "CSV")
    assert f"lists the bucket {BUCKET}, in which the crawl s3://elsewhere/x is not" in told(
        "s3://elsewhere/x", inventory
    )
    assert "lists no object below" in told(f"{store}/nothing", inventory)
    assert "holds no report" in told(store, f"{inventory}/data")
    s3_client().put_object(Bucket="inventories", Key="x/manifest.json", Body=b'{"image": "a.jpg"}')
    assert "is no manifest of an S3 inventory" in told(store, "s3://inventories/x/manifest.json")
    manifest = json.loads(read(f"{REPORTS}/2026-11-20T01-00Z/manifest.json"))
    manifest["fileSchema"] = "Bucket, Key"
    s3_client().put_object(Bucket="inventories", Key="x/manifest.json", Body=json.dumps(manifest).encode())
    assert "has no Size and no ETag" in told(store, "s3://inventories/x/manifest.json")
    manifest = {**manifest, "fileSchema": FIELDS, "files": [{"key": "x/lost.csv.gz"}]}
    s3_client().put_object(Bucket="inventories", Key="x/manifest.json", Body=json.dumps(manifest).encode())
    assert "x/lost.csv.gz" in told(store, "s3://inventories/x/manifest.json")


@pytest.mark.parametrize("on_store", [True, False])
def test_names_that_rise_are_listed_from_the_last_one_on(store: str, tmp_path: Path, on_store: bool) -> None:
    lake, folder = lake_in(tmp_path / "lake"), tmp_path / "rising"
    crawl = f"{store}/rising" if on_store else str(folder)

    def add(*names: str) -> None:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(name.encode())
            put(f"rising/{name}")

    def listed() -> list[str]:
        layout = crawl_layout(crawl, ListingOptions(after=last_listed(lake.uri, crawl)))
        found = small_listing(lake, layout, 1_000)
        assert found is not None
        append_small_listing(lake, found, 256)
        return sorted(file.uri.removeprefix(f"{crawl}/") for file in layout.loose)

    add("01/b.jpg", "01/b.json")
    assert listed() == ["01/b.jpg", "01/b.json"]
    assert listed() == []
    # What comes before the last name is what nobody looks at any more.
    add("01/a.jpg", "01/ba.jpg", "01/é.jpg", "02/a.jpg")
    assert listed() == ["01/ba.jpg", "01/é.jpg", "02/a.jpg"]
    assert listed() == [] and len(table(tmp_path / "lake", "crawl")) == 4


def read(key: str) -> bytes:
    return s3_client().get_object(Bucket="inventories", Key=key)["Body"].read()


def test_a_copy_of_the_reports_on_this_machine_is_read(store: str, tmp_path: Path) -> None:
    write_report(objects(), "CSV")
    for one in s3_client().list_objects_v2(Bucket="inventories")["Contents"]:
        place = tmp_path / "copy" / one["Key"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(read(one["Key"]))
        s3_client().delete_object(Bucket="inventories", Key=one["Key"])
    assert len(entries(lake_in(tmp_path / "lake"), f"{store}/photos", str(tmp_path / "copy" / REPORTS))) == 3


def test_the_command_ingests_what_the_inventory_lists(store: str, tmp_path: Path) -> None:
    write_crawl(str(tmp_path / "rooms"), count=3, seed=5, width=160, height=120)
    upload(tmp_path / "rooms" / "images", "rooms")
    listed = write_report([row for row in objects() if row["key"].startswith("rooms/")][:2], "CSV")
    command = ("ingest", "--crawl", f"{store}/rooms", "--lake", str(tmp_path / "lake"), "--set", f"inventory={listed}")
    done = spatiallake(*command, environment=NO_JAVA)
    assert [(one["rows_in"], one["rows_out"]) for one in events(done) if one["event"] == "stage_finished"] == [(2, 2)]
