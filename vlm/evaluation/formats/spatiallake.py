"""Our own tables in Parquet: items with every field and their images, and predictions with how they were read."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from vlm.evaluation.encoding import IMAGES, encoded, write_rows
from vlm.evaluation.items import Answer, Item, Kind, Prediction, Rejected, Truth
from vlm.evaluation.layouts import Format, ItemReader, PredictionReader
from vlm.evaluation.rows import Row
from vlm.evaluation.scores.success import success

_TEXTS = ("item_id", "source", "kind", "type_id", "question", "prompt", "answer", "truth")
_OPTIONAL = ("asked_unit", "circular_group", "flip_group", "part")
# The column of `Item.image_id`.
_IMAGE_ID = "photograph"
_PREDICTED_TEXTS = ("model", "item_id", "source", "kind", "type_id", "question", "truth", "raw")
_LISTS = ("options", "sides", "kinds")
_ITEMS = pa.schema(
    [
        *((name, pa.string()) for name in (*_TEXTS, *_OPTIONAL, _IMAGE_ID)),
        *((name, pa.list_(pa.string())) for name in _LISTS),
        ("distance_m", pa.float64()),
        ("size_px", pa.list_(pa.int32())),
        ("images", IMAGES),
        ("mask", IMAGES),
    ]
)
_PREDICTIONS = pa.schema(
    [
        *((name, pa.string()) for name in _PREDICTED_TEXTS),
        ("parsed", pa.bool_()),
        ("value", pa.string()),
        ("side", pa.string()),
        ("flags", pa.list_(pa.string())),
        ("span", pa.list_(pa.int32())),
        *((name, pa.string()) for name in ("parser", "parser_version")),
        ("success", pa.float64()),
    ]
)


def items_of(row: Row) -> list[Item]:
    """Return the item of a row."""
    truth = json.loads(row.text("truth"))
    masks = row.images("mask")
    known = {
        **truth,
        "texts": tuple(truth["texts"]),
        "polygon": tuple((x, y) for x, y in truth["polygon"]),
        "box": tuple(truth["box"]) if truth["box"] else None,
    }
    size = row.list("size_px")
    return [
        Item(
            **{name: row.text(name) for name in ("item_id", "source", "type_id", "question", "answer")},
            number=row.number,
            kind=Kind(row.text("kind")),
            truth=Truth(mask=masks[0] if masks else None, **known),
            images=row.images("images"),
            **{name: tuple(row.list(name)) for name in _LISTS},
            size_px=(int(size[0]), int(size[1])) if size else None,
            image_id=row.get(_IMAGE_ID),
            **{name: row.get(name) for name in (*_OPTIONAL, "distance_m")},
        )
    ]


def write(items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write `path` (.parquet) with every field of the items; return those that were left out."""
    rejected: list[Rejected] = []
    write_rows(_rows(items, rejected), _ITEMS, path)
    return rejected


def _rows(items: Iterable[Item], rejected: list[Rejected]) -> Iterator[dict[str, Any]]:
    for item, images in encoded(items, rejected):
        mask = item.truth.mask
        yield {
            **{
                name: getattr(item, name) for name in ("item_id", "source", "type_id", "question", "answer", *_OPTIONAL)
            },
            **{name: list(getattr(item, name)) for name in _LISTS},
            _IMAGE_ID: item.image_id,
            "kind": str(item.kind),
            "prompt": item.prompt,
            "truth": _truth_json(item.truth),
            "distance_m": item.distance_m,
            "size_px": list(item.size_px) if item.size_px else None,
            "images": [{"bytes": image.data, "path": image.name} for image in images],
            "mask": [{"bytes": mask.read(), "path": None}] if mask else [],
        }


def _truth_json(truth: Truth) -> str:
    """Return a truth as JSON, without its mask."""
    fields = asdict(truth)
    del fields["mask"]
    return json.dumps(fields, ensure_ascii=False)


def write_predictions(predictions: Sequence[Prediction], path: Path) -> None:
    """Write `path` (.parquet), one row per prediction; `value` is JSON, in the unit of the truth."""
    write_rows(
        (
            {
                "model": one.model,
                **{name: getattr(one.item, name) for name in ("item_id", "source", "type_id", "question")},
                "kind": str(one.item.kind),
                "truth": one.item.answer,
                "raw": one.raw,
                "parsed": one.parsed,
                "value": json.dumps(one.reading.value),
                "side": one.reading.side,
                "flags": list(one.reading.flags),
                "span": list(one.reading.span) if one.reading.span else None,
                "parser": one.reading.parser,
                "parser_version": one.reading.parser_version,
                "success": success(one),
            }
            for one in predictions
        ),
        _PREDICTIONS,
        path,
    )


def _answer(row: Row) -> Answer:
    return Answer(str(row.get("raw") or ""), row.text("item_id"))


def _model(row: Row, path: Path) -> str:
    return str(row.get("model") or path.stem)


FORMAT = Format(
    name="spatiallake",
    title="our own tables of items and of predictions",
    items=ItemReader(items_of),
    predictions=PredictionReader(_answer, model=_model, columns=("raw",)),
    write=write,
)
