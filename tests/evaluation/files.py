"""Writing small files: an image, a Parquet folder as the hub has it, a JSON document."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Rows = list[dict[str, Any]]


def image(shade: int = 90, size: tuple[int, int] = (32, 24)) -> bytes:
    """An encoded PNG of one shade."""
    held = io.BytesIO()
    Image.new("RGB", size, (shade, shade // 2, 255 - shade)).save(held, "PNG")
    return held.getvalue()


def cell(shade: int = 90) -> dict[str, Any]:
    """An image as `datasets` keeps it in Parquet."""
    return {"bytes": image(shade), "path": None}


def parquet(path: Path, rows: Rows) -> Path:
    """Rows in one Parquet file of two row groups, in a folder as the hub has it."""
    path.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path / "test-00000-of-00001.parquet", row_group_size=2)
    return path


def json_file(path: Path, document: Any) -> Path:
    """A JSON document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
