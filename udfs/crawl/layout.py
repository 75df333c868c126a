"""Which kind of crawl a URI holds, cut into pieces that executors can list apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow.parquet as pq

from udfs.crawl.entries import FILES, FOLDER, MANIFEST, MANIFEST_SUFFIXES, TAR
from udfs.storage.files import FileStatus, MissingFile, file_status, list_files, open_binary
from udfs.storage.locations import normalized

# Tars and shards number their own samples; the stride keeps their positions apart without opening them.
SAMPLES_STRIDE = 1_000_000


class LayoutUnclear(Exception):
    """A crawl that could be read in two ways."""


@dataclass(frozen=True)
class Piece:
    """A part of a crawl that is listed on its own.

    `form` is lines (bytes start..end), rows (row group `start`), tar or shard; `position` is that of its first entry.
    """

    form: str
    uri: str
    start: int
    end: int
    position: int
    version: str


@dataclass(frozen=True)
class Layout:
    """A crawl as found: its kind, its pieces, and the files that are photographs of their own."""

    kind: str
    crawl_uri: str
    pieces: list[Piece] = field(default_factory=list)
    loose: list[FileStatus] = field(default_factory=list)


def layout_of(crawl_uri: str, chunk_bytes: int) -> Layout:
    """Return how the crawl at `crawl_uri` is laid out.

    Raises:
        MissingFile: nothing there.
        LayoutUnclear: two manifests.
        UnservedLocation: a scheme that is not served.
        pyarrow.ArrowInvalid: a parquet manifest that is none.
    """
    uri = normalized(crawl_uri)
    status = file_status(uri)
    if status is not None:
        return _file_layout(status, chunk_bytes)
    manifests = [m for m in _manifest_uris(uri) if file_status(m) or next(list_files(m), None)]
    if len(manifests) > 1:
        raise LayoutUnclear(f"{uri} holds {' and '.join(manifests)}; name the one to ingest.")
    if manifests:
        return Layout(MANIFEST, uri, _manifest_pieces(manifests[0], chunk_bytes))
    files = sorted(list_files(uri), key=lambda file: file.uri)
    if not files:
        raise MissingFile(f"{uri} holds no files; name a folder or prefix of photographs, tars or a manifest.")
    return _folder_layout(uri, files)


def _manifest_uris(uri: str) -> list[str]:
    if uri.endswith(MANIFEST_SUFFIXES):  # a folder of part files, as Spark writes a table
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
    """Return whether img2dataset writes such a file beside its shards: `00000.parquet`, `00000_stats.json`."""
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
