"""Our own items in Parquet, every field of them, with their pictures; `formats.native` reads it back."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from vlm.evaluation.items import Item, Rejected, Truth
from vlm.evaluation.writers.parquet import IMAGES, write_rows
from vlm.evaluation.writers.prepared import prepared, prompt_of

_TEXTS = ("item_id", "source", "kind", "type_id", "question", "prompt", "answer", "truth")
_OPTIONAL = ("asked_unit", "circular_group", "flip_group", "part", "photograph")
_LISTS = ("options", "sides", "kinds")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in (*_TEXTS, *_OPTIONAL)),
        *((name, pa.list_(pa.string())) for name in _LISTS),
        ("distance_m", pa.float64()),
        ("size_px", pa.list_(pa.int32())),
        ("images", IMAGES),
        ("mask", IMAGES),
    ]
)


def write(items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write `path` (.parquet); return the items that were left out."""
    rejected: list[Rejected] = []
    write_rows(_rows(items, rejected), SCHEMA, path)
    return rejected


def _rows(items: Iterable[Item], rejected: list[Rejected]) -> Iterator[dict[str, Any]]:
    for item, pictures in prepared(items, rejected):
        mask = item.truth.mask
        yield {
            **{
                name: getattr(item, name) for name in ("item_id", "source", "type_id", "question", "answer", *_OPTIONAL)
            },
            **{name: list(getattr(item, name)) for name in _LISTS},
            "kind": str(item.kind),
            "prompt": prompt_of(item),
            "truth": truth_json(item.truth),
            "distance_m": item.distance_m,
            "size_px": list(item.size_px) if item.size_px else None,
            "images": [{"bytes": picture.data, "path": picture.name} for picture in pictures],
            "mask": [{"bytes": mask.read(), "path": None}] if mask else [],
        }


def truth_json(truth: Truth) -> str:
    """Return everything of a truth but its mask as JSON."""
    known = asdict(truth)
    del known["mask"]
    return json.dumps(known, ensure_ascii=False)
