"""Row groups read by Petastorm 0.13.1 on current Arrow and NumPy, none lost and none out of order.

Petastorm uses names that pyarrow removed in version 16 and NumPy in version 2. Its modules get those names here,
while pyarrow and NumPy stay unchanged.

Petastorm's ventilator enqueues row groups from its own thread, while `ThreadPool.get_results` first checks that all
workers are done and then that the ventilator is: row groups enqueued in between are dropped without an error (27 of 120
runs of two workers over 12 row groups came back short). Here the thread that takes row groups also enqueues them, so
nothing depends on timing.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from vlm.errors import PetastormUnknown, RowsLost
from vlm.feed.arrow_backend import columns_of, unreadable
from vlm.feed.snapshot import RowGroup

KNOWN_VERSION = "0.13.1"


class Files:
    """The file system that Petastorm passes around, with the row groups and columns it may read."""

    def __init__(self, files: fs.FileSystem, groups: Sequence[RowGroup], columns: Sequence[str]) -> None:
        self.groups, self.columns = groups, columns
        self._files = files

    def open(self, path: str) -> pa.NativeFile:
        """Open a file for reading."""
        return self._files.open_input_file(path)


class Piece:
    """A row group in the shape of pyarrow's former `ParquetDatasetPiece`."""

    partition_keys = ()

    def __init__(self, group: RowGroup, files: Files) -> None:
        self.path, self.row_group = group.path, group.group
        self._files = files

    def get_metadata(self) -> pq.FileMetaData:
        """Return the footer of the row group's file.

        Raises:
            RowsLost: the file is gone, or its footer was altered.
        """
        try:
            with self._files.open(self.path) as stream:
                return pq.read_metadata(stream)
        except Exception as error:  # pyarrow raises arbitrary exceptions on altered bytes
            raise RowsLost(unreadable(self.path, self.row_group, error)) from error


class _Dataset:
    """The pieces of `Files` in the shape of pyarrow's former `ParquetDataset`."""

    partitions = metadata = common_metadata = None

    def __init__(self, paths: list[str], filesystem: Files, **_: Any) -> None:
        self.paths, self.fs = paths, filesystem
        self.pieces = [Piece(group, filesystem) for group in filesystem.groups]


class _WithFormerNames(ModuleType):
    """A module with names that it no longer has."""

    def __init__(self, module: ModuleType, names: Mapping[str, Any]) -> None:
        super().__init__(module.__name__)
        self._module = module
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


@contextmanager
def _importable(modules: Mapping[str, Any]) -> Iterator[None]:
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]


@cache
def patch_petastorm() -> None:
    """Patch Petastorm's modules so that they import and work.

    Raises:
        PetastormUnknown: Petastorm is missing or not version 0.13.1.
    """
    try:
        found = version("petastorm")
    except PackageNotFoundError as error:
        raise PetastormUnknown(
            "Petastorm is not installed; run `pip install 'spatiallake[training]'`, or set feed.backend to pyarrow."
        ) from error
    if found != KNOWN_VERSION:
        raise PetastormUnknown(
            f"Petastorm {found} is installed, but the backend patches {KNOWN_VERSION}; run "
            f"`pip install petastorm=={KNOWN_VERSION}`, or set feed.backend to pyarrow."
        )
    former = {
        "pyarrow.filesystem": SimpleNamespace(LocalFileSystem=fs.LocalFileSystem),
        "pyarrow.hdfs": SimpleNamespace(HadoopFileSystem=type("HadoopFileSystem", (), {})),
    }
    with _importable(former):
        from petastorm import arrow_reader_worker, reader, unischema
        from petastorm.etl import dataset_metadata
    parquet = _WithFormerNames(pq, {"ParquetDataset": _Dataset})
    for module in (reader, arrow_reader_worker, dataset_metadata):
        vars(module)["pq"] = parquet
    checked = partial(pq.ParquetFile, page_checksum_verification=True)
    arrow_reader_worker.ParquetFile = checked  # pyright: ignore[reportAttributeAccessIssue]
    dataset_metadata._split_row_groups_from_footers = lambda dataset: dataset.pieces
    unischema.np = _WithFormerNames(np, {"unicode_": np.str_, "string_": np.bytes_})


patch_petastorm()

