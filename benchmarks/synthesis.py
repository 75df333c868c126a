"""Measures synthesis without Spark: answers per processor second on one thread, Arrow batch in, Arrow batch out.

`python -m benchmarks.synthesis --rooms 100 --copies 20` lifts rendered rooms once, copies each scene under new image
ids, which seed different questions, and times `synthesize_batches` on batches of 500 scenes.
"""

import argparse
import hashlib
import tempfile
import time
from pathlib import Path

import cv2
import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import ArrayType, StringType, StructType

from benchmarks.pipeline import ProcessedImage, processed_images
from benchmarks.processor import heading
from scenes.crawl import write_crawl
from schemas.answers import QA_PAIRS
from schemas.operations import REJECT
from schemas.scenes import SCENES
from schemas.shapes import REFERENCE
from udfs.stages.synthesize import SynthesizeSettings, synthesize_batches

BATCH_ROWS = 500
_OMITTED = ("recipe", "engine_version", "planes", "rejected")


def scene_batches(made: list[ProcessedImage], copies: int) -> list[pa.RecordBatch]:
    """Return the input of the synthesize stage: every scene `copies` times, under different image ids."""
    kept = [field for field in SCENES.schema.fields if field.name not in _OMITTED]
    spark_type = StructType(kept).add("scene_recipe", StringType()).add("licence", StringType())
    schema = to_arrow_schema(spark_type.add("references", ArrayType(REFERENCE)))
    rows = []
    for copy in range(copies):
        for processed in made:
            image_id = hashlib.sha256(f"{processed.image_id} {copy}".encode()).hexdigest()
            scene, named = processed.scene or {}, processed.references or {}
            extra = {"scene_recipe": "pure", "licence": "CC0-1.0", "references": named["references"]}
            rows.append({**scene, **extra, "image_id": image_id})
    return [
        pa.RecordBatch.from_pylist(rows[start : start + BATCH_ROWS], schema=schema)
        for start in range(0, len(rows), BATCH_ROWS)
    ]


def main() -> None:
    """Lift, time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=100)
    parser.add_argument("--copies", type=int, default=20)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as scratch:
        write_crawl(str(scratch), args.rooms, 1)
        made = [p for p in processed_images(Path(scratch)) if p.scene and p.references]
    batches = scene_batches(made, args.copies)
    result_type = to_arrow_schema(StructType(list(QA_PAIRS.schema.fields)).add("rejects", ArrayType(REJECT)))
    result_type = pa.schema([field.with_nullable(True) for field in result_type])
    list(synthesize_batches(iter(batches[:1]), SynthesizeSettings(), "warm", result_type))
    start = time.process_time()
    answers = sum(len(b) for b in synthesize_batches(iter(batches), SynthesizeSettings(), "pure", result_type))
    seconds = time.process_time() - start
    scenes = sum(len(batch) for batch in batches)
    print(heading())
    print(f"{answers} answers of {scenes} scenes in {seconds:.2f} CPU-seconds: {answers / seconds:.0f} per CPU-second")


if __name__ == "__main__":
    main()
