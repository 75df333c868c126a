"""One listed photograph: its identity, and the manifest row that it stands for."""

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

    `version` stands for the content of files that have no row of their own, so that a changed file is a new entry.
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


def broken_entry(kind: str, uri: str, sentence: str, version: str = "") -> Row:
    """Return the entry of a container that cannot be listed: it is quarantined with `sentence`."""
    return entry(kind, uri, json.dumps({"unlisted": sentence}), version=version)


def manifest_folder(crawl_uri: str) -> str:
    """Return the folder that a manifest's relative URIs start from."""
    return parent(crawl_uri) if crawl_uri.endswith(MANIFEST_SUFFIXES) else crawl_uri


def manifest_entry(text: str, crawl_uri: str, manifest_uri: str, number: int) -> Row:
    """Return the entry of one manifest row; one that names no photograph points at its place in the manifest."""
    try:
        image = parsed(text).get("image")
    except RowRejected:
        image = None
    if not isinstance(image, str) or not image:
        return entry(MANIFEST, f"{manifest_uri}#row={number}", text)
    return entry(MANIFEST, resolve(manifest_folder(crawl_uri), image), text)


def parsed(text: str) -> dict[str, Any]:
    """Return a row's JSON object; NaN is read, and halves of surrogate pairs are mended.

    Raises:
        RowRejected: no JSON, or no object.
    """
    try:
        value = json.loads(text)
        if "\\ud" in text.lower():
            mended = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
            value = json.loads(mended.decode("utf-16-le", "replace"))
    except (ValueError, RecursionError) as error:
        raise _bad_row(f"The row is no JSON ({error}): {text[:_SHOWN_CHARS]!r}; mend or remove it.") from error
    if not isinstance(value, dict):
        raise _bad_row(f"The row holds no JSON object: {text[:_SHOWN_CHARS]!r}; write one object per row.")
    return value


def manifest_row(listed: Row) -> ManifestRow:
    """Return what an entry says about its photograph, whatever the kind of the crawl.

    Raises:
        RowRejected: a malformed row, or a container that could not be listed.
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
    """Return the first fault of a value as `field value: what is wrong`."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    value = "" if first["type"] == "missing" else f" = {first['input']!r}"[:_SHOWN_CHARS]
    return f"{where}{value}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def _img2dataset(values: dict[str, Any], uri: str) -> dict[str, Any]:
    metadata = values.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise _bad_row(f"The sample's metadata is no JSON object: {str(metadata)[:_SHOWN_CHARS]!r}; mend or remove it.")
    licence = metadata.get("licence") or metadata.get("license")
    caption = metadata.get("caption") or values.get("caption")
    return {"image_url": metadata.get("url"), **metadata, "licence": licence, "alt_text": caption, "image": uri}


def _validated(values: dict[str, Any]) -> ManifestRow:
    try:
        return ManifestRow.model_validate(values)
    except ValidationError as error:
        raise _bad_row(f"The row does not validate, {fault(error)}; correct the field.") from error


def _bad_row(sentence: str) -> RowRejected:
    return RowRejected(Outcome.FAILED, Reason.BAD_MANIFEST_ROW, sentence)
