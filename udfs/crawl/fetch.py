"""Fetches the bytes of listed images and of their depth and instance maps."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import BinaryIO

from schemas.manifest import ManifestRow
from schemas.reasons import Outcome, Reason
from udfs.crawl.entries import PARQUET, manifest_folder, manifest_row, parsed
from udfs.crawl.licences import require_licence
from udfs.crawl.limits import IngestSettings
from udfs.crawl.parquets import stored_images
from udfs.crawl.robots import opt_outs
from udfs.crawl.roots import allowed, allowed_image
from udfs.stages.rows import Row, RowRejected, rejected_by
from udfs.storage.compressed import open_unzipped
from udfs.storage.files import MissingFile, TooLarge, open_binary, read_bytes
from udfs.storage.locations import parent, resolve

_CONCURRENCY = 8


@dataclass(frozen=True)
class Fetched:
    """An entry with its manifest row and bytes; `rejected` if fetching failed, maps None if the row names none."""

    entry: Row
    row: ManifestRow | None = None
    image: bytes = b""
    depth: bytes | RowRejected | None = None
    instances: bytes | RowRejected | None = None
    rejected: RowRejected | None = None


def fetched(entries: Sequence[Row], limits: IngestSettings) -> Iterator[Fetched]:
    """Yield every entry with its bytes, in any order: eight files at a time, each tar opened once."""
    files = [entry for entry in entries if entry["member"] is None]
    members = [entry for entry in entries if entry["member"] is not None]
    with ThreadPoolExecutor(_CONCURRENCY) as pool:
        # In groups, so that memory holds no more files than are being fetched.
        for start in range(0, len(files), _CONCURRENCY):
            yield from pool.map(lambda entry: _from_file(entry, limits), files[start : start + _CONCURRENCY])
    for uri, group in groupby(sorted(members, key=lambda entry: entry["uri"]), key=lambda entry: entry["uri"]):
        rows = list(group)
        yield from (_from_parquet if rows[0]["kind"] == PARQUET else _from_tar)(uri, rows, limits)


def _from_file(entry: Row, limits: IngestSettings) -> Fetched:
    try:
        row = _allowed_row(entry, limits)
        image = _read(allowed_image(entry, limits), limits, Reason.MISSING_FILE)
        return _with_maps(entry, row, image, limits)
    except Exception as error:  # a bad entry must not fail its neighbors
        return Fetched(entry, rejected=rejected_by(error))


def _from_tar(uri: str, entries: list[Row], limits: IngestSettings) -> Iterator[Fetched]:
    try:
        stream = open_unzipped(uri)
    except MissingFile as error:
        rejected = RowRejected(Outcome.FAILED, Reason.MISSING_FILE, str(error))
        yield from (Fetched(entry, rejected=rejected) for entry in entries)
        return
    with stream:
        # Forward, since a compressed tar is read again from its start to go back.
        for entry in sorted(entries, key=_offset):
            yield _from_member(stream, entry, limits)


def _offset(entry: Row) -> int:
    try:
        return int(parsed(entry["row_json"]).get("tar_offset", 0))
    except (RowRejected, TypeError, ValueError):
        return 0


def _from_parquet(uri: str, entries: list[Row], limits: IngestSettings) -> Iterator[Fetched]:
    wanted: dict[str, tuple[Row, ManifestRow]] = {}
    places = []
    for entry in entries:
        try:
            row = _allowed_row(entry, limits)
            places.append({**parsed(entry["row_json"]), "entry_id": entry["entry_id"]})
            wanted[entry["entry_id"]] = (entry, row)
        except Exception as error:  # a bad entry must not fail its neighbors
            yield Fetched(entry, rejected=rejected_by(error))
    try:
        with open_binary(uri) as stream:
            for place, image, path in stored_images(stream, places) if places else ():
                entry, row = wanted.pop(place["entry_id"])
                yield _stored(entry, row, (image, path), limits)
    except Exception as error:  # what the file cannot give is rejected entry by entry
        text = f"{uri} cannot be read ({error}); download it again."
        rejected = RowRejected(Outcome.FAILED, Reason.UNREADABLE_IMAGE, text)
        yield from (Fetched(entry, rejected=rejected) for entry, _ in wanted.values())


def _stored(entry: Row, row: ManifestRow, content: tuple[bytes | None, str | None], limits: IngestSettings) -> Fetched:
    image, path = content
    try:
        if image is None and not path:
            error = f"{location_of(entry)} holds no image; remove the row or add its bytes."
            raise RowRejected(Outcome.FAILED, Reason.MISSING_FILE, error)
        if image is None:
            uri = resolve(parent(entry["uri"]), str(path))
            image = _read(allowed(uri, entry, limits), limits, Reason.MISSING_FILE)
        if len(image) > limits.max_file_bytes:
            raise _too_large(TooLarge(location_of(entry), len(image)), limits)
        return _with_maps(entry, row, image, limits)
    except Exception as error:  # a bad entry must not fail its neighbors
        return Fetched(entry, rejected=rejected_by(error))


def _from_member(stream: BinaryIO, entry: Row, limits: IngestSettings) -> Fetched:
    try:
        row = _allowed_row(entry, limits)
        row_json = parsed(entry["row_json"])
        size = int(row_json["tar_size"])
        if size > limits.max_file_bytes:
            raise _too_large(TooLarge(location_of(entry), size), limits)
        stream.seek(int(row_json["tar_offset"]))
        image = stream.read(size)
        if len(image) < size:
            error = f"{location_of(entry)} has only {len(image):,} of {size:,} bytes; download the tar again."
            raise RowRejected(Outcome.FAILED, Reason.TRUNCATED_IMAGE, error)
        return _with_maps(entry, row, image, limits)
    except Exception as error:  # a bad entry must not fail its neighbors
        return Fetched(entry, rejected=rejected_by(error))


def location_of(entry: Row) -> str:
    """Return an entry's URI, followed by `#member` for a tar."""
    return f"{entry['uri']}#{entry['member']}" if entry["member"] else entry["uri"]


