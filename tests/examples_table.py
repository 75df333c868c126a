"""A small `training_examples` table written by Spark, with removed files and several row groups per file."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from delta.tables import DeltaTable
from PIL import Image
from pyspark.sql import SparkSession

from jobs.engine.lake import Lake
from schemas.table import ENGINE_VERSION
from schemas.training import TRAINING_EXAMPLES

RECIPE = "feedfeedfeedfeed"
IMAGES, PARTS = 80, 3
# Small enough that three files have twelve row groups.
_SMALL_GROUPS = {
    "parquet.block.size": "24000",
    "parquet.block.size.row.check.min": "10",
    "parquet.page.size.row.check.min": "10",
    "parquet.page.size.row.check.max": "20",
}


def small_image(number: int) -> bytes:
    """Return a JPEG of 16 x 12 px."""
    noise = np.random.default_rng(number).integers(0, 256, (12, 16, 3), np.uint8)
    held = io.BytesIO()
    Image.fromarray(noise).save(held, "JPEG")
    return held.getvalue()


def example_rows(images: int = IMAGES, split: str = "train", recipe: str = RECIPE) -> list[dict[str, Any]]:
    """Return the rows of images, `PARTS` of each, with small images."""
    return [_row(number, part, split, recipe) for number in range(images) for part in range(PARTS)]


def _row(number: int, part: int, split: str, recipe: str) -> dict[str, Any]:
    image_id = hashlib.sha256(f"{split}{number}".encode()).hexdigest()
    said = [{"from": "human", "value": f"How far is {number}?"}, {"from": "gpt", "value": "Yes " * (part + 1)}]
    return {
        "example_id": f"{split}-{recipe}-{number}-{part}",
        "image_id": image_id,
        "part": part,
        "jpeg": small_image(number),
        "width": 16,
        "height": 12,
        "conversations": json.dumps(said),
        "turns": 1,
        "text_tokens": 10 + (number * 7 + part) % 23,
        "answer_tokens": part + 1,
        "qa_ids": "[]",
        "type_ids": "[]",
        "stream": "spatial",
        "split": split,
        "licence": None,
        "recipe": recipe,
        "ingest_shard": 0,
        "engine_version": ENGINE_VERSION,
    }


def write_examples(spark: SparkSession, folder: Path) -> str:
    """Write the small table, with additional rows of another split, another recipe and a deleted image."""
    lake = Lake(spark, str(folder), str(folder / "_checkpoints"))
    lake.ensure(TRAINING_EXAMPLES)
    kept = {name: spark.conf.get(name, None) for name in _SMALL_GROUPS}
    for name, value in _SMALL_GROUPS.items():
        spark.conf.set(name, value)
    rows = [*example_rows(IMAGES + 1), *example_rows(4, "test"), *example_rows(4, recipe="other")]
    lake.append(TRAINING_EXAMPLES, spark.createDataFrame(rows, TRAINING_EXAMPLES.schema), "test", 0)
    # What a takedown does: the files are written anew, the former ones stay until VACUUM.
    taken_down = example_rows(IMAGES + 1)[-1]["image_id"]
    DeltaTable.forPath(spark, lake.location(TRAINING_EXAMPLES)).delete(f"image_id = '{taken_down}'")
    for name, value in kept.items():
        spark.conf.unset(name) if value is None else spark.conf.set(name, value)
    return lake.location(TRAINING_EXAMPLES)


def write_images(spark: SparkSession, folder: Path, images: list[bytes]) -> str:
    """Write a table with the given images in the layout of the stage."""
    lake = Lake(spark, str(folder), str(folder / "_checkpoints"))
    lake.ensure(TRAINING_EXAMPLES)
    rows = [{**row, "jpeg": images[number // PARTS]} for number, row in enumerate(example_rows(len(images)))]
    lake.append(TRAINING_EXAMPLES, spark.createDataFrame(rows, TRAINING_EXAMPLES.schema), "test", 0)
    return lake.location(TRAINING_EXAMPLES)
