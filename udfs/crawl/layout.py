"""Detects the layout of a crawl and splits it into pieces that executors list in parallel."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow.parquet as pq

from udfs.crawl.entries import FILES, FOLDER, MANIFEST, MANIFEST_SUFFIXES, TAR
from udfs.storage.files import FileStatus, MissingFile, file_status, list_files, open_binary
from udfs.storage.locations import normalized

# Positions of samples in tars and shards; the stride keeps them distinct without opening the files.
SAMPLES_STRIDE = 1_000_000


class LayoutUnclear(Exception):
    """A crawl whose layout is ambiguous."""


@dataclass(frozen=True)
class Piece:
    """A part of a crawl that one task lists.

    `form` is lines (bytes start..end), rows (row group `start`), tar or shard; `position` is that of the first entry.
    """

    form: str
    uri: str
    start: int
    end: int
    position: int
    version: str


@dataclass(frozen=True)
class Layout:
    """The detected layout: kind of crawl, pieces to list, and single image files."""

    kind: str
    crawl_uri: str
    pieces: list[Piece] = field(default_factory=list)
    loose: list[FileStatus] = field(default_factory=list)


def layout_of(crawl_uri: str, chunk_bytes: int) -> Layout:
    """Detect the layout of the crawl at `crawl_uri`.

    Raises:
        MissingFile: the URI does not exist or is empty.
        LayoutUnclear: there are two manifests.
        UnservedLocation: the scheme is not served.
        pyarrow.ArrowInvalid: the parquet manifest is not a parquet file.
    """
    uri = normalized(crawl_uri)
    status = file_status(uri)
    if status is not None:
        return _file_layout(status, chunk_bytes)
    manifests = [m for m in _manifest_uris(uri) if file_status(m) or next(list_files(m), None)]
    if len(manifests) > 1:
        raise LayoutUnclear(f"{uri} contains {' and '.join(manifests)}; pass the one to ingest as --crawl.")
    if manifests:
        return Layout(MANIFEST, uri, _manifest_pieces(manifests[0], chunk_bytes))
    files = sorted(list_files(uri), key=lambda file: file.uri)
    if not files:
        raise MissingFile(f"{uri} contains no files; pass a folder of images, a folder of tars, or a manifest.")
    return _folder_layout(uri, files)


def _manifest_uris(uri: str) -> list[str]:
    if uri.endswith(MANIFEST_SUFFIXES):  # a folder of part files, as written by Spark
        return [uri]
    return [f"{uri}/manifest{suffix}" for suffix in MANIFEST_SUFFIXES]


def _file_layout(status: FileStatus, chunk_bytes: int) -> Layout:
    if status.uri.endswith(MANIFEST_SUFFIXES):
        return Layout(MANIFEST, status.uri, _manifest_pieces(status.uri, chunk_bytes))
    if status.uri.endswith(".tar"):
        return Layout(TAR, status.uri, _numbered("tar", [status]))
    return Layout(FOLDER, status.uri, loose=[status])


def _folder_layout(uri: str, files: Sequence[FileStatus]) -> Layout:
    tars = [file for file in files if file.uri.endswith(".tar")]
    if tars:
        loose = [file for file in files if not file.uri.endswith(".tar") and not _is_companion(file.uri)]
        return Layout(TAR, uri, _numbered("tar", tars), loose)
    folders = {file.uri.rpartition("/")[0] for file in files}
    shards = [file for file in files if file.uri.removesuffix(".parquet") in folders and _is_companion(file.uri)]
    if shards:
        inside = tuple(f"{shard.uri.removesuffix('.parquet')}/" for shard in shards)
        loose = [file for file in files if not file.uri.startswith(inside) and not _is_companion(file.uri)]
        return Layout(FILES, uri, _numbered("shard", shards), loose)
    return Layout(FOLDER, uri, loose=list(files))


def _is_companion(uri: str) -> bool:
    """Return whether img2dataset wrote the file next to its shards, such as `00000.parquet` or `00000_stats.json`."""
    stem, _, suffix = uri.rpartition("/")[2].partition(".")
    return stem.removesuffix("_stats").isdigit() and suffix in ("parquet", "json")


def _numbered(form: str, files: Sequence[FileStatus]) -> list[Piece]:
    return [
        Piece(form, file.uri, 0, file.size, number * SAMPLES_STRIDE, f"{file.size}-{file.version}")
        for number, file in enumerate(files)
    ]


def _manifest_pieces(uri: str, chunk_bytes: int) -> list[Piece]:
    single = file_status(uri)
    parts = [single] if single else sorted(list_files(uri), key=lambda file: file.uri)
    parts = [part for part in parts if not part.uri.rpartition("/")[2].startswith("_")]
    if uri.endswith(".parquet"):
        return list(_row_group_pieces(parts))
    return [
        Piece("lines", part.uri, start, min(start + chunk_bytes, part.size), 0, part.version)
        for part in parts
        for start in range(0, part.size, chunk_bytes)
    ]


def _row_group_pieces(parts: Sequence[FileStatus]) -> Iterator[Piece]:
    position = 0
    for part in parts:
        with open_binary(part.uri) as stream:
            footer = pq.ParquetFile(stream).metadata
            for group in range(footer.num_row_groups):
                yield Piece("rows", part.uri, group, group + 1, position, part.version)
                position += footer.row_group(group).num_rows
