"""Validates the annotations of a manifest row one by one: camera, gravity, pose, objects, episode and texts."""

import json
from typing import Any, TypeVar

import ftfy
from pydantic import TypeAdapter, ValidationError

from schemas.manifest import (
    BOX_PART,
    CAMERA_PART,
    OBJECT_PART,
    POSE_PART,
    SCALE_PART,
    UNIT_PART,
    ManifestObject,
    ManifestRow,
)
from schemas.reasons import Reason
from udfs.crawl.depth_values import MM_PER_M
from udfs.crawl.entries import fault
from udfs.crawl.limits import IngestSettings
from udfs.crawl.part_rejects import PartRejects
from udfs.language.controls import without_controls
from udfs.stages.rows import Row

_LINKS = ("crawl_id", "source", "image_url", "page_url")
_TEXT_FIELDS = (*_LINKS, "alt_text", "licence", "crawled_at", "robots", "sequence_id", "instruction")
PartT = TypeVar("PartT")


def texts(row: ManifestRow, limits: IngestSettings, rejects: PartRejects) -> dict[str, str | None]:
    """Return the row's texts by field, without unseen characters.

    A text over the length limit becomes None and adds a reject.
    """
    return {name: _short(getattr(row, name), name, limits, rejects) for name in _TEXT_FIELDS}


def annotations(row: ManifestRow, limits: IngestSettings, rejects: PartRejects) -> Row:
    """Return the `images` columns camera, gravity [3], pose [16] and objects, NULL where invalid."""
    camera = _part(CAMERA_PART, row.camera, Reason.BAD_INTRINSICS, "Camera", rejects)
    return {
        "camera": camera.model_dump() if camera else None,
        "gravity": _part(UNIT_PART, row.gravity, Reason.BAD_GRAVITY, "Gravity", rejects),
        "pose": _part(POSE_PART, row.pose, Reason.BAD_POSE, "Pose", rejects),
        "objects": _objects(row.objects, limits, rejects),
    }


def depth_units(row: ManifestRow, rejects: PartRejects) -> float | None:
    """Return how many units of the depth map are a meter, 1000 where the row does not say; None if it is invalid.

    An invalid scale costs the depth map, since nothing else tells its unit.
    """
    if row.depth_scale is None:
        return MM_PER_M
    units_per_m = _part(SCALE_PART, row.depth_scale, Reason.BAD_DEPTH, "`depth_scale`", rejects)
    if units_per_m is not None and units_per_m < 1:
        shown = f"`depth_scale` = {units_per_m:g} reads as meters per unit, and units per meter are needed"
        rejects.failed(Reason.BAD_DEPTH, f"{shown}; write {1 / max(units_per_m, 1e-9):g}.")
        return None
    return units_per_m


def fixed_text(alt_text: str | None) -> str | None:
    """Return a text with mojibake repaired."""
    return ftfy.fix_text(alt_text) if alt_text else alt_text


def episode_json(row: ManifestRow, instruction: str | None, rejects: PartRejects) -> str | None:
    """Return a robot episode's instruction, action and state as JSON; None if the row has none of them."""
    episode = {"instruction": instruction, "action": row.action, "state": row.state}
    if all(value is None for value in episode.values()):
        return None
    try:
        return json.dumps(episode, ensure_ascii=False, allow_nan=False)
    except ValueError:
        error = "`action` or `state` contains a non-finite number; correct it or omit the field."
        rejects.failed(Reason.BAD_MANIFEST_ROW, error)
        return None


def _objects(raw: Any, limits: IngestSettings, rejects: PartRejects) -> list[Row] | None:
    if not raw:
        return None
    if not isinstance(raw, list):
        rejects.failed(Reason.BAD_MANIFEST_ROW, f"`objects` is a {type(raw).__name__}; write a list of objects.")
        return None
    if len(raw) > limits.max_objects:
        rejects.refused(
            Reason.TOO_MANY_OBJECTS,
            f"The row lists {len(raw):,} objects, over the limit of {limits.max_objects:,}, so the later ones are left"
            " out; list fewer or raise ingest.max_objects.",
        )
    objects: dict[int, Row] = {}
    for index, value in enumerate(raw[: limits.max_objects]):
        item = _part(OBJECT_PART, value, Reason.BAD_MANIFEST_ROW, f"Object number {index + 1}", rejects)
        if item is not None and item.id in objects:
            error = f"Object id {item.id} is listed twice; give each object a unique id."
            rejects.failed(Reason.BAD_MANIFEST_ROW, error)
        elif item is not None:
            objects[item.id] = _object(item, limits, rejects)
    return list(objects.values()) or None


def _object(item: ManifestObject, limits: IngestSettings, rejects: PartRejects) -> Row:
    name = f"object {item.id}"
    box = _part(BOX_PART, item.box_3d, Reason.BAD_BOX, f"Box of {name}", rejects)
    captions = [_short(caption, f"caption of {name}", limits, rejects) for caption in item.captions]
    return {
        "id": item.id,
        "label": _short(item.label, f"label of {name}", limits, rejects),
        "captions": [caption for caption in captions if caption],
        "box_3d": box.model_dump() if box else None,
        "front": _part(UNIT_PART, item.front, Reason.BAD_BOX, f"Front of {name}", rejects),
    }


def _part(adapter: TypeAdapter[PartT], raw: Any, reason: Reason, name: str, rejects: PartRejects) -> PartT | None:
    if raw is None:
        return None
    try:
        return adapter.validate_python(raw)
    except ValidationError as error:
        rejects.failed(reason, f"{name} is invalid, {fault(error)}; correct or omit it.")
        return None


def _short(text: str | None, name: str, limits: IngestSettings, rejects: PartRejects) -> str | None:
    text = without_controls(text) if text else text
    if text is None or len(text) <= limits.max_text_chars:
        return text
    rejects.refused(
        Reason.TEXT_TOO_LONG,
        f"The {name} has {len(text):,} characters, over the limit of {limits.max_text_chars:,};"
        " shorten it or raise ingest.max_text_chars.",
    )
    return None
