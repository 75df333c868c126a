"""`spatiallake render`: renders procedural rooms with ground truth into a crawl, in parallel."""

from collections.abc import Iterable, Iterator

import cv2
import pyarrow as pa
from pyspark.sql import SparkSession

from scenes.crawl import chunk_count, finish, start, write_chunk
from scenes.settings import RenderSettings, RenderSummary


def render(session: SparkSession, settings: RenderSettings) -> RenderSummary:
    """Render `settings.count` rooms on the executors; the manifest is written last, so a crawl with one is complete.

    A room depends only on the seed and its index: the files are byte-identical for any partitioning, and a repeated
    task overwrites its files with the same bytes.
    """

    def chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # Spark already runs one task per core
        cv2.setNumThreads(1)
        for batch in batches:
            for chunk in batch.column(0).to_pylist():
                images, objects = write_chunk(settings, chunk)
                yield pa.RecordBatch.from_pydict({"images": [images], "objects": [objects]})

    start(settings)
    count = chunk_count(settings)
    slots = session.sparkContext.defaultParallelism * 4
    work = session.range(0, count, 1, min(count, slots))
    totals = work.mapInArrow(chunks, "images long, objects long").collect()
    return finish(settings, sum(row["images"] for row in totals), sum(row["objects"] for row in totals))
