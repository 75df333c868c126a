"""The checkpoints of a lake's streams: what a stage's stream has read, and which micro-batches it will not repeat."""

import json
from dataclasses import dataclass

from pyarrow import fs

from jobs.engine.delta_log import opened
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage
from schemas.table import Table
from udfs.storage.clients import filesystem_of, path_of
from udfs.storage.locations import normalized


@dataclass(frozen=True)
class Checkpoint:
    """A stream's checkpoint: its id, and the last micro-batch that it will not repeat."""

    generation: str
    last: int


def checkpoint_name(stage: Stage) -> str:
    """Return the name of the folder with the checkpoint of a stage's recipe."""
    return f"{stage.name}-{stage.recipe}"


def checkpoint_location(lake: Lake, stage: Stage) -> str:
    """Return the URI of the checkpoint of a stage's recipe."""
    return f"{lake.checkpoint_uri}/{checkpoint_name(stage)}"


def checkpoints_of(lake: Lake, stage: str) -> dict[str, Checkpoint]:
    """Return the checkpoints of all recipes of a stage by folder name; one that cannot be read is left out."""
    root = normalized(lake.checkpoint_uri)
    files = filesystem_of(root)
    folders = files.get_file_info(fs.FileSelector(path_of(root), allow_not_found=True))
    read = {one.base_name: _read(files, one.path) for one in folders if one.base_name.startswith(f"{stage}-")}
    return {name: checkpoint for name, checkpoint in read.items() if checkpoint is not None}


def checkpoint_of(lake: Lake, stage: Stage) -> Checkpoint | None:
    """Return the checkpoint of a stage's recipe, if it can be read."""
    folder = normalized(checkpoint_location(lake, stage))
    return _read(filesystem_of(folder), path_of(folder))


def has_read_all(lake: Lake, stage: Stage) -> bool:
    """Return whether the stage's stream has finished the newest version of the table that it follows.

    If so, a stream would find nothing. Any doubt, such as a checkpoint of another form, is a no.
    """
    return _has_read_all(checkpoint_location(lake, stage), lake.location(stage.upstream))


def unfinished_checkpoints(lake: Lake, stage: str, upstream: Table) -> list[str]:
    """Return the URIs of the checkpoints of a stage, of any recipe, whose streams have not finished their table."""
    root = normalized(lake.checkpoint_uri)
    listed = filesystem_of(root).get_file_info(fs.FileSelector(path_of(root), allow_not_found=True))
    folders = [f"{lake.checkpoint_uri}/{one.base_name}" for one in listed if one.base_name.startswith(f"{stage}-")]
    return [folder for folder in folders if not _has_read_all(folder, lake.location(upstream))]


def _has_read_all(checkpoint: str, upstream: str) -> bool:
    folder = normalized(checkpoint)
    files, place = filesystem_of(folder), path_of(folder)
    last = _last(files, f"{place}/commits")
    if last < 0 or last != _last(files, f"{place}/offsets"):
        return False
    try:
        # A version, Spark's own settings, and one line for the only source.
        form, _, source = _content(files, f"{place}/offsets/{last}").decode().splitlines()
        offset = json.loads(source)
        read = (offset["reservoirId"], offset["reservoirVersion"], offset["index"], offset["isStartingVersion"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    followed = opened(upstream)
    if form != "v1" or followed is None:
        return False
    # An offset before the first file of the next version means that this one is finished.
    return read == (str(followed.metadata().id), followed.version() + 1, -1, False)


def _read(files: fs.FileSystem, folder: str) -> Checkpoint | None:
    try:
        generation = json.loads(_content(files, f"{folder}/metadata"))["id"]
    except (OSError, ValueError, KeyError):
        return None
    return Checkpoint(generation, _last(files, f"{folder}/commits"))


def _last(files: fs.FileSystem, folder: str) -> int:
    listed = files.get_file_info(fs.FileSelector(folder, allow_not_found=True))
    return max((int(one.base_name) for one in listed if one.base_name.isdigit()), default=-1)


def _content(files: fs.FileSystem, path: str) -> bytes:
    with files.open_input_stream(path, compression=None) as stream:
        return stream.read()
