"""A `crawl` entry, that is one listed image: its identity and its manifest row."""

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from schemas.manifest import ManifestRow
from schemas.reasons import Outcome, Reason
from schemas.table import ENGINE_VERSION
from udfs.crawl.json_text import json_value
from udfs.crawl.metadata import manifest_values
from udfs.stages.rows import Row, RowRejected
from udfs.storage.locations import parent, resolve

FOLDER = "folder"
TAR = "img2dataset_tar"
FILES = "img2dataset_files"
PARQUET = "parquet"
MANIFEST = "manifest"
_LISTED_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
MANIFEST_SUFFIXES = (".parquet", *_LISTED_SUFFIXES, *(f"{suffix}.gz" for suffix in _LISTED_SUFFIXES))

_REFUSED = (Reason.NOT_AN_IMAGE, Reason.LINK_NOT_FOLLOWED, Reason.NOT_DOWNLOADED, Reason.TAKEN_DOWN)
_SHOWN_CHARS = 200


def entry(
    kind: str,
    uri: str,
    row_json: str | None,
    member: str | None = None,
    version: str = "",
    sidecars: Mapping[str, str] = MappingProxyType({}),
) -> Row:
    """Return a `crawl` row without crawl_uri, position and shard.

    `version` identifies the content of files that have no manifest row, so that a changed file is a new entry.
    `sidecars` holds the URIs of the files beside an image, by suffix; they are no part of its identity.
    """
    identity = json.dumps([kind, uri, member, row_json, version])
    if sidecars:
        row_json = json.dumps({**json.loads(row_json or "{}"), "sidecars": dict(sidecars)})
    return {
        "entry_id": hashlib.sha256(identity.encode()).hexdigest(),
        "kind": kind,
        "uri": uri,
        "member": member,
        "row_json": row_json,
        "engine_version": ENGINE_VERSION,
    }


def broken_entry(
    kind: str,
    uri: str,
    error: str,
    version: str = "",
    member: str | None = None,
    reason: Reason = Reason.UNREADABLE_IMAGE,
) -> Row:
    """Return the entry of what is listed and cannot be read; ingest quarantines it with the text `error`."""
    row = {"unlisted": error}
    if reason != Reason.UNREADABLE_IMAGE:
        row["reason"] = str(reason)
    return entry(kind, uri, json.dumps(row), member, version)


def manifest_folder(crawl_uri: str) -> str:
    """Return the folder that a manifest's relative URIs are resolved against."""
    return parent(crawl_uri) if crawl_uri.lower().endswith(MANIFEST_SUFFIXES) else crawl_uri


def manifest_entry(text: str, crawl_uri: str, manifest_uri: str, number: int) -> Row:
    """Return the entry of one manifest row; without an image URI, its URI is the manifest with the row number."""
    try:
        image = parsed(text).get("image")
    except RowRejected:
        image = None
    if not isinstance(image, str) or not image:
        return entry(MANIFEST, f"{manifest_uri}#row={number}", text)
    if "\ufffd" in image:
        error = (
            f"The image URI {image[:_SHOWN_CHARS]!r} holds bytes that are not UTF-8; save the manifest as UTF-8, and "
            "rename an image whose name is not."
        )
        return broken_entry(MANIFEST, f"{manifest_uri}#row={number}", error, text, reason=Reason.BAD_MANIFEST_ROW)
    try:
        uri = resolve(manifest_folder(crawl_uri), image)
    except ValueError as error:
        sentence = f"The image URI {image[:_SHOWN_CHARS]!r} cannot be read ({error}); correct it."
        return broken_entry(MANIFEST, f"{manifest_uri}#row={number}", sentence, text, reason=Reason.BAD_MANIFEST_ROW)
    return entry(MANIFEST, uri, text)


def parsed(text: str) -> dict[str, Any]:
    """Parse a row's JSON object; NaN is accepted and unpaired surrogates are replaced.

    Raises:
        RowRejected: `text` is not JSON or not an object.
    """
    try:
        value = json_value(text)
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
    if "unlisted" in values and "image" not in values:
        reason = Reason(values.get("reason", Reason.UNREADABLE_IMAGE))
        outcome = Outcome.REFUSED if reason in _REFUSED else Outcome.FAILED
        raise RowRejected(outcome, reason, str(values["unlisted"]))
    return _validated(values if listed["kind"] == MANIFEST else manifest_values(values, listed["uri"]))


def fault(error: ValidationError) -> str:
    """Return the first validation error as `field = value: message`."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    value = "" if first["type"] == "missing" else f" = {first['input']!r}"[:_SHOWN_CHARS]
    return f"{where}{value}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def _validated(values: dict[str, Any]) -> ManifestRow:
    try:
        return ManifestRow.model_validate(values)
    except ValidationError as error:
        raise _bad_row(f"The row is invalid, {fault(error)}; correct the field.") from error


def _bad_row(error: str) -> RowRejected:
    return RowRejected(Outcome.FAILED, Reason.BAD_MANIFEST_ROW, error)
