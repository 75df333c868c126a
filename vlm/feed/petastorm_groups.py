"""Row groups read by Petastorm's workers."""

from collections.abc import Sequence

import pyarrow as pa
from pyarrow import fs

from vlm.feed.petastorm_compatibility import Files
from vlm.feed.snapshot import RowGroup


class PetastormGroups:
    """The same as `ArrowGroups`, by a Petastorm `Reader` over `groups`, of which any may be asked for."""

    def __init__(
        self, files: fs.FileSystem, columns: Sequence[str], threads: int, prefetch: int, groups: Sequence[RowGroup]
    ) -> None:
        from vlm.feed.petastorm_reader import AskedReader, group_of

        self._group_of = group_of
        self._groups = groups
        self._index = {(group.path, group.group): number for number, group in enumerate(groups)}
        self._reader = AskedReader(Files(files, groups), columns, threads, prefetch)

    def ask(self, group: RowGroup) -> None:
        """Begin to read a row group."""
        self._reader.ask(self._index[group.path, group.group])

    def take(self) -> tuple[RowGroup | None, pa.Table]:
        """Return the row group asked for first, and its rows, as the worker that read it says."""
        table = next(self._reader, None)
        if table is None:
            return None, pa.table({})
        return self._groups[self._index[self._group_of(table)]], table

    def close(self) -> None:
        """Stop the threads."""
        self._reader.stop()
        self._reader.join()
