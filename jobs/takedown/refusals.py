"""What was taken down before, as ingest and listing refuse it."""

from jobs.engine.delta_log import opened
from jobs.engine.lake import Lake
from schemas.takedowns import TAKEDOWNS
from udfs.crawl.taken_down import RefusedKeys


def refused_keys(lake: Lake) -> RefusedKeys:
    """Return the keys of everything that was taken down in a lake, without Spark."""
    table = opened(lake.location(TAKEDOWNS))
    if table is None:
        return RefusedKeys()
    return RefusedKeys.of(table.to_pyarrow_table(columns=["key"])["key"].to_pylist())
