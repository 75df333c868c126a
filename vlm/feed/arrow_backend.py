"""Row groups read ahead by threads and returned in the order of the requests: the pyarrow backend."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from vlm.errors import RowsLost, first_line
from vlm.feed.snapshot import RowGroup


class GroupReader(Protocol):
    """Reads row groups in the background, for one consumer thread."""

    def ask(self, group: RowGroup) -> None:
        """Start reading a row group."""
        ...

    def take(self) -> tuple[RowGroup | None, pa.Table]:
        """Return the oldest requested row group not taken yet, and its rows; None where no more came."""
        ...

    def close(self) -> None:
        """Stop the threads."""
        ...


class ArrowGroups:
    """Row groups read by pyarrow."""

    def __init__(self, files: fs.FileSystem, columns: Sequence[str], threads: int) -> None:
        self._files = files
        self._columns = list(columns)
        self._pool = ThreadPoolExecutor(threads)
        self._asked: deque[tuple[RowGroup, Future[pa.Table]]] = deque()

    def ask(self, group: RowGroup) -> None:
        """Start reading a row group."""
        self._asked.append((group, self._pool.submit(read_group, self._files, group, self._columns)))

    def take(self) -> tuple[RowGroup | None, pa.Table]:
        """Return the oldest requested row group and its rows."""
        group, table = self._asked.popleft()
        return group, table.result()

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(cancel_futures=True)


def read_group(files: fs.FileSystem, group: RowGroup, columns: list[str]) -> pa.Table:
    """Return the columns of one row group, every page checked against its checksum.

    Raises:
        RowsLost: the file is gone, or its bytes are not those that were written.
    """
    try:
        with files.open_input_file(group.path) as stream:
            return columns_of(pq.ParquetFile(stream, page_checksum_verification=True), group.group, columns)
    except Exception as error:  # pyarrow raises arbitrary exceptions on altered bytes
        raise RowsLost(unreadable(group.path, group.group, error)) from error


def columns_of(file: pq.ParquetFile, group: int, columns: Sequence[str]) -> pa.Table:
    """Return columns of one row group.

    Raises:
        ValueError: the file lacks one of them, as when a name in its footer was altered.
    """
    # `columns` may name a part of a struct, such as `images.list.element.path`; the file knows its parts by such paths.
    parts = [file.schema.column(number).path for number in range(len(file.schema))]
    missing = sorted(name for name in columns if not any(part == name or part.startswith(f"{name}.") for part in parts))
    if missing:
        raise ValueError(f"it has no column {', '.join(missing)}")
    return file.read_row_group(group, columns=list(columns), use_threads=False)


def unreadable(path: str, group: int, error: Exception) -> str:
    """Return the sentence about a row group that cannot be read."""
    return (
        f"Row group {group} of {path} cannot be read ({first_line(error)}): the file is gone or was altered after it "
        "was written; restore it from a copy, or write the table anew with `spatiallake examples`."
    )
