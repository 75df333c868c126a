"""Writes the episodes of a lake as a new LeRobot dataset, with their images, states, actions and rewards."""

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from jobs.engine.errors import UsageError
from jobs.engine.exports import note_export
from jobs.lerobot.copied import STATS, DatasetSummary
from jobs.lerobot.crawl import ACTION, STATE
from jobs.lerobot.files import whole_folder, write_data, write_json, write_progress
from jobs.lerobot.rewarded import FEATURES, UNKNOWN, RewardedEpisode, matching, rewarded_episodes
from jobs.lerobot.statistics import Statistics, columns_of, image_statistics, statistics_of
from jobs.views.reader import LakeReader, Row, quoted
from udfs.lerobot.dataset import EPISODES, INFO, VERSION
from udfs.pixels.decoding import upright_file

IMAGE = "observation.images.camera"
_DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
_VECTORS = {STATE: "state", ACTION: "action"}
_DEFAULTS = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}
_ARROW = {"float32": pa.float32(), "int64": pa.int64(), "bool": pa.bool_(), "string": pa.string()}
_IMAGE_TYPE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
# Pixels of an image that its statistics are made of.
_SAMPLED = 400


@dataclass(frozen=True)
class _Shape:
    """What all episodes share: the size of images, and the lengths of states and actions that every frame has."""

    width: int
    height: int
    vectors: dict[str, int]

    def features(self) -> dict[str, Any]:
        image = {"dtype": "image", "shape": [self.height, self.width, 3], "names": ["height", "width", "channels"]}
        vectors = {
            name: {"dtype": "float32", "shape": [length], "names": None} for name, length in self.vectors.items()
        }
        defaults = {name: {"dtype": dtype, "shape": [1], "names": None} for name, dtype in _DEFAULTS.items()}
        return {IMAGE: image, **vectors, **FEATURES, **defaults}


def write_dataset(lake: LakeReader, out: Path, fps: int, sequences: Sequence[str] = ()) -> DatasetSummary:
    """Write the episodes whose `sequence_id` matches one of `sequences` (such as `bridge_*`; all without one) to `out`.

    Images are stored as they are in the lake. States and actions are written where every frame has one of the same
    length. Frames are numbered anew, without those that the lake lacks.

    Raises:
        LakeUnreadable: the lake has no rewards of such an episode.
        UsageError: the images have several sizes, or there is something at `out`.
    """
    episodes = rewarded_episodes(lake, matching(sequences))
    told = _told(lake, episodes)
    shape = _shape_of(episodes, told)
    made = _New(fps, shape, lake, told)
    with whole_folder(out) as draft:
        made.write(draft, episodes)
    note_export(lake.uri, "lerobot dataset", str(out), told)
    without = [f"No {name.rpartition('.')[2]} is written: not every frame has one of the same length." for name in
               _VECTORS if name not in shape.vectors]  # fmt: skip
    return DatasetSummary(out, len(episodes), made.frames, made.known, tuple(without))


def _told(lake: LakeReader, episodes: Sequence[RewardedEpisode]) -> dict[str, Row]:
    """Return size, state and action of every image of the episodes, by its id."""
    ids = {row["image_id"] for one in episodes for row in one.frames.values()}
    columns = "image_id, width, height, episode_json"
    rows = lake.query("images", f"SELECT {columns} FROM t WHERE image_id IN ({quoted(ids)})")
    return {row["image_id"]: {**row, **json.loads(row["episode_json"] or "{}")} for row in rows}


def _shape_of(episodes: Sequence[RewardedEpisode], told: dict[str, Row]) -> _Shape:
    sizes = {(row["width"], row["height"]): image_id for image_id, row in told.items()}
    if len(sizes) > 1:
        names = {row["image_id"]: one.name for one in episodes for row in one.frames.values()}
        shown = ", ".join(f"{wide} x {high} px ({names[one]})" for (wide, high), one in sorted(sizes.items())[:3])
        raise UsageError(
            f"The episodes have images of {len(sizes)} sizes, such as {shown}, and a LeRobot dataset has one; choose"
            " episodes with --sequence."
        )
    lengths = {name: {_length(row.get(key)) for row in told.values()} for name, key in _VECTORS.items()}
    vectors = {name: next(iter(found)) for name, found in lengths.items() if len(found) == 1}
    return _Shape(*next(iter(sizes)), {name: length for name, length in vectors.items() if length})


def _length(value: Any) -> int:
    numbers = isinstance(value, list) and all(isinstance(one, int | float) for one in value)
    return len(value) if numbers else 0


