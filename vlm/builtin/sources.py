"""Labeled images from the manifests of RGB-D crawls and from rows of a lake."""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from udfs.experts.images import upright_image
from udfs.pixels.decoding import orientation_of
from udfs.pixels.maps import decoded_map
from udfs.pixels.orientation import UPRIGHT, Orientation
from vlm.builtin.example import LabeledImage
from vlm.errors import SettingsUnusable

_MANIFEST = "manifest.jsonl"
_DEPTH_UNIT_M = np.float32(1e-3)


def of_crawl(crawl: str) -> Iterator[LabeledImage]:
    """Yield the images of a local crawl in order; `crawl` is its folder or its manifest.

    Raises:
        SettingsUnusable: there is no manifest, or a file that it names cannot be decoded.
    """
    path = Path(crawl)
    manifest = path / _MANIFEST if path.is_dir() else path
    if not manifest.is_file():
        raise SettingsUnusable(f"There is no manifest at {manifest}; `spatiallake render --out {crawl}` makes a crawl.")
    with manifest.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            files = {name: _read(manifest.parent, row[name]) for name in ("depth", "instances") if row.get(name)}
            data = _read(manifest.parent, row["image"])
            yield labeled_image({**row, **files, "bytes": data}, _turn(data))


def _turn(data: bytes) -> Orientation:
    with Image.open(io.BytesIO(data)) as image:
        return orientation_of(image)


def labeled_image(row: Mapping[str, Any], turn: Orientation = UPRIGHT) -> LabeledImage:
    """Return the image of a row of `images`; `turn` is what its maps and its gravity still have to be turned by."""
    image = upright_image(row)
    depth, instances = (_map(row.get(name), turn, image.size) for name in ("depth", "instances"))
    camera, gravity = row.get("camera"), row.get("gravity")
    return LabeledImage(
        rgb=np.asarray(image.image),
        depth_m=None if depth is None else depth.astype(np.float32) * _DEPTH_UNIT_M,
        instances=instances,
        objects={o["id"]: (o.get("label") or "", tuple(o.get("captions") or ())) for o in row.get("objects") or ()},
        focal_px=float(np.sqrt(camera["fx"] * camera["fy"])) if camera else None,
        gravity=None if gravity is None else turn.vector(gravity),
    )


def _map(data: bytes | None, turn: Orientation, size: tuple[int, int]) -> NDArray[Any] | None:
    """Return a map (h, w) upright; None if it is missing, cannot be decoded or has another size than the image."""
    try:
        values = turn.map(decoded_map(data)) if data else None
    except ValueError:
        return None
    return values if values is not None and values.shape == size[::-1] else None


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise SettingsUnusable(
            f"{folder / name} cannot be read ({error}); remove its row from the manifest."
        ) from error
