"""Near-duplicates of the images that were taken down, among those that remain."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

from jobs.engine.joining import ARROW_ROWS, try_set
from jobs.engine.lake import Lake
from jobs.engine.recipe_table import recipe_book
from schemas.images import IMAGES
from udfs.pixels.near_hashes import hashes_of, near_pairs
from udfs.stages.duplicates import DuplicatesSettings

_ARROW_ROWS = "20000"
_FOUND = StructType(
    [
        StructField("image_id", StringType()),
        StructField("near", StringType()),
        StructField("bits", IntegerType()),
    ]
)


class NearDuplicate(BaseModel):
    """An image that remains, the image that it resembles, and in how many bits of 64 their hashes differ."""

    model_config = ConfigDict(frozen=True)

    image_id: str
    near: str
    bits: int


def near_duplicates(lake: Lake, gone: dict[str, str]) -> list[NearDuplicate]:
    """Return the images of the lake whose perceptual hash is near one of `gone`, which holds hashes by image id.

    How near is what the stage `duplicates` of the lake calls a near-duplicate.
    """
    ids = list(gone)
    hashes, there = hashes_of(list(gone.values()))
    if not there.any() or not lake.exists(IMAGES):
        return []
    max_bits = _max_bits(lake)
    by_hash: dict[int, str] = {}
    for image_id, phash, known in zip(ids, hashes.tolist(), there.tolist(), strict=True):
        if known:
            by_hash.setdefault(phash, image_id)
    wanted = np.array(sorted(by_hash), np.uint64)

    def compared(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [
                {"image_id": image_id, "near": by_hash[of], "bits": (phash ^ of).bit_count()}
                for image_id, phash, of in _near(batch, wanted, max_bits)
                if image_id not in gone
            ]
            yield pa.RecordBatch.from_pylist(rows, schema=to_arrow_schema(_FOUND))

    try_set(lake.session, ARROW_ROWS, _ARROW_ROWS)
    found = lake.read(IMAGES).select("image_id", "phash").mapInArrow(compared, _FOUND)
    rows = [NearDuplicate(**row.asDict()) for row in found.collect()]
    return sorted(rows, key=lambda one: (one.bits, one.image_id, one.near))


def _near(batch: pa.RecordBatch, wanted: np.ndarray, max_bits: int) -> Iterator[tuple[str, int, int]]:
    """Yield id and hash of each image of a batch that is near a wanted hash, with that hash."""
    hashes, there = hashes_of(batch.column("phash").to_pylist())
    every = np.unique(np.concatenate([wanted, hashes[there]]))
    fresh = np.isin(every, wanted)
    near: dict[int, set[int]] = {phash: {phash} for phash in wanted.tolist()}
    for pair in zip(*near_pairs(every, max_bits, fresh), strict=True):
        a, b = (int(every[place]) for place in pair)
        for one, other, other_wanted in ((a, b, fresh[pair[1]]), (b, a, fresh[pair[0]])):
            if other_wanted:
                near.setdefault(one, set()).add(other)
    ids = batch.column("image_id").to_pylist()
    for image_id, phash, known in zip(ids, hashes.tolist(), there.tolist(), strict=True):
        for other in sorted(near.get(phash, ())) if known else ():
            yield image_id, phash, other


def _max_bits(lake: Lake) -> int:
    given = recipe_book(lake).remembered().get("duplicates", {})
    return DuplicatesSettings(**given).max_bits
