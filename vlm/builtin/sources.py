"""Labeled images from the manifests of RGB-D crawls and from rows of a lake."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.experts.images import UprightImage, upright_image
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
            yield labeled_image({**row, **files, "bytes": _read(manifest.parent, row["image"])})


def labeled_image(row: Mapping[str, Any]) -> LabeledImage:
    """Return the upright image of a row of `images`, or of a manifest with bytes in place of file names."""
    image = upright_image(row)
    depth, instances = _upright(row.get("depth"), image), _upright(row.get("instances"), image)
    camera, gravity = row.get("camera"), row.get("gravity")
    # Rotating the pixels would also rotate gravity, which training can do without.
    turned = image.orientation != 1
    return LabeledImage(
        rgb=np.asarray(image.image),
        depth_m=None if depth is None else depth.astype(np.float32) * _DEPTH_UNIT_M,
        instances=instances,
        objects={o["id"]: (o.get("label") or "", tuple(o.get("captions") or ())) for o in row.get("objects") or ()},
        focal_px=float(np.sqrt(camera["fx"] * camera["fy"])) if camera else None,
        gravity=None if gravity is None or turned else gravity,
    )


def _upright(data: bytes | None, image: UprightImage) -> NDArray[Any] | None:
    """Return a map rotated like its image; None if it is missing or has another size."""
    if not data:
        return None
    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.ndim != 2:
        return None
    places = image.to_stored(np.arange(image.size[0] * image.size[1]).reshape(image.size[::-1]))
    if places.shape != stored.shape:
        return None
    upright = np.empty(stored.size, stored.dtype)
    upright[places.ravel()] = stored.ravel()
    return upright.reshape(image.size[::-1])


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise SettingsUnusable(
            f"{folder / name} cannot be read ({error}); remove its row from the manifest."
        ) from error
