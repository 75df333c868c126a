"""Labelled photographs from the manifests of RGB-D crawls and from lakes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.engine.errors import CrawlUnreadable
from jobs.views.reader import LakeReader
from udfs.experts.pictures import Picture, picture_of
from vlm.builtin.example import Labelled

_MANIFEST = "manifest.jsonl"
_DEPTH_UNIT_M = np.float32(1e-3)
_COLUMNS = "bytes, exif_orientation, depth, camera, gravity, instances, objects"


def of_crawl(crawl: str) -> Iterator[Labelled]:
    """Yield the photographs of a crawl on disk in its order; `crawl` is its folder or its manifest.

    Raises:
        CrawlUnreadable: there is no manifest, or a file that it names cannot be decoded.
    """
    path = Path(crawl)
    manifest = path / _MANIFEST if path.is_dir() else path
    if not manifest.is_file():
        raise CrawlUnreadable(f"There is no manifest at {manifest}; `spatiallake render --out {crawl}` makes a crawl.")
    with manifest.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            files = {name: _read(manifest.parent, row[name]) for name in ("depth", "instances") if row.get(name)}
            yield labelled({**row, **files, "bytes": _read(manifest.parent, row["image"])})


def of_lake(lake: str) -> Iterator[Labelled]:
    """Yield the photographs of a lake's `images` with what their crawls carried, shard by shard, by id.

    Raises:
        LakeUnreadable: the lake has no `images`.
    """
    reader = LakeReader(lake)
    for shard in reader.query("images", "SELECT DISTINCT ingest_shard FROM t ORDER BY ingest_shard"):
        # the photographs of all shards would not fit into memory
        one = f"SELECT {_COLUMNS} FROM t WHERE ingest_shard = {shard['ingest_shard']} ORDER BY image_id"
        yield from map(labelled, reader.query("images", one))


def labelled(row: Mapping[str, Any]) -> Labelled:
    """Return a row of a manifest, with its files' bytes in place of their names, or of `images`, upright."""
    picture = picture_of(row)
    depth, instances = _upright(row.get("depth"), picture), _upright(row.get("instances"), picture)
    camera, gravity = row.get("camera"), row.get("gravity")
    # turned pixels turn gravity too, and training has enough photographs without those
    turned = picture.orientation != 1
    return Labelled(
        rgb=np.asarray(picture.image),
        depth_m=None if depth is None else depth.astype(np.float32) * _DEPTH_UNIT_M,
        instances=instances,
        objects={o["id"]: (o.get("label") or "", tuple(o.get("captions") or ())) for o in row.get("objects") or ()},
        focal_px=float(np.sqrt(camera["fx"] * camera["fy"])) if camera else None,
        gravity=None if gravity is None or turned else gravity,
    )


def _upright(data: bytes | None, picture: Picture) -> NDArray[Any] | None:
    """Return a map of stored pixels turned as the photograph is; None where it is missing or of another size."""
    if not data:
        return None
    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.ndim != 2:
        return None
    places = picture.to_stored(np.arange(picture.size[0] * picture.size[1]).reshape(picture.size[::-1]))
    if places.shape != stored.shape:
        return None
    upright = np.empty(stored.size, stored.dtype)
    upright[places.ravel()] = stored.ravel()
    return upright.reshape(picture.size[::-1])


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise CrawlUnreadable(f"{folder / name} cannot be read ({error}); take its row out of the manifest.") from error
