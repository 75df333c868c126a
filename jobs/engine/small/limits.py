"""Which runs are small: few images, a lake of this machine, and stages that work without Spark."""

from collections.abc import Iterable, Sequence

from pyspark.sql import SparkSession

from jobs.engine.checkpoints import checkpoint_of
from jobs.engine.delta_log import count_rows, is_plain, opened
from jobs.engine.joining import on_platform
from jobs.engine.lake import Lake
from jobs.engine.settings import RunSettings
from jobs.engine.stage import Stage
from schemas.images import IMAGES
from udfs.storage.locations import has_scheme


def can_be_small(settings: RunSettings, lake: Lake, stages: Sequence[Stage]) -> bool:
    """Return whether these stages may run without Spark on this lake, however many images there are.

    Where a platform's session is there, a user names Spark's options, rules are Spark's SQL, or streams have begun to
    follow the tables, they run in Spark.
    """
    if not allow_small(settings) or not _is_of_this_machine(SparkSession.getActiveSession()):
        return False
    if any(stage.small is None or checkpoint_of(lake, stage) is not None for stage in stages):
        return False
    return _reads_as_plain(lake, stages)


def allow_small(settings: RunSettings, images: int = 0) -> bool:
    """Return whether settings let a command work on so many images without Spark."""
    if not settings.max_images_without_spark or settings.spark or settings.rules or settings.gpus_per_task:
        return False
    return is_local(settings) and images <= settings.max_images_without_spark


def is_local(settings: RunSettings) -> bool:
    """Return whether lake and checkpoints are folders, and a session would be one of this machine, for this command."""
    uris = (settings.lake_uri, settings.checkpoint_uri)
    return settings.master.startswith("local[") and not on_platform() and not any(map(has_scheme, uris))


def _is_of_this_machine(session: SparkSession | None) -> bool:
    return session is None or (session.conf.get("spark.master", "") or "").startswith("local[")


def images_in(lake: Lake) -> int:
    """Return how many images a lake has."""
    return count_rows(lake.location(IMAGES), "true")


def _reads_as_plain(lake: Lake, stages: Iterable[Stage]) -> bool:
    tables = (table for stage in stages for table in (*stage.definition.reads, *stage.committed))
    held = (opened(location) for location in {lake.location(table) for table in tables})
    return all(one is None or is_plain(one) for one in held)
