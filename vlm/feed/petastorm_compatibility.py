"""Petastorm 0.13.1 on current Arrow and NumPy.

Petastorm asks for names that pyarrow dropped in version 16 and NumPy in version 2, and pins a setuptools that it does
not need. Its modules are given those names here, and nothing outside of them: pyarrow and NumPy stay as they are.

The row groups that its thread pool loses are seen to in `petastorm_reader`.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from vlm.feed.errors import PetastormUnknown
from vlm.feed.snapshot import RowGroup

KNOWN_VERSION = "0.13.1"


class Files:
    """The file system that Petastorm passes around, and the row groups that it is to know of."""

    def __init__(self, files: fs.FileSystem, groups: Sequence[RowGroup]) -> None:
        self.groups = groups
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
        """Return the footer of the row group's file."""
        with self._files.open(self.path) as stream:
            return pq.read_metadata(stream)


class _Dataset:
    """Pieces in the shape of pyarrow's former `ParquetDataset`; they are those of the `Files`, whatever the paths."""

    partitions = metadata = common_metadata = None

    def __init__(self, paths: list[str], filesystem: Files, **_: Any) -> None:
        self.paths, self.fs = paths, filesystem
        self.pieces = [Piece(group, filesystem) for group in filesystem.groups]


class _WithFormerNames(ModuleType):
    """A module with names that it has no longer."""

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
def mend_petastorm() -> None:
    """Make Petastorm's modules importable and working.

    Raises:
        PetastormUnknown: Petastorm is missing, or another version than 0.13.1.
    """
    try:
        found = version("petastorm")
    except PackageNotFoundError as error:
        raise PetastormUnknown(
            "Petastorm is not installed; install the extra `spatiallake[training]`, or set `backend` to pyarrow."
        ) from error
    if found != KNOWN_VERSION:
        raise PetastormUnknown(
            f"Petastorm {found} is installed and the feed knows {KNOWN_VERSION}, whose internals it mends; install "
            "that, or set `backend` to pyarrow."
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
    dataset_metadata._split_row_groups_from_footers = lambda dataset: dataset.pieces
    unischema.np = _WithFormerNames(np, {"unicode_": np.str_, "string_": np.bytes_})
