"""What a row says in numbers and words: camera, gravity, pose, objects, episode and texts, each checked alone."""

import json
from typing import Any, TypeVar

import ftfy
from pydantic import TypeAdapter, ValidationError

from schemas.manifest import (
    BOX_PART,
    CAMERA_PART,
    OBJECT_PART,
    POSE_PART,
    UNIT_PART,
    ManifestObject,
    ManifestRow,
)
from schemas.reasons import Reason
from udfs.crawl.entries import fault
from udfs.crawl.findings import Findings
from udfs.crawl.limits import IngestSettings
from udfs.stages.rows import Row

_TEXT_FIELDS = (
    "crawl_id",
    "source",
    "image_url",
    "page_url",
    "alt_text",
    "licence",
    "crawled_at",
    "robots",
    "sequence_id",
    "instruction",
)
PartT = TypeVar("PartT")


def texts(row: ManifestRow, limits: IngestSettings, findings: Findings) -> dict[str, str | None]:
    """Return the row's texts by field, without those that are over the limit."""
    return {name: _short(getattr(row, name), name, limits, findings) for name in _TEXT_FIELDS}


def annotations(row: ManifestRow, limits: IngestSettings, findings: Findings) -> Row:
    """Return camera, gravity [3], pose [16] and objects as columns of `images`, null where unsound."""
    camera = _part(CAMERA_PART, row.camera, Reason.BAD_INTRINSICS, "Camera", findings)
    return {
        "camera": camera.model_dump() if camera else None,
        "gravity": _part(UNIT_PART, row.gravity, Reason.BAD_GRAVITY, "Gravity", findings),
        "pose": _part(POSE_PART, row.pose, Reason.BAD_POSE, "Pose", findings),
        "objects": _objects(row.objects, limits, findings),
    }


def mended(alt_text: str | None) -> str | None:
    """Return a text with its mojibake mended."""
    return ftfy.fix_text(alt_text) if alt_text else alt_text


def episode_json(row: ManifestRow, instruction: str | None, findings: Findings) -> str | None:
    """Return instruction, action and state of a robot episode as JSON, or None when the row has none of them."""
    episode = {"instruction": instruction, "action": row.action, "state": row.state}
    if all(value is None for value in episode.values()):
        return None
    try:
        return json.dumps(episode, ensure_ascii=False, allow_nan=False)
    except ValueError:
        sentence = "`action` or `state` holds a number that is not finite; correct it or leave the field out."
        findings.failed(Reason.BAD_MANIFEST_ROW, sentence)
        return None


def _objects(raw: Any, limits: IngestSettings, findings: Findings) -> list[Row] | None:
    if not raw:
        return None
    if not isinstance(raw, list):
        findings.failed(Reason.BAD_MANIFEST_ROW, f"`objects` is {type(raw).__name__}; write a list of objects.")
        return None
    objects: dict[int, Row] = {}
    for index, value in enumerate(raw):
        one = _part(OBJECT_PART, value, Reason.BAD_MANIFEST_ROW, f"Object number {index + 1}", findings)
        if one is not None and one.id in objects:
            sentence = f"Object id {one.id} is listed twice; give each object its own id."
            findings.failed(Reason.BAD_MANIFEST_ROW, sentence)
        elif one is not None:
            objects[one.id] = _object(one, limits, findings)
    return list(objects.values()) or None


def _object(one: ManifestObject, limits: IngestSettings, findings: Findings) -> Row:
    name = f"object {one.id}"
    box = _part(BOX_PART, one.box_3d, Reason.BAD_BOX, f"Box of {name}", findings)
    captions = [_short(caption, f"caption of {name}", limits, findings) for caption in one.captions]
    return {
        "id": one.id,
        "label": _short(one.label, f"label of {name}", limits, findings),
        "captions": [caption for caption in captions if caption],
        "box_3d": box.model_dump() if box else None,
        "front": _part(UNIT_PART, one.front, Reason.BAD_BOX, f"Front of {name}", findings),
    }


def _part(adapter: TypeAdapter[PartT], raw: Any, reason: Reason, name: str, findings: Findings) -> PartT | None:
    if raw is None:
        return None
    try:
        return adapter.validate_python(raw)
    except ValidationError as error:
        findings.failed(reason, f"{name} is unsound, {fault(error)}; correct it or leave it out.")
        return None


def _short(text: str | None, name: str, limits: IngestSettings, findings: Findings) -> str | None:
    if text is None or len(text) <= limits.max_text_chars:
        return text
    findings.refused(
        Reason.TEXT_TOO_LONG,
        f"The {name} has {len(text):,} characters, over the limit of {limits.max_text_chars:,};"
        " shorten it or raise ingest.max_text_chars.",
    )
    return None