def _allowed_row(entry: Row, limits: IngestSettings) -> ManifestRow:
    row = manifest_row(entry)
    directives = opt_outs(row.robots, limits.refused_robots)
    if directives:
        error = (
            f"The crawl recorded the opt-out {', '.join(directives)} for this image, so it is not read;"
            " obtain permission, then change ingest.refused_robots."
        )
        raise RowRejected(Outcome.REFUSED, Reason.OPT_OUT, error)
    require_licence(row.licence, limits)
    return row


def _with_maps(entry: Row, row: ManifestRow, image: bytes, limits: IngestSettings) -> Fetched:
    folder = manifest_folder(entry["crawl_uri"]) if entry["kind"] == "manifest" else parent(entry["uri"])

    def fetched_map(uri: str | None, missing: Reason) -> bytes | RowRejected | None:
        if uri is None:
            return None
        try:
            return _read(allowed(resolve(folder, uri), entry, limits), limits, missing)
        except RowRejected as rejected:
            return rejected

    depth = fetched_map(row.depth, Reason.DEPTH_MISSING)
    instances = fetched_map(row.instances, Reason.INSTANCES_MISSING)
    return Fetched(entry, row, image, depth, instances)


def _read(uri: str, limits: IngestSettings, missing: Reason) -> bytes:
    try:
        return read_bytes(uri, limits.max_file_bytes)
    except MissingFile as error:
        raise RowRejected(Outcome.FAILED, missing, str(error)) from error
    except TooLarge as error:
        raise _too_large(error, limits) from error


def _too_large(error: TooLarge, limits: IngestSettings) -> RowRejected:
    text = f"{error} The limit is {limits.max_file_bytes:,}; shrink the file or raise ingest.max_file_bytes."
    return RowRejected(Outcome.REFUSED, Reason.FILE_TOO_LARGE, text)
