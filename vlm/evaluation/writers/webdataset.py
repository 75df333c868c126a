"""WebDataset: one tar; per item the pictures, and a JSON file with question, answer and what it is."""

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path

from vlm.evaluation.items import Item, Rejected
from vlm.evaluation.writers.prepared import prepared, prompt_of


def write(items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write `path` (.tar); return the items that were left out. Equal items make equal bytes."""
    rejected: list[Rejected] = []
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for item, pictures in prepared(items, rejected):
            key = f"{item.number:08d}"
            for place, picture in enumerate(pictures):
                middle = "" if len(pictures) == 1 else f"{place}."
                _add(tar, f"{key}.{middle}{picture.suffix}", picture.data)
            about = {
                "item_id": item.item_id,
                "question": prompt_of(item),
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