from petastorm.arrow_reader_worker import ArrowReaderWorker  # noqa: E402
from petastorm.reader import Reader  # noqa: E402
from petastorm.workers_pool import EmptyResultError  # noqa: E402
from petastorm.workers_pool.thread_pool import ThreadPool, WorkerTerminationRequested  # noqa: E402
from petastorm.workers_pool.ventilator import Ventilator  # noqa: E402

_PATH, _GROUP, _FAULT = b"path", b"group", b"fault"


def group_of(table: pa.Table) -> tuple[str, int]:
    """Return the path and index of the row group that a table was read from."""
    noted = table.schema.metadata
    return noted[_PATH].decode(), int(noted[_GROUP])


class _Tables:
    """Passes on tables; Petastorm's own reader would copy every string into fixed-width arrays."""

    batched_output = True

    def read_next(self, pool: ThreadPool, *_: Any) -> pa.Table:
        try:
            return pool.get_results()
        except EmptyResultError:
            raise StopIteration from None


class _Worker(ArrowReaderWorker):
    """Reads a row group unchanged and stores its path and index in the table's metadata."""

    @staticmethod
    def new_results_queue_reader() -> _Tables:
        return _Tables()

    def process(self, piece_index: int, *how: Any, **named: Any) -> None:
        """Read a row group; what goes wrong is handed on as a sentence, since Petastorm would print a traceback."""
        try:
            super().process(piece_index, *how, **named)
        except WorkerTerminationRequested:
            raise
        except Exception as error:  # pyarrow raises arbitrary exceptions on altered bytes
            piece = self._split_pieces[piece_index]
            fault = unreadable(piece.path, piece.row_group, error)
            self.publish_func(pa.table({}).replace_schema_metadata({_FAULT: fault}))

    def _load_rows(self, pq_file: pq.ParquetFile, piece: Piece, *_: Any) -> pa.Table:
        table = columns_of(pq_file, piece.row_group, self._dataset.fs.columns)  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
        return table.replace_schema_metadata({_PATH: piece.path, _GROUP: str(piece.row_group)})


class _IdleVentilator(Ventilator):
    """Enqueues nothing, since `AskedReader.ask` does."""

    def start(self) -> None:
        """Do nothing."""

    def processed_item(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def completed(self) -> bool:
        """Return true: only requested row groups will come."""
        return True


class AskedReader(Reader):
    """Yields row groups as Arrow tables in the order of the requests, and ends when none is left."""

    def __init__(self, files: Files, columns: Sequence[str], threads: int, queue_size: int) -> None:
        super().__init__(
            files,
            sorted({group.path for group in files.groups}),
            schema_fields=[f"{name}$" for name in columns],
            reader_pool=ThreadPool(threads, results_queue_size=queue_size),
            worker_class=_Worker,
            shuffle_row_groups=False,
            is_batched_reader=True,
        )

    def _create_ventilator(self, *_: Any) -> Ventilator:
        return _IdleVentilator(self._workers_pool.ventilate)

    def ask(self, index: int) -> None:
        """Start reading the row group at this index of `Files.groups`."""
        self._workers_pool.ventilate(piece_index=index, worker_predicate=None, shuffle_row_drop_partition=(0, 1))


class PetastormGroups:
    """The same as `ArrowGroups`, read by a Petastorm `Reader` over `groups`."""

    def __init__(
        self, files: fs.FileSystem, columns: Sequence[str], threads: int, prefetch: int, groups: Sequence[RowGroup]
    ) -> None:
        self._groups = groups
        self._index = {(group.path, group.group): number for number, group in enumerate(groups)}
        self._reader = AskedReader(Files(files, groups, columns), columns, threads, prefetch)

    def ask(self, group: RowGroup) -> None:
        """Start reading a row group."""
        self._reader.ask(self._index[group.path, group.group])

    def take(self) -> tuple[RowGroup | None, pa.Table]:
        """Return the oldest requested row group, as its worker reports it, and its rows."""
        table = next(self._reader, None)
        if table is None:
            return None, pa.table({})
        fault = (table.schema.metadata or {}).get(_FAULT)
        if fault:
            raise RowsLost(fault.decode())
        return self._groups[self._index[group_of(table)]], table

    def close(self) -> None:
        """Stop the threads."""
        self._reader.stop()
        self._reader.join()
