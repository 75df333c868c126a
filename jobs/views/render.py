"""`spatiallake render`: renders procedural rooms with ground truth into a crawl, in parallel."""

from collections.abc import Iterable, Iterator
from functools import partial

import cv2
import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.engine.small.pool import pool
from scenes.crawl import chunk_count, finish, start, write_chunk
from scenes.settings import RenderSettings, RenderSummary

_TASKS_PER_CORE = 4


def render(settings: RenderSettings, session: SparkSession | None = None) -> RenderSummary:
    """Render `settings.count` rooms on the session's executors, or, without one, in processes of this machine.

    The manifest is written last, so that a crawl with one is complete. A room depends only on the seed and its index:
    the files are byte-identical for any partitioning, and a repeated task overwrites its files with the same bytes.
    """
    start(settings)
    counts = list(_in_processes(settings) if session is None else _in_spark(session, settings))
    return finish(settings, sum(images for images, _ in counts), sum(objects for _, objects in counts))


def _in_processes(settings: RenderSettings) -> Iterator[tuple[int, int]]:
    with pool() as processes:
        yield from processes.each(partial(_written, settings), range(chunk_count(settings)), settings.count)


def _in_spark(session: SparkSession, settings: RenderSettings) -> Iterator[tuple[int, int]]:
    def chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for chunk in batch.column(0).to_pylist():
                images, objects = _written(settings, chunk)
                yield pa.RecordBatch.from_pydict({"images": [images], "objects": [objects]})

    count = chunk_count(settings)
    work = session.range(0, count, 1, min(count, session.sparkContext.defaultParallelism * _TASKS_PER_CORE))
    yield from (
        (row["images"], row["objects"]) for row in work.mapInArrow(chunks, "images long, objects long").collect()
    )


def _written(settings: RenderSettings, chunk: int) -> tuple[int, int]:
    # One task runs per core already.
    cv2.setNumThreads(1)
    return write_chunk(settings, chunk)
