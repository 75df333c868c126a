"""Files of a LeRobot dataset: a folder that appears when it is whole, data with one row group per episode, JSON."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.engine.errors import UsageError

# Where LeRobot's weighting of samples by progress looks for it.
PROGRESS = "sarm_progress.parquet"
_DATASETS_KEY = b"huggingface"


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Yield a draft folder beside `out`, which takes its place when the block ends without an error.

    Raises:
        UsageError: there is something at `out` already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists and is not empty; name another folder, or remove it.")
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    draft.parent.mkdir(parents=True, exist_ok=True)
    try:
        draft.mkdir()
        yield draft
        if out.exists():
            out.rmdir()
        draft.replace(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def copy_files(source: Path, out: Path) -> None:
    """Copy the files of a folder; links, of which a downloaded dataset is made, are followed."""
    for path in source.rglob("*"):
        if path.is_file():
            target = out / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def write_data(table: pa.Table, path: Path) -> None:
    """Write frames with one row group per episode, as LeRobot does, so that an episode is read alone."""
    # What `datasets` noted of the columns would hide those that were added; LeRobot declares them in its metadata.
    noted = {key: value for key, value in (table.schema.metadata or {}).items() if key != _DATASETS_KEY}
    table = table.replace_schema_metadata(noted)
    episode = table["episode_index"].to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(episode)) + 1), len(episode)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, table.schema, compression="snappy") as writer:
        for start, end in pairwise(starts):
            writer.write_table(table.slice(start, end - start))


def write_json(value: Any, path: Path) -> None:
    """Write a value as LeRobot writes its metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=4, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def write_progress(root: Path, columns: dict[str, Any]) -> None:
    """Write `index`, `episode_index`, `frame_index` and `progress_sparse`, NaN where it is unknown."""
    names = ("index", "episode_index", "frame_index", "progress_sparse")
    pq.write_table(pa.table({name: columns[name] for name in names}), root / PROGRESS)
