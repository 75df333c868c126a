"""A crawl of rendered rooms, of which one holds words and bytes that occur nowhere else, and how to search for them."""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from deltalake import DeltaTable
from PIL import Image

from scenes.crawl import write_crawl

_SLICE_BYTES = 48


@dataclass(frozen=True)
class Secret:
    """The room that is to go: its place in the manifest, its id, and what must not be found any more."""

    row: int
    image_id: str
    url: str
    words: tuple[bytes, ...]


def write_secret_crawl(folder: Path, rooms: int = 6, seed: int = 5, secret_row: int = 2) -> Secret:
    """Write rooms as a manifest, and a smaller copy of the secret one in another format."""
    write_crawl(str(folder), count=rooms, seed=seed, width=160, height=120)
    rows = manifest(folder)
    rng = np.random.default_rng(seed)
    word = "".join(rng.choice(list("bcdfghjklmnpqrstvwxz"), 16))
    row = rows[secret_row]
    path = folder / row["image"]
    picture = Image.open(path).convert("RGB")
    marked = with_comment(path.read_bytes(), word.encode())
    path.write_bytes(marked)
    url = f"https://img.{word}.example.net/{word}.jpg"
    row |= {"image_url": url, "page_url": f"https://blog.example.org/{word}", "alt_text": f"about {word}"}
    row["licence"] = "CC-BY-NC-4.0"
    for one in row["objects"]:
        one["captions"] = [f"{word} {one['label']}", *one["captions"]]
    held = io.BytesIO()
    picture.resize((120, 90), Image.Resampling.LANCZOS).save(held, "WEBP", quality=80)
    (folder / "images" / "copy.webp").write_bytes(held.getvalue())
    rows.append({"image": "images/copy.webp", "source": "a copy"})
    write_manifest(folder, rows)
    blobs = [marked, (folder / row["depth"]).read_bytes(), (folder / row["instances"]).read_bytes()]
    image_id = hashlib.sha256(marked).hexdigest()
    return Secret(secret_row, image_id, url, (word.encode(), *map(middle, blobs)))


def manifest(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def write_manifest(folder: Path, rows: Iterable[dict[str, Any]]) -> None:
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def with_comment(jpeg: bytes, text: bytes) -> bytes:
    """Return a JPEG with a comment segment."""
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]


def middle(blob: bytes) -> bytes:
    start = len(blob) // 2
    return blob[start : start + _SLICE_BYTES]


def derived_words(lake: Path, image_id: str) -> tuple[bytes, ...]:
    """Return what the engine has made of the image: its masks, its depth and its resized copies."""
    found = [blob for row in rows_of(lake, "training_examples", image_id) for blob in [middle(row["jpeg"])]]
    found += [middle(row["depth"]) for row in rows_of(lake, "depths", image_id) if row["depth"]]
    masks = [region["rle"] for row in rows_of(lake, "regions", image_id) for region in row["regions"]]
    return (*found, *(mask.encode() for mask in masks if len(mask) > 30))


def rows_of(lake: Path, name: str, image_id: str) -> list[dict[str, Any]]:
    rows = DeltaTable(str(lake / name)).to_pyarrow_table().to_pylist()
    return [row for row in rows if row.get("image_id") == image_id]


def traces(lake: Path, words: Iterable[bytes]) -> list[str]:
    """Return every file below the lake that holds one of the words, plain or in a value of a Parquet file."""
    wanted, found = list(words), []
    for path in sorted(one for one in lake.rglob("*") if one.is_file()):
        content = path.read_bytes()
        contents = [content]
        if path.name.endswith(".parquet"):
            contents += list(_values(pq.ParquetFile(path).read().to_pylist()))
        if any(word in one for word in wanted for one in contents):
            found.append(str(path.relative_to(lake)))
    return found


def _values(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, str):
        yield value.encode()
    elif isinstance(value, dict):
        for one in value.values():
            yield from _values(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _values(one)
