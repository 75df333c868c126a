"""S3 inventory reports: the objects of a bucket as files that S3 writes once a day or week, in place of a listing.

A report is a `manifest.json` in a dated folder beside the data files that it names. Those are CSV without a header,
compressed with gzip, or parquet.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from udfs.storage.compressed import open_unzipped
from udfs.storage.files import MissingFile, file_status, is_listed_key, names_in, open_binary, read_bytes
from udfs.storage.folders import FileStatus
from udfs.storage.locations import bucket_key, is_s3, normalized, parent

_MANIFEST = "manifest.json"
_DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\dZ")
_MAX_MANIFEST_BYTES = 16 * 2**20
_ARN = "arn:aws:s3:::"
# Columns by the names of a CSV report and, in parquet, of its fields.
_FIELDS = {
    "Bucket": "bucket", "Key": "key", "Size": "size", "ETag": "e_tag", "LastModifiedDate": "last_modified_date",
    "IsLatest": "is_latest", "IsDeleteMarker": "is_delete_marker",
}  # fmt: skip
_REQUIRED = ("Bucket", "Key", "Size", "ETag")


class NotAnInventory(ValueError):
    """Files that are no inventory of the crawl, or one that lacks columns; the message states the remedy."""


@dataclass(frozen=True)
class DatedFile(FileStatus):
    """An object of a report, with the time of its last change."""

    modified_at: datetime | None = None


@dataclass(frozen=True)
class Report:
    """One inventory report: its manifest, the bucket that it lists, when S3 began it, and its data files."""

    uri: str
    bucket: str
    began_at: datetime
    form: str
    columns: tuple[str, ...]
    data: tuple[str, ...]

    def files(self, crawl_uri: str) -> Iterator[DatedFile]:
        """Yield the current objects below a crawl's prefix, in no particular order, as a listing would.

        Raises:
            NotAnInventory: the crawl lies in another bucket, or a data file cannot be read.
        """
        bucket, prefix = bucket_key(crawl_uri)
        if not is_s3(crawl_uri) or bucket != self.bucket:
            raise NotAnInventory(f"{self.uri} lists the bucket {self.bucket}, in which the crawl {crawl_uri} is not.")
        start = f"{prefix}/" if prefix else ""
        for uri in self.data:
            try:
                yield from (_file(row) for row in self._rows(uri) if _is_meant(row, bucket, start))
            except (MissingFile, OSError, EOFError, pa.ArrowException) as error:
                raise NotAnInventory(f"{uri} of the report {self.uri} cannot be read ({error}).") from error

    def _rows(self, uri: str) -> Iterator[dict[str, Any]]:
        named = [name for name in _FIELDS if name in self.columns]
        if self.form != "CSV":
            yield from (row for batch in _parquet_batches(uri, named) for row in batch.to_pylist())
            return
        for batch in _csv_batches(uri, self.columns, named):
            # A key in CSV is encoded as in a URL.
            yield from ({**row, "Key": unquote_plus(row["Key"])} for row in batch.to_pylist())


def report_of(inventory_uri: str) -> Report:
    """Return a report: that of a `manifest.json`, or the newest one in a folder of dated reports.

    Raises:
        NotAnInventory: there is none, or it is of a kind that is not read.
    """
    uri = normalized(inventory_uri)
    manifest = uri if uri.endswith(f"/{_MANIFEST}") else _newest(uri)
    try:
        said = json.loads(read_bytes(manifest, _MAX_MANIFEST_BYTES))
        form, data = str(said["fileFormat"]).upper(), [str(one["key"]) for one in said["files"]]
        began_at = datetime.fromtimestamp(int(said["creationTimestamp"]) / 1000, UTC)
        bucket, schema = str(said["sourceBucket"]).removeprefix(_ARN), str(said["fileSchema"])
        destination = str(said["destinationBucket"]).removeprefix(_ARN)
    except (MissingFile, ValueError, KeyError, TypeError) as error:
        raise NotAnInventory(
            f"{manifest} is no manifest of an S3 inventory ({type(error).__name__}: {error}); name the manifest.json "
            "that S3 wrote, or the folder of its dated reports."
        ) from error
    if form not in ("CSV", "PARQUET"):
        raise NotAnInventory(
            f"{manifest} has the format {form}, which is not read; set the inventory to CSV or Parquet."
        )
    columns = _columns(form, schema)
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        raise NotAnInventory(f"{manifest} has no {' and no '.join(missing)}; add that to the fields of the inventory.")
    places = tuple(_data_uri(manifest, destination, key) for key in data)
    return Report(manifest, bucket, began_at, form, columns, places)


def _newest(folder: str) -> str:
    """Return the newest manifest in a folder: S3 makes a dated folder for each report, whose manifest comes last."""
    for dated in reversed([name for name in names_in(folder, "2") if _DATED.fullmatch(name)]):
        if file_status(f"{folder}/{dated}/{_MANIFEST}"):
            return f"{folder}/{dated}/{_MANIFEST}"
    raise NotAnInventory(
        f"{folder} holds no report of an S3 inventory; name the folder that holds its dated folders, such as "
        f"{folder}/2026-11-30T01-00Z."
    )


def _columns(form: str, schema: str) -> tuple[str, ...]:
    """Return the columns of a report by their names in CSV, in order."""
    if form == "CSV":
        return tuple(name.strip() for name in schema.split(","))
    fields = set(re.findall(r"\w+", schema))
    return tuple(name for name, field in _FIELDS.items() if field in fields)


def _data_uri(manifest: str, destination: str, key: str) -> str:
    """Return where a data file lies: where S3 wrote it, or in a copy of the reports with the same folders."""
    if is_s3(manifest) and bucket_key(manifest)[0] == destination:
        return f"s3://{destination}/{key}"
    beside = f"{parent(parent(manifest))}/data/{key.rpartition('/')[2]}"
    return beside if file_status(beside) else f"s3://{destination}/{key}"


def _csv_batches(uri: str, columns: tuple[str, ...], named: list[str]) -> Iterator[pa.RecordBatch]:
    convert = csv.ConvertOptions(include_columns=named, column_types=dict.fromkeys(columns, pa.string()))
    with open_unzipped(uri) as stream:
        # Without a row, Arrow has nothing to open.
        if stream.read(1):
            stream.seek(0)
            yield from csv.open_csv(stream, csv.ReadOptions(column_names=list(columns)), convert_options=convert)


def _parquet_batches(uri: str, named: list[str]) -> Iterator[pa.RecordBatch]:
    fields = [_FIELDS[name] for name in named]
    with open_binary(uri) as stream:
        for batch in pq.ParquetFile(stream).iter_batches(columns=fields):
            yield batch.select(fields).rename_columns(named)


def _is_meant(row: dict[str, Any], bucket: str, start: str) -> bool:
    """Return whether a row is of a current object below a prefix."""
    if row["Bucket"] != bucket or _is(row.get("IsDeleteMarker")) or not _is(row.get("IsLatest", True)):
        return False
    return row["Key"].startswith(start) and is_listed_key(row["Key"], start)


def _is(value: Any) -> bool:
    return value.lower() == "true" if isinstance(value, str) else bool(value)


def _file(row: dict[str, Any]) -> DatedFile:
    return DatedFile(
        uri=f"s3://{row['Bucket']}/{row['Key']}",
        size=int(row["Size"] or 0),
        version=str(row["ETag"]).strip('"'),
        modified_at=_time(row.get("LastModifiedDate")),
    )


def _time(value: Any) -> datetime | None:
    """Return a time of a report: text in CSV, a time in parquet, nothing where the report does not say."""
    if not value:
        return None
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def changed_since(files: Iterable[FileStatus], since: datetime) -> set[str]:
    """Return the URIs of the files that changed since a time, or that do not say when they changed."""
    dated = ((file.uri, getattr(file, "modified_at", None)) for file in files)
    return {uri for uri, modified_at in dated if modified_at is None or modified_at >= since}
