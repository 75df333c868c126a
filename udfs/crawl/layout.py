"""Detects the layout of a crawl and splits it into pieces that executors list in parallel."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

import pyarrow as pa
import pyarrow.parquet as pq

from udfs.crawl.entries import FILES, FOLDER, MANIFEST, MANIFEST_SUFFIXES, PARQUET, TAR
from udfs.crawl.inventory import DatedFile, NotAnInventory, Report, report_of
from udfs.crawl.manifests import IMAGE_FIELDS, NotAManifest, check_manifest, image_field, is_table
from udfs.crawl.names import IMAGE_SUFFIXES, sample_key, stem_and_suffix
from udfs.crawl.parquets import ParquetUnclear, image_column, parquet_file
from udfs.crawl.pieces import SAMPLES_STRIDE, Piece, file_pieces, row_group_pieces, text_pieces
from udfs.crawl.tars import TAR_SUFFIXES
from udfs.storage.files import FileStatus, MissingFile, file_status, list_files, names_in, open_binary
from udfs.storage.locations import is_s3, normalized, parent

# Where several kinds of manifest lie in a folder, these are meant.
_USUAL_SUFFIXES = (".jsonl", ".parquet")
_MANIFEST = "manifest"
_UNREAD_SUFFIXES = frozenset(
    ("7z", "arrow", "bz2", "lmdb", "mdb", "rar", "recordio", "tfrecord", "tfrecords", "tbz2", "txz", "xz", "zip", "zst")
)
_CHECKED_FILES = 20


class LayoutUnclear(Exception):
    """A crawl that can be read in several ways, or of a kind that is not read."""


@dataclass(frozen=True)
class Layout:
    """The detected layout: kind of crawl, pieces to list, and single image files.

    `report_began_at` is when S3 began the inventory report that lists the crawl, if one does.
    """

    kind: str
    crawl_uri: str
    pieces: list[Piece] = field(default_factory=list)
    loose: list[FileStatus] = field(default_factory=list)
    report_began_at: datetime | None = None


def layout_of(crawl_uri: str, chunk_bytes: int, inventory: str | None = None, after: str | None = None) -> Layout:
    """Detect the layout of the crawl at `crawl_uri`, listed by itself or by an S3 inventory.

    With `after`, a folder or prefix is listed from this file on, without it and what belongs to it.

    Raises:
        MissingFile: the URI does not exist or is empty.
        LayoutUnclear: there are two manifests, one of a kind that is not read, or no inventory of the crawl.
        UnservedLocation: the scheme is not served.
        pyarrow.ArrowInvalid: the parquet manifest is not a parquet file.
    """
    uri = normalized(crawl_uri)
    try:
        if inventory:
            return _inventory_layout(uri, report_of(inventory))
        status = file_status(uri)
        if status is not None:
            return _file_layout(status, chunk_bytes)
        manifest = _manifest_of(uri)
        if manifest:
            return _manifest_layout(uri, manifest, chunk_bytes)
        files = sorted(list_files(uri, after), key=lambda file: file.uri)
        if after:
            # Its texts may come after an image.
            files = [file for file in files if sample_key(file.uri) != sample_key(after)]
            return _folder_layout(uri, files)
        if not files:
            found = (
                "contains no files" if is_s3(uri) or os.path.isdir(uri) else "does not exist, so it contains no files"
            )
            raise MissingFile(f"{uri} {found}; pass a folder of images, a folder of tars, or a manifest.")
        return _folder_layout(uri, files)
    except (NotAManifest, NotAnInventory, ParquetUnclear) as error:
        raise LayoutUnclear(str(error)) from error


def _inventory_layout(uri: str, report: Report) -> Layout:
    files = _files_of(report, uri)
    if not files:
        raise MissingFile(f"The report {report.uri} lists no object below {uri}; pass a prefix that it covers.")
    return replace(_folder_layout(uri, files), report_began_at=report.began_at)


# A command that follows a crawl reads each report once.
@lru_cache(maxsize=1)
def _files_of(report: Report, crawl_uri: str) -> tuple[DatedFile, ...]:
    return tuple(sorted(report.files(crawl_uri), key=lambda file: file.uri))


def _manifest_of(uri: str) -> str | None:
    """Return the manifest of a folder: the folder itself where its name is that of one, or the one in it."""
    if uri.lower().endswith(MANIFEST_SUFFIXES):  # a folder of part files, as written by Spark
        return uri if next(list_files(uri), None) else None
    names = names_in(uri, _MANIFEST)
    named = [name for name in names if name.lower().removeprefix(_MANIFEST) in MANIFEST_SUFFIXES]
    found = [f"{uri}/{name}" for name in named]
    found = [one for one in found if file_status(one) or next(list_files(one), None)]
    usual = [one for one in found if one.lower().endswith(_USUAL_SUFFIXES)]
    found = usual or found
    if len(found) > 1:
        raise LayoutUnclear(f"{uri} contains {' and '.join(found)}; pass the one to ingest as --crawl.")
    return found[0] if found else None


def _file_layout(status: FileStatus, chunk_bytes: int) -> Layout:
    name = status.uri.lower()
    if name.endswith(MANIFEST_SUFFIXES):
        return _manifest_layout(status.uri, status.uri, chunk_bytes)
    if name.endswith(TAR_SUFFIXES):
        return Layout(TAR, status.uri, file_pieces("tar", [status]))
    _require_read(status.uri, [status])
    return Layout(FOLDER, status.uri, loose=[status])


def _folder_layout(uri: str, files: Sequence[FileStatus]) -> Layout:
    tars = [file for file in files if file.uri.lower().endswith(TAR_SUFFIXES)]
    folders = _folders_of(files)
    parquets = [file for file in files if file.uri.lower().endswith(".parquet")]
    stems = {_tar_stem(tar.uri) for tar in tars}
    companions = [file for file in parquets if file.uri.removesuffix(".parquet") in stems]
    shards = [file for file in parquets if file.uri.removesuffix(".parquet") in folders and _is_digits(file.uri)]
    inside = tuple(f"{shard.uri.removesuffix('.parquet')}/" for shard in shards)
    taken = {file.uri for file in (*tars, *shards, *companions)}
    rest = [file for file in files if file.uri not in taken and not file.uri.startswith(inside or ("\0",))]
    images = [file for file in rest if file.uri.lower().endswith(".parquet") and _has_images(file.uri)]
    pieces = file_pieces("tar", tars) + file_pieces("shard", shards, len(tars))
    pieces += file_pieces("failures", companions, len(pieces))
    pieces += row_group_pieces("images", images, SAMPLES_STRIDE * len(pieces))
    taken |= {file.uri for file in images}
    loose = [file for file in rest if file.uri not in taken and not (pieces and _is_statistics(file.uri))]
    _require_read(uri, [] if pieces else loose)
    _require_no_other_manifest(loose)
    kind = TAR if tars else FILES if shards else PARQUET if images else FOLDER
    return Layout(kind, uri, pieces, loose)


def _folders_of(files: Sequence[FileStatus]) -> set[str]:
    folders: set[str] = set()
    for file in files:
        folder = parent(file.uri)
        while folder and folder not in folders:
            folders.add(folder)
            folder = parent(folder)
    return folders


def _require_read(uri: str, files: Sequence[FileStatus]) -> None:
    """Reject a crawl that holds its images in containers that are not read, and no image beside them."""
    suffixes = {stem_and_suffix(file.uri)[1] for file in files}
    unread = sorted(suffixes & _UNREAD_SUFFIXES)
    if unread and not suffixes & IMAGE_SUFFIXES:
        raise LayoutUnclear(
            f"{uri} holds .{' and .'.join(unread)} files, which are not read; unpack them, or write the crawl as tars, "
            "parquet or files (img2dataset: --output_format webdataset)."
        )


def _require_no_other_manifest(loose: Sequence[FileStatus]) -> None:
    """Reject a folder in which a file lists its images, which would otherwise be read without what it says of them."""
    listing = [file.uri for file in loose if file.uri.lower().endswith(MANIFEST_SUFFIXES) and not file.fault]
    for uri in listing[:_CHECKED_FILES]:
        name = _image_field(uri)
        if name:
            rename = f"rename its field `{name}` to `image` and " if name != IMAGE_FIELDS[0] else ""
            raise LayoutUnclear(
                f"{uri} lists images like a manifest; {rename}pass it as --crawl, or move it out of the folder to read "
                "the images without it."
            )


def _image_field(uri: str) -> str | None:
    if not uri.lower().endswith(".parquet"):
        return None if uri.lower().endswith((".json", ".json.gz")) else image_field(uri)
    try:
        with open_binary(uri) as stream:
            names = pq.read_schema(stream).names
    except (pa.ArrowException, MissingFile, OSError):
        return None
    return next((name for name in IMAGE_FIELDS if name in names), None)


def _has_images(uri: str) -> bool:
    try:
        with open_binary(uri) as stream:
            return image_column(parquet_file(stream), uri) is not None
    except (pa.ArrowException, MissingFile, OSError):
        return False  # listed as a file, and quarantined under its name


def _tar_stem(uri: str) -> str:
    suffix = next(one for one in sorted(TAR_SUFFIXES, key=len, reverse=True) if uri.lower().endswith(one))
    return uri[: -len(suffix)]


def _is_digits(uri: str) -> bool:
    return uri.rpartition("/")[2].partition(".")[0].isdigit()


def _is_statistics(uri: str) -> bool:
    """Return whether img2dataset wrote the file next to its shards, such as `00000_stats.json`."""
    return uri.rpartition("/")[2].removesuffix("_stats.json").isdigit()


def _manifest_layout(crawl_uri: str, manifest: str, chunk_bytes: int) -> Layout:
    single = file_status(manifest)
    parts = [single] if single else sorted(list_files(manifest), key=lambda file: file.uri)
    parts = [part for part in parts if not part.uri.rpartition("/")[2].startswith("_")]
    if manifest.lower().endswith(".parquet"):
        return _parquet_layout(crawl_uri, parts)
    for part in [part for part in parts if part.size][:_CHECKED_FILES]:
        check_manifest(part.uri, manifest)
    table = is_table(manifest)
    return Layout(MANIFEST, crawl_uri, [piece for part in parts for piece in text_pieces(part, table, chunk_bytes)])


def _parquet_layout(crawl_uri: str, parts: Sequence[FileStatus]) -> Layout:
    if not parts:
        return Layout(MANIFEST, crawl_uri)
    with open_binary(parts[0].uri) as stream:
        file = parquet_file(stream)
        if image_column(file, parts[0].uri) is not None:
            return Layout(PARQUET, crawl_uri, row_group_pieces("images", parts))
        if IMAGE_FIELDS[0] not in file.schema_arrow.names:
            if next(list_files(parts[0].uri.removesuffix(".parquet")), None):
                return Layout(FILES, parent(parts[0].uri), file_pieces("shard", parts))
            names = ", ".join(file.schema_arrow.names)
            raise NotAManifest(
                f"{parts[0].uri} has no column `image` (its columns are {names}); name the column that holds the paths "
                "of the images, or the images themselves, `image`."
            )
    return Layout(MANIFEST, crawl_uri, row_group_pieces("rows", parts))
