"""What an export has to hold, read from the tables without any of the product's code, and what is in a folder."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from deltalake import DeltaTable
from PIL import Image, ImageOps

SPLITS = ("train", "validation", "test")


def table(lake: Path, name: str) -> list[dict[str, Any]]:
    return DeltaTable(str(lake / name)).to_pyarrow_table().to_pylist()


def answers(lake: Path, split: str | None = None) -> dict[str, dict[str, Any]]:
    """Rows of `qa_pairs` by id; a lake of these tests has one recipe."""
    return {row["qa_id"]: row for row in table(lake, "qa_pairs") if split in (None, row["split"])}


def pixels(lake: Path, max_side_px: int = 10_000) -> dict[str, np.ndarray]:
    """The upright pixels of every image, by Pillow's own means."""
    found = {}
    for row in table(lake, "images"):
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(row["bytes"]))).convert("RGB")
        image.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS)
        found[row["image_id"]] = np.asarray(image, np.float32)
    return found


def looks_like(image: Any, truth: np.ndarray) -> bool:
    """Whether an image, as JPEG bytes or opened, differs from the truth by compression alone."""
    opened = Image.open(io.BytesIO(image)) if isinstance(image, bytes) else image
    shown = np.asarray(opened.convert("RGB"), np.float32)
    return shown.shape == truth.shape and float(np.abs(shown - truth).mean()) < 4.0


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
