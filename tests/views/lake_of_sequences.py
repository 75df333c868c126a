"""A small crawl of rendered sequences with poses."""

import json
from pathlib import Path

from scenes.crawl import MANIFEST, write_crawl

FRAMES = 4


def write_sequences(folder: Path, rooms: int = 2) -> list[dict]:
    """Write the crawl; of the last room, the pose of one frame is wrong. Return its manifest."""
    write_crawl(str(folder), rooms, 12, width=160, height=120, frames=FRAMES, rooms=("living room", "office"))
    manifest = folder / MANIFEST
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    rows[-2]["pose"][0][3] += 0.9
    rows[-2]["pose"][2][3] += 0.5
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows
