"""Reads rows of a local lake with delta-rs."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from scenes.truth.measure import read_manifest


def rows_by_image(lake: Path, name: str) -> dict[str, list[dict[str, Any]]]:
    """Return a table's rows by image id."""
    grouped = defaultdict(list)
    for batch in DeltaTable(str(lake / name)).to_pyarrow_dataset().to_batches():
        for row in batch.to_pylist():
            grouped[row["image_id"]].append(row)
    return dict(grouped)


def image_ids(crawl: Path) -> Iterator[tuple[str, str]]:
    """Yield (image URI, SHA-256 of the image's bytes) of every manifest row."""
    for row in read_manifest(crawl):
        yield row["image"], hashlib.sha256((crawl / row["image"]).read_bytes()).hexdigest()
