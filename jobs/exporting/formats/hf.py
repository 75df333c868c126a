"""A Hugging Face data set: Parquet files by split, one typed row per question, with an `Image` column and a card."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from jobs.exporting.chunk import Chunk
from jobs.exporting.layouts import ExportFormat, ShardFiles
from jobs.exporting.parquet import IMAGE, image_of, row_groups, with_features, write_parquet


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
        if images != "inside":
            yield _with_addresses(chunk) if images == "urls" else chunk.table
            continue
        ids = chunk.table["image_id"].to_pylist()
        values = {one: image_of(image.data, one) for one, image in chunk.images.items()}
        for rows in row_groups([len(values[one]["bytes"]) for one in ids]):
            column = pa.array([values[one] for one in ids[rows]], IMAGE)
            yield chunk.table[rows].add_column(0, "image", column)


def _with_addresses(chunk: Chunk) -> pa.Table:
    addresses = [chunk.images[one].place for one in chunk.table["image_id"].to_pylist()]
    return chunk.table.add_column(0, "image_url", pa.array(addresses, pa.string()))


EXPORT = ExportFormat(
    name="hf",
    title="Hugging Face data set: Parquet, all columns of the table, column `image`, and a card",
    read_by="`datasets`, the Hub, DuckDB, Daft",
    write=_write,
    images=("inside", "urls", "none"),
    hub=lambda split: f"data/{split}-*.parquet",
)