class _New:
    """A dataset that is being written; counts its frames, and those whose reward is known."""

    def __init__(self, fps: int, shape: _Shape, lake: LakeReader, told: dict[str, Row]) -> None:
        self._fps, self._shape, self._lake, self._told = fps, shape, lake, told
        self._tasks: dict[str, int] = {}
        self.frames = self.known = 0

    def write(self, root: Path, episodes: Sequence[RewardedEpisode]) -> None:
        rows, statistics, progress = [], list[dict[str, Statistics]](), list[pa.Table]()
        for number, one in enumerate(episodes):
            table, own = self._table(one, number)
            # One file each, so that no more than the images of an episode are in memory.
            write_data(table, root / _DATA.format(chunk_index=number // 1000, file_index=number % 1000))
            rows.append(self._episode_row(one, number, table.num_rows) | columns_of(own))
            statistics.append(own)
            progress.append(table.select(["index", "episode_index", "frame_index", "progress"]))
            self.frames += table.num_rows
        _write_table(pa.Table.from_pylist(rows), root / EPISODES / "chunk-000/file-000.parquet")
        tasks = pd.DataFrame({"task_index": list(self._tasks.values())}, index=pd.Index(list(self._tasks), name="task"))
        tasks.to_parquet(root / "meta/tasks.parquet")
        write_json(self._info(len(episodes)), root / INFO)
        write_json({name: _merged([one[name] for one in statistics]) for name in statistics[0]}, root / STATS)
        whole = pa.concat_tables(progress).rename_columns(["index", "episode_index", "frame_index", "progress_sparse"])
        write_progress(root, {name: whole[name] for name in whole.column_names})

    def _info(self, episodes: int) -> dict[str, Any]:
        return {
            "codebase_version": VERSION,
            "robot_type": None,
            "total_episodes": episodes,
            "total_frames": self.frames,
            "total_tasks": len(self._tasks),
            "chunks_size": 1000,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200,
            "fps": self._fps,
            "splits": {"train": f"0:{episodes}"},
            "data_path": _DATA,
            "video_path": None,
            "features": self._shape.features(),
        }

    def _episode_row(self, one: RewardedEpisode, number: int, length: int) -> Row:
        return {
            "episode_index": number,
            "tasks": [self._task(one)],
            "length": length,
            "data/chunk_index": number // 1000,
            "data/file_index": number % 1000,
            "dataset_from_index": self.frames,
            "dataset_to_index": self.frames + length,
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
        }

    def _task(self, one: RewardedEpisode) -> str:
        """Return what the robot was told; LeRobot wants a text."""
        return next((row["instruction"] for row in one.frames.values() if row.get("instruction")), None) or one.name

    def _table(self, one: RewardedEpisode, number: int) -> tuple[pa.Table, dict[str, Statistics]]:
        frames = sorted(one.frames)
        ids = [one.frames[frame]["image_id"] for frame in frames]
        task = self._tasks.setdefault(self._task(one), len(self._tasks))
        images = self._images(ids)
        place = np.arange(len(frames))
        values: dict[str, NDArray[Any]] = {
            **{name: self._vectors(ids, name) for name in self._shape.vectors},
            **one.columns(frames),
            "timestamp": (place / self._fps).astype(np.float32),
            "frame_index": place,
            "episode_index": np.full(len(frames), number),
            "index": self.frames + place,
            "task_index": np.full(len(frames), task),
        }
        self.known += int(np.count_nonzero(values["reward_source"] != UNKNOWN))
        features = self._shape.features()
        columns = {name: _column(own, features[name]) for name, own in values.items()}
        stored = [{"bytes": images[image_id], "path": None} for image_id in ids]
        numbers = {name: statistics_of(own) for name, own in values.items() if features[name]["dtype"] != "string"}
        statistics = {IMAGE: image_statistics(_pixels(images.values()), len(images)), **numbers}
        return pa.table({IMAGE: pa.array(stored, _IMAGE_TYPE), **columns}), statistics

    def _vectors(self, ids: Sequence[str], name: str) -> NDArray[np.float32]:
        return np.array([self._told[one][_VECTORS[name]] for one in ids], np.float32)

    def _images(self, ids: Sequence[str]) -> dict[str, bytes]:
        wanted = f"SELECT image_id, bytes, exif_orientation FROM t WHERE image_id IN ({quoted(set(ids))})"
        rows = self._lake.query("images", wanted)
        return {
            row["image_id"]: row["bytes"] if row["exif_orientation"] in (None, 1) else upright_file(row["bytes"])[0]
            for row in rows
        }


def _column(values: NDArray[Any], feature: dict[str, Any]) -> pa.Array:
    kind = _ARROW[feature["dtype"]]
    if values.ndim == 1:
        return pa.array(values, kind)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel(), kind), values.shape[1])


def _pixels(images: Iterable[bytes]) -> NDArray[np.uint8]:
    """Return pixels [n, 3] sampled evenly from image files."""
    found = []
    for data in images:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
        found.append(pixels[:: max(1, len(pixels) // _SAMPLED)])
    return np.concatenate(found)


def _merged(parts: Sequence[Statistics]) -> Statistics:
    """Return the statistics of all episodes by those of each; quantiles are means, as in LeRobot."""
    counts = np.array([one["count"][0] for one in parts], float)
    weights = counts / counts.sum() if counts.sum() else np.full(len(parts), 1 / len(parts))
    known = [place for place, count in enumerate(counts) if count] or [0]
    stacked = {name: np.array([one[name] for one in parts]) for name in parts[0] if name != "count"}
    mean = np.average(stacked["mean"], axis=0, weights=weights)
    square = np.average(stacked["std"] ** 2 + (stacked["mean"] - mean) ** 2, axis=0, weights=weights)
    found = {name: np.average(own, axis=0, weights=weights) for name, own in stacked.items()}
    found |= {"min": stacked["min"][known].min(0), "max": stacked["max"][known].max(0), "std": np.sqrt(square)}
    return {**{name: own.tolist() for name, own in found.items()}, "count": [int(counts.sum())]}


def _write_table(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
