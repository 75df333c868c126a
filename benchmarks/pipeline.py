"""Runs the row functions of the stages on the images of a local crawl, without Spark."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenes.truth.measure import png_pixels, read_manifest
from udfs.experts.expert import SENSOR
from udfs.stages.disambiguate import DisambiguateSettings, disambiguate_row
from udfs.stages.lift import LiftSettings, lift_row
from udfs.stages.one_image import prediction_of
from udfs.stages.rows import RowRejected
from udfs.stages.synthesize import QaColumns, SynthesizeSettings, synthesize_scene

Row = dict[str, Any]


@dataclass
class ProcessedImage:
    """The outputs of the stages for one image, with the processor seconds of each stage."""

    manifest: Mapping[str, Any]
    image_id: str
    scene: Row | None = None
    references: Row | None = None
    answers: list[Row] = field(default_factory=list)
    rejected: RowRejected | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def image_row(crawl: Path, row: Mapping[str, Any]) -> Row:
    """Return the columns of `images` that the `sensor` experts read, from a manifest row."""
    pixels = png_pixels(crawl / row["instances"])
    objects = [
        {
            "id": item["id"],
            "label": item["label"],
            "captions": item.get("captions", []),
            "box_3d": _flat_box(item.get("box_3d")),
            "front": item.get("front"),
        }
        for item in row["objects"]
    ]
    return {
        "image_id": hashlib.sha256((crawl / row["image"]).read_bytes()).hexdigest(),
        "ingest_shard": 0,
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "depth": (crawl / row["depth"]).read_bytes(),
        "instances": (crawl / row["instances"]).read_bytes(),
        "camera": dict(row["camera"]),
        "gravity": row.get("gravity"),
        "pose": None,
        "objects": objects,
        "licence": row.get("licence"),
    }


def _flat_box(box: Mapping[str, Any] | None) -> Row | None:
    if box is None:
        return None
    rotation = [float(value) for line in box["rotation"] for value in line]
    return {"center": list(box["center"]), "size": list(box["size"]), "rotation": rotation}


def lift_input(image: Row) -> Row:
    """Return the input of the lift stage: the columns of `depths` and `regions`."""
    return {**image, **prediction_of("depth", SENSOR, image), **prediction_of("context", SENSOR, image)}


def processed_images(
    crawl: Path,
    limit: int | None = None,
    gravity: bool = True,
    max_affordances: int = 0,
    settings: SynthesizeSettings | None = None,
) -> Iterator[ProcessedImage]:
    """Run every image of a crawl through the stages; `gravity=False` hides the crawl's gravity from them."""
    settings = settings or SynthesizeSettings(max_affordances=max_affordances)
    for manifest in read_manifest(crawl)[:limit]:
        image = image_row(crawl, manifest if gravity else {**manifest, "gravity": None})
        result = ProcessedImage(manifest, image["image_id"])
        try:
            _run(image, result, settings)
        except RowRejected as rejected:
            result.rejected = rejected
        yield result


def _run(image: Row, result: ProcessedImage, settings: SynthesizeSettings) -> None:
    row = lift_input(image)
    keys = {"image_id": image["image_id"], "ingest_shard": 0}
    start = time.process_time()
    lift = LiftSettings(places=settings.asks_affordances)
    result.scene = {**lift_row(row, lift), **keys, "recipe": "pure"}
    lifted = time.process_time()
    result.references = {
        **disambiguate_row({**result.scene, "regions": row["regions"]}, DisambiguateSettings()),
        **keys,
    }
    named = time.process_time()
    question_row = {**result.scene, "scene_recipe": "pure", "licence": image["licence"]}
    columns = QaColumns("pure")
    synthesize_scene(question_row, result.references["references"], settings, columns)
    result.answers = columns.rows()
    done = time.process_time()
    result.seconds = {"lift": lifted - start, "disambiguate": named - lifted, "synthesize": done - named}
