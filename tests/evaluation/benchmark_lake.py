"""A lake whose questions are made of kinds of known heights, as far as a benchmark reads it."""

import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from schemas.table import ENGINE_VERSION
from tests.evaluation.relation_questions import asked
from tests.pages.small_lake import write_table
from udfs.questions.registry import question_type
from vlm.evaluation.relations import Asked

RECIPE, OLD = "feedfacecafe0001", "feedfacecafe0000"
OWN = {"ingest_shard": 0, "engine_version": ENGINE_VERSION}
# What a benchmark does not read and the table does not leave out.
SCENE = {
    **{"camera": {"fx": 40.0, "fy": 40.0, "cx": 20.0, "cy": 12.0}, "camera_src": "crawl", "depth_src": "sensor"},
    **{"sigma_rel": 0.01, "scale_ok": True, "gravity_src": "gt", "has_plane": "floor"},
    **{"world_from_camera": [0.0] * 12, "planes": [], "pairs": [], "rejected": []},
}
# Where the engine says so, the bottom lies within its error of what the thing rests on, rarely at 0.
RESTS = {"answer": "It rests on it", "value_si": 0.013, "rounding_rule": "rests"}
TEXTS = ("answer_form", "frame", "question_template", "answer_template")


def write_lake(lake: Path, count: int, seed: int, split: str = "test") -> dict[str, Asked]:
    """Write the lake; return its relations by the id of their row."""
    relations = asked(count, seed)
    images = {one: image(one) for one in range(0, count, 2)}
    shas = {one: hashlib.sha256(data).hexdigest() for one, data in images.items()}
    rows: dict[str, list[dict[str, Any]]] = {"images": [], "scenes": [], "qa_pairs": [], "recipes": []}
    for number, data in images.items():
        kind = {"format": "jpeg", "exif_orientation": 6 if number % 4 else 1}
        rows["images"].append({"image_id": shas[number], "bytes": data, **_size(number), **kind, **OWN})
    by_image: dict[int, list[Asked]] = {one: [] for one in images}
    for one in relations:
        by_image[int(one.item_id.split("-")[1]) // 2 * 2].append(one)
    for number, own in by_image.items():
        objects: list[dict[str, Any]] = []
        for one in own:
            rows["qa_pairs"].append(_relation(one, shas[number], split, objects))
        rows["qa_pairs"] += _numbers(number, shas[number], split)
        rows["scenes"].append(
            {**SCENE, "image_id": shas[number], **_size(number), "objects": objects, "recipe": RECIPE, **OWN}
        )
    old = {**rows["qa_pairs"][0], "qa_id": "old", "recipe": OLD}
    rows["qa_pairs"].append(old)
    for stage in ("synthesize", "lift"):
        at = datetime(2026, 1, 2, tzinfo=UTC)
        rows["recipes"].append(
            {"stage": stage, "recipe": RECIPE, "upstream_recipe": "", "settings_json": "{}", "activated_at": at}
            | {"engine_version": ENGINE_VERSION}
        )
    for name, own in rows.items():
        write_table(lake, name, own)
    return {one.item_id: one for one in relations}


def _size(number: int) -> dict[str, int]:
    return {"width": 24, "height": 40} if number % 4 else {"width": 40, "height": 24}


def image(number: int) -> bytes:
    """Return a JPEG whose left half, as stored, is brighter; some are to be turned by a quarter."""
    pixels = np.random.default_rng(number).integers(0, 90, (24, 40, 3), dtype=np.uint8)
    pixels[:, :20] += 150
    exif = Image.Exif()
    exif[0x0112] = 6 if number % 4 else 1
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "JPEG", exif=exif)
    return held.getvalue()


def _row(type_id: str, image_id: str, split: str, **known: Any) -> dict[str, Any]:
    kind = question_type(type_id)
    own = {"image_id": image_id, "type_id": type_id, "family": str(kind.family), "answer_kind": str(kind.answer_kind)}
    row = {**own, **dict.fromkeys(TEXTS, "viewer"), "scene_recipe": RECIPE, "recipe": RECIPE, "split": split, **OWN}
    return {
        "question": f"{type_id}?",
        "needs": [],
        "seed": 1,
        "reference_form": "label",
        "options": None,
        **row,
        **known,
    }


def _relation(one: Asked, image_id: str, split: str, objects: list[dict[str, Any]]) -> dict[str, Any]:
    ids = [len(objects) + 1, len(objects) + 2]
    objects += [
        {"object_id": own, "label": kind, "range_m": 1.0 + own} for own, kind in zip(ids, one.kinds, strict=True)
    ]
    known: dict[str, Any] = {
        "qa_id": one.item_id,
        "object_ids": ids,
        "references": [f"the {kind} {own}" for kind, own in zip(one.kinds, ids, strict=True)],
        "answer": "Yes." if one.answer else "No.",
    }
    if one.side:
        lettered = known["references"] if ids[0] % 3 else known["references"][::-1]
        known |= {"side": one.side, "answer_object_id": ids[not one.answer], "answer": "B"}
        known |= {"options": lettered if ids[0] % 2 else None}
    else:
        known["answer_bool"] = one.answer
    return _row(one.type_id, image_id, split, **known)


def _numbers(number: int, image_id: str, split: str) -> list[dict[str, Any]]:
    first = {"object_ids": [1], "references": ["the thing"]}
    both = {"object_ids": [1, 2], "references": ["the thing", "the box on the left"], "reference_form": "position"}
    return [
        _row("N01", image_id, split, **both, qa_id=f"{split}-N01-{number}", answer="2 feet", value_si=0.6),
        _row("N05", image_id, split, **both, qa_id=f"{split}-N05-{number}", answer="1 m", value_si=1.0, side="left"),
        _row("N15", image_id, split, **first, qa_id=f"{split}-N15-{number}", **RESTS),
        _row("N16", image_id, split, **first, qa_id=f"{split}-N16-{number}", answer="0 m", value_si=0.0),
        _row("N17", image_id, split, **first, qa_id=f"{split}-N17-{number}", answer="30", value_si=0.5, side="left"),
    ]
