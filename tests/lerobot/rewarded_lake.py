"""A small lake with the rewards of two episodes, written without Spark."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tests.lerobot.recorded import LENGTHS, TASKS, pixels, png, state
from tests.pages.small_lake import write_table

OWN = {"ingest_shard": 0, "engine_version": "0", "recipe": "r", "upstream_recipe": "u"}
DISTANCES = ([0.4, 0.3, 0.2, 0.1, 0.0], [0.6, 0.5, None, None, 0.2, 0.1, 0.0])
UNKNOWN = "The mug was not found in this frame."


def write_rewarded_lake(
    lake: Path, kind: str = "progress", name: str = "arm", resting: bool = False, episodes: int = 2
) -> Path:
    """Frames 2 and 3 of the second episode are unknown and filled; resting: its last frame has the image before it."""
    rows: dict[str, list[dict[str, Any]]] = {"images": [], "rewards": [], "crawl": [], "provenance": []}
    for episode, distances in enumerate(DISTANCES[:episodes]):
        for frame, distance in enumerate(distances):
            _add(rows, kind, (f"{name}/{episode:06d}", episode, frame), distance, resting)
    for table, held in rows.items():
        write_table(lake, table, held)
    at = datetime(2026, 11, 30, tzinfo=UTC)
    recipe = {"stage": "reward", "recipe": "r", "upstream_recipe": "u", "registered_at": at, "activated_at": at}
    told = json.dumps({"settings": {"kind": kind}})
    write_table(lake, "recipes", [{**recipe, "settings_json": "{}", "configuration_json": told, "engine_version": "0"}])
    return lake


def _add(rows: dict, kind: str, place: tuple[str, int, int], distance: float | None, resting: bool) -> None:
    sequence, episode, frame = place
    rests = resting and episode == 1 and frame == LENGTHS[1] - 1
    image = pixels(episode, frame - rests)
    image_id = hashlib.sha256(png(image)).hexdigest()
    told = {"sequence_id": sequence, "frame_index": frame}
    entry = f"{episode}-{frame}"
    rows["crawl"].append(
        {**OWN, "entry_id": entry, "kind": "manifest", "crawl_uri": "x", "row_json": json.dumps({"image": "x", **told})}
    )
    rows["provenance"].append({**OWN, "entry_id": entry, "image_id": image_id})
    if rests:
        return
    start = DISTANCES[episode][0] or 1.0
    filled = distance is None
    distance = float(np.interp(frame, [1, 4], [0.5, 0.2])) if distance is None else distance
    before = [0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0] if episode else [0.4, 0.3, 0.2, 0.1, 0.0]
    reward = {
        "progress": 1 - distance / start,
        "distance": -distance,
        "difference": before[frame - 1] - distance if frame else 0.0,
    }
    told_of = {"instruction": TASKS[episode], "state": state(episode, frame), "action": [float(frame), 0.5]}
    rows["images"].append(
        {
            **OWN, **told, "image_id": image_id, "bytes": png(image), "format": "png", "width": image.shape[1],
            "height": image.shape[0], "exif_orientation": 1, "episode_json": json.dumps(told_of),
        }
    )  # fmt: skip
    rows["rewards"].append(
        {
            **OWN, **told, "image_id": image_id, "instruction": TASKS[episode], "distance_m": distance,
            "source": "filled" if filled else "measured", "contact": distance == 0, "success": False,
            "progress": 1 - distance / start, "reward": reward[kind], "unknown": UNKNOWN if filled else None,
        }
    )  # fmt: skip
