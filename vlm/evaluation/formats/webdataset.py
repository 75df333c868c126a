"""WebDataset: one tar with the images and a JSON file of every item."""

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path

from vlm.evaluation.encoding import encoded
from vlm.evaluation.items import Item, Rejected
from vlm.evaluation.layouts import Format


def _write(items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write `path` (.tar), byte for byte the same for the same items."""
    rejected: list[Rejected] = []
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for item, images in encoded(items, rejected):
            key = f"{item.number:08d}"
            for place, image in enumerate(images):
                middle = "" if len(images) == 1 else f"{place}."
                _add(tar, f"{key}.{middle}{image.suffix}", image.data)
            about = {
                "item_id": item.item_id,
                "question": item.prompt,
                "answer": item.answer,
                "kind": item.kind,
                "type_id": item.type_id,
            }
            _add(tar, f"{key}.json", json.dumps(about, ensure_ascii=False).encode())
    return rejected


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


FORMAT = Format(name="webdataset", title="WebDataset: one tar of images and JSON files", write=_write)
