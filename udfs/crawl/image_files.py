"""Lists image files with the texts beside them: those of a plain folder, and those of an img2dataset shard."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.reasons import Reason
from udfs.crawl.entries import FILES, FOLDER, TAR, broken_entry, entry
from udfs.crawl.json_text import json_of
from udfs.crawl.names import TEXT_SUFFIXES, owners, stem_and_suffix, with_texts
from udfs.stages.rows import Row
from udfs.storage.files import FileStatus, MissingFile, list_files, open_binary
from udfs.storage.folders import ABSENT, NOT_FOLLOWED

Paired = tuple[FileStatus, dict[str, FileStatus]]

_FAILURE = ("url", "status", "error_message")


def folder_entries(files: Sequence[FileStatus]) -> Iterator[Row]:
    """Yield the entries of files that no shard or manifest lists; a `.json` or `.txt` of an image goes with it."""
    for file, texts in _paired(files):
        yield _file_entry(FOLDER, file, None, texts)


def shard_entries(uri: str, version: str) -> Iterator[Row]:
    """Yield the entries of a shard: the rows of its parquet file at `uri`, then the files that no row lists.

    Rows of failed downloads without a file give a reject each: there is nothing to ingest.
    """
    folder = uri.removesuffix(".parquet")
    paired = _paired(sorted(list_files(folder), key=lambda file: file.uri))
    try:
        with open_binary(uri) as stream:
            rows = pq.read_table(stream).to_pylist()
    except (pa.ArrowException, MissingFile, OSError) as error:
        yield broken_entry(FILES, uri, f"Shard {uri} cannot be read ({error}); download the shard again.", version)
        yield from _without_rows(paired, uri)
        return
    by_key, unlisted = _by_key(paired, {str(row.get("key")) for row in rows})
    for number, row in enumerate(rows, 1):
        yield from _row_entries(row, by_key.get(str(row.get("key")), []), f"{uri}#row={number}", folder)
    for file, texts in unlisted:
        if _is_text(file):
            error = f"{file.uri} is the text of an image that the shard lacks; add the image or remove the text."
            yield broken_entry(FILES, file.uri, error, file.version, reason=Reason.NOT_AN_IMAGE)
        else:
            yield _file_entry(FILES, file, None, texts)


def failure_entries(uri: str, version: str) -> Iterator[Row]:
    """Return a reject for each row of an img2dataset parquet file whose image is not in the tar beside it."""
    try:
        with open_binary(uri) as stream:
            file = pq.ParquetFile(stream)
            rows = file.read([name for name in _FAILURE if name in file.schema_arrow.names]).to_pylist()
    except (pa.ArrowException, MissingFile, OSError) as error:
        yield broken_entry(TAR, uri, f"{uri}, which lists the images of a tar, cannot be read ({error}).", version)
        return
    for number, row in enumerate(rows, 1):
        if is_failed(row):
            yield failed_entry(TAR, f"{uri}#row={number}", row, version)


def is_failed(row: Row) -> bool:
    """Return whether an img2dataset row says that the image could not be downloaded or resized."""
    return str(row.get("status") or "").startswith("failed")


def failed_entry(kind: str, uri: str, row: Row, version: str, member: str | None = None) -> Row:
    """Return the reject of an img2dataset row without an image."""
    why = f"{row['status']}: {row['error_message']}" if row.get("error_message") else str(row["status"])
    error = f"img2dataset did not get the image {row.get('url')} ({why}); run it again for this URL to have the image."
    return broken_entry(kind, uri, error, version, member, Reason.NOT_DOWNLOADED)


def _paired(files: Sequence[FileStatus]) -> list[Paired]:
    return with_texts((file.uri, file) for file in files)


def _by_key(paired: Sequence[Paired], keys: set[str]) -> tuple[dict[str, list[Paired]], list[Paired]]:
    """Return the files by the nearest key that they carry in their names, and the files of no key."""
    by_key: dict[str, list[Paired]] = defaultdict(list)
    unlisted = []
    for one in paired:
        key = next((name for name in owners(one[0].uri.rpartition("/")[2]) if name in keys), None)
        (unlisted if key is None else by_key[key]).append(one)
    return by_key, unlisted


def _row_entries(row: Row, paired: Sequence[Paired], row_uri: str, folder: str) -> Iterator[Row]:
    row_json = json.dumps({"metadata": json.loads(json_of(row))})
    images = [(file, texts) for file, texts in paired if not _is_text(file)]
    for file, texts in images:
        # The row has the caption; the opt-out may have been written to the file alone.
        yield _file_entry(FILES, file, row_json, {name: text for name, text in texts.items() if name != "txt"})
    if not images and is_failed(row):
        yield failed_entry(FILES, row_uri, row, ABSENT)
    elif not images:
        key = row.get("key")
        yield entry(FILES, row_uri if key is None else f"{folder}/{key}.jpg", row_json, version=ABSENT)


def _without_rows(paired: Sequence[Paired], shard_uri: str) -> Iterator[Row]:
    for file, texts in paired:
        if "json" in texts:
            yield _file_entry(FILES, file, None, texts)
        else:
            error = f"Shard {shard_uri}, which may hold an opt-out of {file.uri}, cannot be read; download it again."
            yield broken_entry(FILES, file.uri, error, f"{file.size}-{file.version}")


def _file_entry(kind: str, file: FileStatus, row_json: str | None, texts: Mapping[str, FileStatus]) -> Row:
    if file.fault:
        reason = Reason.LINK_NOT_FOLLOWED if file.version == NOT_FOLLOWED else Reason.MISSING_FILE
        return broken_entry(kind, file.uri, file.fault, file.version, reason=reason)
    sidecars = {suffix: text.uri for suffix, text in texts.items()}
    return entry(kind, file.uri, row_json, version=f"{file.size}-{file.version}", sidecars=sidecars)


def _is_text(file: FileStatus) -> bool:
    return stem_and_suffix(file.uri)[1] in TEXT_SUFFIXES
