"""Rows as items of an evaluation, for the formats of programs that test models."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from jobs.exporting.chunk import Chunk
from jobs.exporting.layouts import ShardFiles
from vlm.evaluation.benchmark import item_of
from vlm.evaluation.images import ItemImage
from vlm.evaluation.items import Item

_UNFAIR = "rows that make no fair item of an evaluation"


def items_of(chunks: Iterable[Chunk], files: ShardFiles) -> Iterator[Item]:
    """Yield the rows that make an item, numbered from 0, with their image; the others count as left out."""
    number = 0
    for chunk in chunks:
        for row in chunk.rows:
            scene = chunk.scenes.get(row["image_id"])
            things = {one["object_id"]: one for one in scene["objects"]} if scene else {}
            item = item_of(row, things) if all(one in things for one in row["object_ids"]) else None
            if item is None:
                files.leave_out(_UNFAIR, [row])
                continue
            image = chunk.images[row["image_id"]]
            size_px = (image.width, image.height)
            yield replace(item, number=number, images=(ItemImage(data=image.data),), size_px=size_px)
            number += 1
