"""A `crawl` entry, that is one listed image: its identity and its manifest row."""

import hashlib
import json
from typing import Any

from pydantic import ValidationError

from schemas.manifest import ManifestRow
from schemas.reasons import Outcome, Reason
from schemas.table import ENGINE_VERSION
from udfs.stages.rows import Row, RowRejected
from udfs.storage.locations import parent, resolve

FOLDER = "folder"
TAR = "img2dataset_tar"
FILES = "img2dataset_files"
MANIFEST = "manifest"
MANIFEST_SUFFIXES = (".jsonl", ".parquet")

_SHOWN_CHARS = 200


def entry(kind: str, uri: str, row_json: str | None, member: str | None = None, version: str = "") -> Row:
    """Return a `crawl` row without crawl_uri, position and shard.

    `version` identifies the content of files that have no manifest row, so that a changed file is a new entry.
    """
    identity = json.dumps([kind, uri, member, row_json, version])
    return {
        "entry_id": hashlib.sha256(identity.encode()).hexdigest(),
        "kind": kind,
        "uri": uri,
        "member": member,
        "row_json": row_json,
        "engine_version": ENGINE_VERSION,
    }


def broken_entry(kind: str, uri: str, error: str, version: str = "") -> Row:
    """Return the entry of a container that cannot be listed; ingest quarantines it with the text `error`."""
    return entry(kind, uri, json.dumps({"unlisted": error}), version=version)


def manifest_folder(crawl_uri: str) -> str:
    """Return the folder that a manifest's relative URIs are resolved against."""
    return parent(crawl_uri) if crawl_uri.endswith(MANIFEST_SUFFIXES) else crawl_uri


def manifest_entry(text: str, crawl_uri: str, manifest_uri: str, number: int) -> Row:
    """Return the entry of one manifest row; without an image URI, its URI is the manifest with the row number."""
    try:
        image = parsed(text).get("image")
    except RowRejected:
        image = None
    if not isinstance(image, str) or not image:
        return entry(MANIFEST, f"{manifest_uri}#row={number}", text)
    return entry(MANIFEST, resolve(manifest_folder(crawl_uri), image), text)


def parsed(text: str) -> dict[str, Any]:
    """Parse a row's JSON object; NaN is accepted and unpaired surrogates are replaced.

    Raises:
        RowRejected: `text` is not JSON or not an object.
    """
    try:
        value = json.loads(text)
        if "\\ud" in text.lower():
            repaired = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
            value = json.loads(repaired.decode("utf-16-le", "replace"))
    except (ValueError, RecursionError) as error:
        raise _bad_row(f"The row is not valid JSON ({error}): {text[:_SHOWN_CHARS]!r}; fix or remove it.") from error
    if not isinstance(value, dict):
        raise _bad_row(f"The row is not a JSON object: {text[:_SHOWN_CHARS]!r}; write one object per row.")
    return value


def manifest_row(listed: Row) -> ManifestRow:
    """Return the manifest row of an entry; crawls without a manifest are converted to one.

    Raises:
        RowRejected: the row is malformed, or its container could not be listed.
    """
    values = parsed(listed["row_json"]) if listed["row_json"] else {}
    if "unlisted" in values:
        raise RowRejected(Outcome.FAILED, Reason.UNREADABLE_IMAGE, str(values["unlisted"]))
    if listed["kind"] == MANIFEST:
        return _validated(values)
    if listed["kind"] == FOLDER:
        return ManifestRow(image=listed["uri"])
    return _validated(_img2dataset(values, listed["uri"]))


def fault(error: ValidationError) -> str:
    """Return the first validation error as `field = value: message`."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    value = "" if first["type"] == "missing" else f" = {first['input']!r}"[:_SHOWN_CHARS]
    return f"{where}{value}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def _img2dataset(values: dict[str, Any], uri: str) -> dict[str, Any]:
    metadata = values.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise _bad_row(f"The metadata is not a JSON object: {str(metadata)[:_SHOWN_CHARS]!r}; fix or remove it.")
    licence = metadata.get("licence") or metadata.get("license")
    caption = metadata.get("caption") or values.get("caption")
    return {"image_url": metadata.get("url"), **metadata, "licence": licence, "alt_text": caption, "image": uri}


def _validated(values: dict[str, Any]) -> ManifestRow:
    try:
        return ManifestRow.model_validate(values)
    except ValidationError as error:
        raise _bad_row(f"The row is invalid, {fault(error)}; correct the field.") from error


def _bad_row(error: str) -> RowRejected:
    return RowRejected(Outcome.FAILED, Reason.BAD_MANIFEST_ROW, error)
