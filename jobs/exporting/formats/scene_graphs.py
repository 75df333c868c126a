"""Scene graphs: one JSON line per image with its objects, their measured distances, and the relations that were asked.

Relations are those that a rule decided, so what is absent is unknown rather than false.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from jobs.exporting.chunk import Chunk, Row
from jobs.exporting.json_rows import write_json_lines
from jobs.exporting.layouts import ExportFormat, ShardFiles
from udfs.questions.registry import question_type

_OBJECT = (
    *("object_id", "label", "captions", "bbox_px", "area_px", "truncated", "occlusion"),
    *("center_m", "size_m", "corners_m", "yaw_rad", "range_m", "sigma_m", "size_ok", "front_w", "support_plane_id"),
)
_SCENE = ("width", "height", "camera", "depth_src", "sigma_rel", "has_plane", "gravity_src", "world_from_camera")
_NUMBER = ("value_si", "unit_si", "sigma_si")
_NO_SCENE = "rows of images without a scene"


def _write(chunks: Iterable[Chunk], files: ShardFiles) -> None:
    write_json_lines(files.path(f"{files.split}/{files.name}.jsonl"), _graphs(chunks, files))


def _graphs(chunks: Iterable[Chunk], files: ShardFiles) -> Iterator[dict[str, Any]]:
    for chunk in chunks:
        for image_id, own in groupby(chunk.rows, key=lambda row: row["image_id"]):
            rows, scene = list(own), chunk.scenes.get(image_id)
            if scene is None:
                files.leave_out(_NO_SCENE, rows)
                continue
            image = chunk.images.get(image_id)
            yield {
                "image_id": image_id,
                **({"image": image.place} if image else {}),
                "licence": rows[0]["licence"],
                **{name: scene[name] for name in _SCENE},
                "objects": _objects(scene),
                "distances": [
                    {"a": pair["a"], "b": pair["b"], "gap_m": pair["gap_m"], "clearance_m": pair["clearance_m"]}
                    for pair in scene["pairs"]
                ],
                "relations": [_relation(row) for row in rows],
            }


def _objects(scene: Row) -> list[Row]:
    called = {one["object_id"]: one["expression"] for one in scene["references"]}
    return [{**{name: one[name] for name in _OBJECT}, "name": called.get(one["object_id"])} for one in scene["objects"]]


def _relation(row: Row) -> Row:
    kind = question_type(row["type_id"])
    known = {"holds": row["answer_bool"], "side": row["side"], "object": row["answer_object_id"]}
    known |= {name: row[name] for name in _NUMBER}
    said = {name: value for name, value in known.items() if value is not None}
    about = {"type_id": row["type_id"], "title": kind.title, "object_ids": row["object_ids"], "frame": row["frame"]}
    return {**about, **said, "qa_id": row["qa_id"]}


EXPORT = ExportFormat(
    name="scene_graphs",
    title="scene graphs: objects, distances and relations, one JSON line per image",
    read_by="any program",
    write=_write,
    images=("none", "files", "urls"),
    tables=("qa_pairs",),
    needs_scenes=True,
)
