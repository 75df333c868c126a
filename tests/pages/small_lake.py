"""A small lake of ray-cast rooms, written with delta-rs from rows that fit the schemas."""

import hashlib
import io
import json
import math
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from deltalake import write_deltalake
from PIL import Image
from pycocotools import mask as coco
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.views.reader import known_tables
from schemas.images import IMAGES
from tests.pages.room import Block, Room
from tests.pages.small_history import OWN, RECIPE, STOPPED, add_operations, add_stopped

HOSTILE = "“Ünï” <b>bold</b> </script><script>window.hacked=1</script> & 'quoted' \"chair\" 椅子 🪑"

CABINET = Block(1, "cabinet", "the tall cabinet", (3.4, 0.9, 0.6), (0.4, 0.8, 1.2), 0.3)
CRATE = Block(2, "crate", "the blue crate", (2.3, -0.2, 0.2), (0.5, 0.4, 0.4), -0.5)
BIN = Block(3, "bin", "the green bin", (3.0, -1.1, 0.3), (0.3, 0.3, 0.6))


def crowd() -> Room:
    """Return a room of thirty small boxes in rows."""
    blocks = [
        Block(n, "box", f"box {n}", (2.2 + 0.6 * (n % 6), -1.4 + 0.65 * (n // 6), 0.12), (0.2, 0.16, 0.24), 0.2 * n)
        for n in range(1, 31)
    ]
    return Room(tuple(blocks))


def rooms() -> list[Room]:
    """Return the images of the lake: plain, hostile words and portrait, crowded."""
    hostile = Block(1, HOSTILE, HOSTILE, (2.6, 0.3, 0.45), (0.45, 0.45, 0.9), 0.6)
    return [
        Room((CABINET, CRATE, BIN)),
        Room((hostile, CRATE), width=420, height=640, focal=500.0, pitch_rad=0.2),
        crowd(),
    ]


def image_bytes(room: Room) -> bytes:
    """Return the image as JPEG that a camera held upright stored: its EXIF asks viewers to turn it back."""
    exif = Image.Exif()
    exif[0x0112] = 6
    held = io.BytesIO()
    Image.fromarray(room.image).transpose(Image.Transpose.ROTATE_90).save(held, "JPEG", quality=90, exif=exif)
    return held.getvalue()


def image_id_of(room: Room) -> str:
    """Return the image id."""
    return hashlib.sha256(image_bytes(room)).hexdigest()


@cache
def small_rows() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every table."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in known_tables()}
    for room in rooms():
        add_image(rows, room)
    size = {"width": STOPPED.width, "height": STOPPED.height}
    stopped = {"image_id": image_id_of(STOPPED), "bytes": image_bytes(STOPPED), "format": "jpeg"}
    rows["images"].append({**stopped, **size, **OWN})
    add_stopped(rows, stopped["image_id"])
    add_operations(rows)
    return rows


def write_lake(
    lake: Path, tables: tuple[str, ...] | None = None, rows: dict[str, list[dict[str, Any]]] | None = None
) -> Path:
    """Write the named tables (all of them by default) of the given rows and return the lake."""
    rows = rows or small_rows()
    for name in tables or tuple(name for name, held in rows.items() if held):
        write_table(lake, name, rows[name])
    return lake


def write_table(lake: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """Append rows to a table; columns that a row leaves out are null."""
    schema = to_arrow_schema(known_tables()[name].schema)
    full = [{column: row.get(column) for column in schema.names} for row in rows]
    new = not (lake / name).exists()
    write_deltalake(str(lake / name), pa.Table.from_pylist(full, schema=schema), mode="append")
    if new and name == IMAGES.name:
        _mark_upright(lake / name / "_delta_log" / f"{0:020}.json")


def _mark_upright(entry: Path) -> None:
    """Give a table the property that Spark writes; delta-rs reads those of others and writes none."""
    actions = [json.loads(line) for line in entry.read_text().splitlines()]
    for action in actions:
        if "metaData" in action:
            action["metaData"]["configuration"] = dict(IMAGES.properties)
    entry.write_text("".join(json.dumps(action) + "\n" for action in actions))


def add_image(rows: dict[str, list[dict[str, Any]]], room: Room) -> None:
    """Add all rows of one room's image."""
    owner, depth = room.cast
    image_id = image_id_of(room)
    own = {"image_id": image_id, **OWN}
    size = {"width": room.width, "height": room.height}
    png = cv2.imencode(".png", np.where(np.isfinite(depth), depth * 1000, 0).astype(np.uint16))[1].tobytes()
    seen = [block for block in room.blocks if (owner == block.number).sum() > 60]
    alt = HOSTILE if room.height > room.width else None
    rows["images"].append(
        {**own, **size, "bytes": image_bytes(room), "format": "jpeg", "exif_orientation": 6, "alt_text": alt}
    )
    rows["provenance"].append(
        {
            "entry_id": image_id[:8],
            "image_id": image_id,
            "uri": f"/crawl/{image_id[:6]}/image.jpg",
            "source": "rooms",
            **OWN,
        }
    )
    rows["image_scores"].append({**own, "scores": [("indoor room", 0.93), ("outdoor", 0.05)]})
    rows["regions"].append({**own, **size, "regions": [_region(block, owner == block.number) for block in seen]})
    source = {"depth_src": "sensor", "sigma_rel": 0.01, "scale_ok": True, "camera": room.camera, "camera_src": "crawl"}
    level = {"gravity_src": "gt", "gravity_sigma_deg": 0.5}
    rows["depths"].append({**own, "depth": png, **source, **level})
    rejected = [{"region_id": 99, "reason": "too_few_points", "detail": "12 points <50>; 50 are needed."}]
    pose = room.world_from_camera.ravel().tolist()
    scene = {
        **own,
        **size,
        **source,
        **level,
        "has_plane": "floor",
        "world_from_camera": pose,
        "planes": [],
        "pairs": [],
    }
    objects = [_object(block, room, owner == block.number) for block in seen]
    rows["scenes"].append({**scene, "objects": objects, "rejected": rejected})
    named = seen[:8]
    rows["references"].append(
        {
            **own,
            "references": [
                {"object_id": b.number, "expression": b.expression, "form": "label", "group_size": 1} for b in named
            ],
            "rejected": [{"region_id": b.number, "reason": "ambiguous", "detail": "30 boxes alike."} for b in seen[8:]],
        }
    )
    for a, b in combinations(named, 2):
        rows["qa_pairs"] += _questions(image_id, a, b)


def _region(block: Block, mask: np.ndarray) -> dict[str, Any]:
    v, u = np.nonzero(mask)
    return {
        "region_id": block.number,
        "label": block.label,
        "captions": [block.expression],
        "score": 1.0,
        "bbox_px": [int(u.min()), int(v.min()), int(u.max()) + 1, int(v.max()) + 1],
        "area_px": int(mask.sum()),
        "rle": str(coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"], "ascii"),  # pyright: ignore[reportArgumentType]
    }


def _object(block: Block, room: Room, mask: np.ndarray) -> dict[str, Any]:
    foot = block.corners[:4, :2]
    range_m = float(np.linalg.norm(np.array(block.center) - room.world_from_camera[:, 3]))
    long, deep = max(block.size[:2]), min(block.size[:2])
    extent = block.corners.max(0) - block.corners.min(0)
    return {
        "object_id": block.number,
        "label": block.label,
        "captions": [block.expression],
        "n_points": int(mask.sum()),
        "center_m": list(block.center),
        "lo_m": block.corners.min(0).tolist(),
        "hi_m": block.corners.max(0).tolist(),
        "range_m": range_m,
        "sigma_m": 0.01 * range_m,
        "yaw_rad": block.yaw_rad + (0.0 if block.size[0] >= block.size[1] else math.pi / 2),
        "yaw_box_m": [*block.center[:2], long, deep],
        "foot_m": foot.ravel().tolist(),
        "size_source": "visible",
        "size_m": [extent[0], extent[1], block.size[2], long, deep],
        "volume_m3": float(np.prod(block.size)),
        "size_ok": True,
        "corners_m": block.corners.ravel().tolist(),
        "truncated": block.number == 3,
        "occlusion": 0.25 if block.number == 2 else 0.0,
        "front_w": [math.cos(block.yaw_rad), math.sin(block.yaw_rad), 0.0] if block.number == 1 else None,
        "front_confidence": 0.9 if block.number == 1 else None,
    }


def _questions(image_id: str, a: Block, b: Block) -> list[dict[str, Any]]:
    gap = math.dist(a.center, b.center)
    left = a.center[1] > b.center[1]
    shared = {
        "image_id": image_id,
        "object_ids": [a.number, b.number],
        "references": [a.expression, b.expression],
        "answer_form": "sentence",
        "reference_form": "expression",
        "frame": "viewer",
        "question_template": "w.q01",
        "answer_template": "w.a01",
        "needs": ["G", "M"],
        "scene_recipe": RECIPE,
        "seed": 7,
        "split": "train",
        "witness_ok": True,
        **OWN,
    }
    asked = f"Is {a.expression} to the left of {b.expression}?"
    yes_no = {
        "type_id": "Q01",
        "family": "qualitative",
        "question": asked,
        "answer": "Yes, it is." if left else "No, it is not.",
        "answer_kind": "bool",
        "answer_bool": left,
        "margin_actual": abs(a.center[1] - b.center[1]),
        "margin_threshold": 0.09,
    }
    lettered = {
        "type_id": "Q09",
        "family": "qualitative",
        "question": "Which is closer to the camera?",
        "answer": "A" if a.center[0] < b.center[0] else "B",
        "answer_kind": "choice",
        "answer_form": "letter",
        "side": "closer",
        "answer_object_id": a.number if a.center[0] < b.center[0] else b.number,
        "options": [f"A. {a.expression}", f"B. {b.expression}"],
    }
    number = {
        "type_id": "N02",
        "family": "quantitative",
        "question": f"How far is {a.expression} from {b.expression}, center to center?",
        "answer": f"About {gap:.1f} meters.",
        "answer_kind": "number",
        "value_si": gap,
        "unit_si": "m",
        "sigma_si": 0.03,
        "value_text": f"{gap:.1f}",
        "unit_text": "meters",
        "rounding_rule": "0.1 m",
        "distance_kind": "center",
    }
    keyed = [(yes_no, "yn"), (lettered, "ab"), (number, "n")]
    return [{**shared, **row, "qa_id": f"{image_id[:8]}-{a.number}-{b.number}-{kind}"} for row, kind in keyed]
