"""Images of items, read lazily from wherever they are stored."""

import base64
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from udfs.pixels.decoding import has_exif, upright_file


@dataclass(frozen=True)
class ItemImage:
    """An encoded image: in memory, in a file, in base64, or in a cell of a Parquet file."""

    data: bytes | None = None
    path: Path | None = None
    encoded: str | None = None
    cell: tuple[str, int, int, str, int] | None = None  # file, row group, row, column, place in the cell's list

    def read(self) -> bytes:
        """Return the encoded bytes of the upright image, whatever the EXIF orientation of the file.

        Raises:
            OSError: the file does not exist.
            ValueError: there is no image at the given place.
        """
        data = self._bytes()
        return upright_file(data)[0] if has_exif(data) else data

    def _bytes(self) -> bytes:
        if self.data is not None:
            return self.data
        if self.encoded is not None:
            return base64.b64decode(self.encoded)
        if self.path is not None:
            return self.path.read_bytes()
        if self.cell is not None:
            return _cell(*self.cell)
        raise ValueError("An item's image has no location; read the items again.")


def _cell(file: str, group: int, row: int, column: str, place: int) -> bytes:
    value = _column(file, group, column)[row].as_py()
    value = value[place] if isinstance(value, list) else value
    data = value.get("bytes") if isinstance(value, dict) else value
    if isinstance(data, bytes):
        return data
    if isinstance(value, dict) and value.get("path"):
        return (Path(file).parent / value["path"]).read_bytes()
    raise ValueError(f"Row {row} of row group {group} of {file} has no image in {column}.")


@lru_cache(maxsize=4)
def _column(file: str, group: int, column: str) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(file).read_row_group(group, columns=[column]).column(column)
