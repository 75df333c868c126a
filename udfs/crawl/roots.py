"""Confines what a crawl's rows may name: files below the crawl itself and below `ingest.allowed_roots`."""

import json
import os
import posixpath

from schemas.reasons import Outcome, Reason
from schemas.secrets import masked
from udfs.crawl.entries import FILES, MANIFEST, manifest_folder
from udfs.crawl.limits import IngestSettings
from udfs.stages.rows import Row, RowRejected
from udfs.storage.locations import bucket_key, has_scheme, is_s3, parent

_SHOWN_CHARS = 200


def crawl_root(entry: Row) -> str:
    """Return the folder or prefix of the crawl that an entry was listed in."""
    crawl_uri: str = entry["crawl_uri"]
    if entry["kind"] == MANIFEST:
        return manifest_folder(crawl_uri)
    return parent(crawl_uri) if crawl_uri == entry["uri"] else crawl_uri


def allowed_image(entry: Row, limits: IngestSettings) -> str:
    """Return the location to read an entry's image from; one that was found, and not named by a row, is allowed.

    Raises:
        RowRejected: it lies outside of the roots.
    """
    if entry["kind"] == MANIFEST:
        return allowed(entry["uri"], entry, limits)
    # img2dataset names files by key. The folders of such a crawl may be links, since who runs `ingest` placed them.
    if entry["kind"] == FILES and not _is_below(_as_written(entry["uri"]), crawl_root(entry)):
        raise _outside(entry["uri"], entry["uri"], crawl_root(entry))
    return entry["uri"]


def allowed(uri: str, entry: Row, limits: IngestSettings) -> str:
    """Return the location to read for an absolute `uri` that a row of the crawl names, with every link resolved.

    Raises:
        RowRejected: it lies outside of the roots.
    """
    if has_scheme(uri) and not is_s3(uri):
        return uri  # the reader says that the scheme is not served
    try:
        real = _real(uri)
    except ValueError:  # no name of a file, as the reader says
        return uri
    root = crawl_root(entry)
    # A folder that was listed may be reached by a link, and its files may name one another.
    beside = () if entry["kind"] == MANIFEST else (parent(entry["uri"]),)
    if not any(_is_below(real, _real(place)) for place in (root, *beside, *limits.allowed_roots)):
        raise _outside(uri, real, root)
    return uri if is_s3(uri) else real


def _outside(uri: str, real: str, root: str) -> RowRejected:
    uri = masked(uri)
    leads = "" if real == uri or is_s3(uri) else f" (it leads to {real[:_SHOWN_CHARS]})"
    setting = json.dumps([parent(masked(real)) or "/"], ensure_ascii=False)
    error = (
        f"{uri[:_SHOWN_CHARS]}{leads} lies outside of the crawl at {root}, so it is not read; if it may be, add "
        f"--set 'ingest.allowed_roots={setting}'."
    )
    return RowRejected(Outcome.REFUSED, Reason.OUTSIDE_ROOTS, error)


def _real(uri: str) -> str:
    return _as_written(uri) if is_s3(uri) else os.path.realpath(uri)


def _as_written(uri: str) -> str:
    """Return a location without `.` and `..`, links not followed."""
    if not is_s3(uri):
        return os.path.normpath(uri)
    bucket, key = bucket_key(uri)
    # Some stores keep objects in folders and follow these.
    return f"s3://{bucket}/{posixpath.normpath(f'/{key}').lstrip('/')}".rstrip("/")


def _is_below(location: str, folder: str) -> bool:
    return location.startswith(f"{folder.rstrip('/')}/")
