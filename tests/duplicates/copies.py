"""Copies of rendered images as the web makes them, with the depth, masks and camera that belong to them."""

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np

Row = dict[str, Any]


def reencoded(source: Path, row: Row, out: Path, name: str) -> Row:
    """Save the image as JPEG of a lower quality."""
    return _written(row, out, name, _read(source, row), {"quality": 70})


def halved(source: Path, row: Row, out: Path, name: str) -> Row:
    """Save everything at half the size."""
    image, depth, instances = _read(source, row)
    size = image.shape[1] // 2, image.shape[0] // 2
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    maps = [cv2.resize(one, size, interpolation=cv2.INTER_NEAREST) for one in (depth, instances)]
    camera = {key: value / 2 for key, value in row["camera"].items()}
    return _written({**row, "camera": camera}, out, name, (small, *maps), {"quality": 90})


def cropped(source: Path, row: Row, out: Path, name: str) -> Row:
    """Cut 1 % off each side."""
    image, depth, instances = _read(source, row)
    dy, dx = max(1, image.shape[0] // 100), max(1, image.shape[1] // 100)
    parts = [one[dy:-dy, dx:-dx] for one in (image, depth, instances)]
    camera = {**row["camera"], "cx": row["camera"]["cx"] - dx, "cy": row["camera"]["cy"] - dy}
    return _written({**row, "camera": camera}, out, name, tuple(parts), {"quality": 90})


def copied_whole(source: Path, row: Row, out: Path) -> Row:
    """Copy the files of a row as they are."""
    for key in ("image", "depth", "instances"):
        (out / row[key]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / row[key], out / row[key])
    return row


def _read(source: Path, row: Row) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    flags = {"image": cv2.IMREAD_COLOR, "depth": cv2.IMREAD_UNCHANGED, "instances": cv2.IMREAD_UNCHANGED}
    image, depth, instances = (cv2.imread(str(source / row[key]), flag) for key, flag in flags.items())
    assert image is not None and depth is not None and instances is not None
    return image, depth, instances


def _written(row: Row, out: Path, name: str, parts: tuple[np.ndarray, ...], how: dict[str, int]) -> Row:
    out.mkdir(parents=True, exist_ok=True)
    image, depth, instances = parts
    cv2.imwrite(str(out / f"{name}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, how["quality"]])
    cv2.imwrite(str(out / f"{name}-depth.png"), depth)
    cv2.imwrite(str(out / f"{name}-instances.png"), instances)
    files = {"image": f"{name}.jpg", "depth": f"{name}-depth.png", "instances": f"{name}-instances.png"}
    objects = [one for one in row["objects"] if (instances == one["id"]).any()]
    kept = {key: value for key, value in row.items() if key not in ("sequence_id", "frame_index")}
    return {**kept, **files, "objects": objects}
