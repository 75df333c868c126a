"""Turns what a shard or folder says of an image, in the words of its tool, into the fields of a manifest row."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, get_args

from schemas.manifest import ManifestRow, first_text
from schemas.reasons import Outcome, Reason
from udfs.crawl.json_text import json_value
from udfs.stages.rows import RowRejected
from udfs.storage.files import MissingFile, TooLarge, read_bytes

_CAPTIONS = ("caption", "alt_text", "text", "captions")
_LICENCES = ("licence", "license")
_MAX_FILE_BYTES = 16 * 2**20
_MAX_TEXT_CHARS = 2**20
_SHOWN_CHARS = 200
_TEXT_FIELDS = frozenset(
    name for name, field in ManifestRow.model_fields.items() if str in (field.annotation, *get_args(field.annotation))
)


def manifest_values(values: Mapping[str, Any], uri: str) -> dict[str, Any]:
    """Return the manifest fields of an entry; `values` is its `row_json`, whose files beside the image are read here.

    A caption that the metadata lacks is that of the `.txt` file. An opt-out counts wherever it stands.

    Raises:
        RowRejected: metadata that cannot be read, so that an opt-out may be missed.
    """
    beside = _read_beside(values.get("sidecars") or {})
    said = [facts(values["metadata"])] if values.get("metadata") is not None else []
    said += [facts(beside["json"])] if "json" in beside else []
    merged = {name: value for one in reversed(said) for name, value in one.items() if value is not None}
    robots = [value for one in (*said, values) if (value := _text(one.get("robots")))] + beside.get("robots", [])
    captions = [merged.get(name) for name in _CAPTIONS] + [values.get("caption"), beside.get("txt")]
    row = {name: _text(value) if name in _TEXT_FIELDS else value for name, value in merged.items()}
    return {
        "image_url": _text(merged.get("url")),
        **row,
        "robots": ", ".join(dict.fromkeys(robots)) or None,
        "licence": next((text for name in _LICENCES if (text := _text(merged.get(name)))), None),
        "alt_text": first_text(captions),
        "image": uri,
    }


def facts(metadata: Any) -> dict[str, Any]:
    """Return the fields of metadata as read from JSON; of a list, captions and opt-outs are taken.

    Raises:
        RowRejected: metadata that stayed a text since it is no JSON.
    """
    if isinstance(metadata, dict):
        return metadata
    if isinstance(metadata, str):
        shown = repr(metadata[:_SHOWN_CHARS])
        error = f"The metadata is not a JSON object, so an opt-out may be missed: {shown}; fix or remove it."
        raise RowRejected(Outcome.FAILED, Reason.BAD_MANIFEST_ROW, error)
    if not isinstance(metadata, list):
        return {}
    robots = [text for one in metadata if isinstance(one, dict) and (text := _text(one.get("robots")))]
    return {"caption": [one for one in metadata if isinstance(one, str)], "robots": robots or None}


def metadata_of(text: str, parse: Callable[[str], Any] = json.loads) -> Any:
    """Return metadata parsed from JSON, cut to the known fields where it is long; what is no JSON stays a text."""
    try:
        value = parse(text.strip("\ufeff \t\r\n"))
    except (ValueError, RecursionError):
        return text[:_MAX_TEXT_CHARS]
    # A JSON string or a number says nothing, and must not look like text that is no JSON.
    value = value if isinstance(value, dict | list) else {}
    if len(text) <= _MAX_TEXT_CHARS:
        return value
    known = {*ManifestRow.model_fields, *_CAPTIONS, *_LICENCES, "url"}
    return {name: item for name, item in facts(value).items() if name in known}


def robots_of(metadata: Any) -> str | None:
    """Return the opt-outs that metadata records; text that is no JSON counts whole, since it cannot be told."""
    return metadata if isinstance(metadata, str) else _text(facts(metadata).get("robots"))


def _read_beside(sidecars: Mapping[str, str]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for suffix, uri in sidecars.items():
        try:
            text = read_bytes(uri, _MAX_FILE_BYTES).decode("utf-8", "replace").strip()
        except (MissingFile, TooLarge) as error:
            if suffix == "txt":
                continue
            sentence = f"{error} It may hold an opt-out of the image; mend or remove it."
            raise RowRejected(Outcome.FAILED, Reason.BAD_MANIFEST_ROW, sentence) from error
        if suffix == "txt":
            read[suffix] = text
            continue
        metadata = metadata_of(text, json_value)
        if suffix == "json":
            read[suffix] = metadata
        elif said := robots_of(metadata):  # of a further file, such as `000.meta.json`
            read.setdefault("robots", []).append(said)
    return read


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(_text, value))) or None
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
