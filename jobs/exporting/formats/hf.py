"""A Hugging Face data set: Parquet files by split, one typed row per question, with an `Image` column and a card."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from jobs.exporting.chunk import Chunk
from jobs.exporting.layouts import ExportFormat, ShardFiles
from jobs.exporting.parquet import IMAGE, image_of, with_features, write_parquet


def _write(chunks: Iterable[Chunk], files: ShardFiles) -> None:
    tables = _tables(chunks, files.settings.images)
    first = next(tables, None)
    if first is None:
        return
    features = {"image": {"_type": "Image"}} if "image" in first.column_names else {}
    schema = with_features(first.schema.remove_metadata(), features)
    write_parquet(files.path(f"data/{files.name}.parquet"), schema, _all(first, tables))


def _all(first: pa.Table, others: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from others


def _tables(chunks: Iterable[Chunk], images: str) -> Iterator[pa.Table]:
    for chunk in chunks:
        table, ids = chunk.table, chunk.table["image_id"].to_pylist()
        if images == "inside":
            values = {one: image_of(image.data, one) for one, image in chunk.images.items()}
            table = table.add_column(0, "image", pa.array([values[one] for one in ids], IMAGE))
        elif images == "urls":
            addresses = [chunk.images[one].place for one in ids]
            table = table.add_column(0, "image_url", pa.array(addresses, pa.string()))
        yield table


EXPORT = ExportFormat(
    name="hf",
    title="Hugging Face data set: Parquet, all columns of the table, column `image`, and a card",
    read_by="`datasets`, the Hub, DuckDB, Daft",
    write=_write,
    images=("inside", "urls", "none"),
    hub=lambda split: f"data/{split}-*.parquet",
)
