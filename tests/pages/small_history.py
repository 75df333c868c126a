"""What became of the small lake's images: one filtered out, one broken, and the runs of every stage."""

from datetime import UTC, datetime
from typing import Any

from schemas.table import ENGINE_VERSION
from tests.pages.room import Block, Room

RECIPE = "feedfacecafe0001"
OWN = {"recipe": RECIPE, "ingest_shard": 0, "engine_version": ENGINE_VERSION}
STOPPED = Room((Block(1, "sphere", "a sphere", (3.0, 0.0, 0.5), (0.6, 0.6, 1.0)),))


def add_stopped(rows: dict[str, list[dict[str, Any]]], image_id: str) -> None:
    """Add quarantine rows of the image that was filtered out and of one that never decoded."""
    error = "Filter score indoor is 0.11, under the threshold 0.5 <lower it>."
    left = {"stage": "context", "outcome": "filtered", "reason": "score_below_threshold", "error": error, "attempt": 1}
    rows["quarantine"].append({**left, "image_id": image_id, **OWN})
    broken = {
        "stage": "ingest",
        "outcome": "failed",
        "reason": "truncated_image",
        "error": "Cut at 10 bytes.",
        "attempt": 1,
    }
    retry = "spatiallake retry --stage ingest"
    rows["quarantine"].append({**broken, "entry_id": "e1", "uri": "/crawl/<bad>.jpg", "retry_command": retry, **OWN})


def add_operations(rows: dict[str, list[dict[str, Any]]]) -> None:
    """Add one micro-batch and one recipe per stage."""
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    # stage: rows in, rows out, failed, filtered, seconds, reasons
    runs = {
        "ingest": (5, 4, 1, 0, 2.0, [("failed:truncated_image", 1)]),
        "filter": (4, 4, 0, 0, 8.0, []),
        "context": (4, 3, 0, 1, 4.0, [("filtered:score_below_threshold", 1)]),
        "depth": (3, 3, 0, 0, 1.0, []),
        "lift": (3, 3, 0, 0, 3.0, []),
        "disambiguate": (3, 3, 0, 0, 0.5, []),
        "synthesize": (3, 96, 0, 0, 1.5, []),
    }
    for stage, (rows_in, rows_out, failed, filtered, seconds, reasons) in runs.items():
        own = {"stage": stage, "recipe": RECIPE, "engine_version": ENGINE_VERSION}
        counts = {"rows_in": rows_in, "rows_out": rows_out, "failed": failed, "filtered": filtered, "refused": 0}
        timing = {"seconds": seconds, "finished_at": now, "reasons": reasons}
        rows["stage_runs"].append({**own, **counts, **timing, "generation": "g1", "batch_id": 0})
        settings = '{"expert": {"name": "sensor"}}'
        rows["recipes"].append({**own, "settings_json": settings, "activated_at": now, "upstream_recipe": ""})
