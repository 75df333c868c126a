"""Labelled photographs from rendered crawls and from lakes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.builtin.example import Labelled

_MANIFEST = "manifest.jsonl"
_DEPTH_UNIT_M = 1e-3


def of_crawl(crawl: str) -> Iterator[Labelled]:
    """Yield the photographs of a crawl's manifest, `crawl` being its folder or the file, in its order."""
    path = Path(crawl)
    manifest = path / _MANIFEST if path.is_dir() else path
    with manifest.open(encoding="utf-8") as lines:
        for line in lines:
            yield _of_row(manifest.parent, json.loads(line))


def _of_row(folder: Path, row: dict[str, Any]) -> Labelled:
    depth = _pixels(folder, row.get("depth"))
    objects = {o["id"]: (o.get("label") or "", tuple(o.get("captions") or ())) for o in row.get("objects") or ()}
    rgb = cv2.imread(str(folder / row["image"]), cv2.IMREAD_COLOR_RGB)
    if rgb is None:
        raise ValueError(f"The photograph {folder / row['image']} cannot be decoded; take its row out of the manifest.")
    return Labelled(
        rgb=rgb,
        depth_m=None if depth is None else depth.astype(np.float32) * np.float32(_DEPTH_UNIT_M),
        instances=_pixels(folder, row.get("instances")),
        objects=objects,
        focal_px=(row.get("camera") or {}).get("fx"),
        gravity=row.get("gravity"),
    )


def _pixels(folder: Path, name: str | None) -> NDArray[Any] | None:
    return cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED) if name else None
