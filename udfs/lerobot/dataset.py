"""Reads LeRobot datasets of versions 3.0 and 2.1 from a folder: features, episodes, and the rows of an episode."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

INFO = "meta/info.json"
EPISODES = "meta/episodes"
VERSION, EARLIER = "v3.0", "v2.1"
_TASKS = {VERSION: "meta/tasks.parquet", EARLIER: "meta/tasks.jsonl"}
_LEGACY_EPISODES = "meta/episodes.jsonl"
_DEPTH = ("is_depth_map", "video.is_depth_map")
_SEEN = ("image", "video")

Row = dict[str, Any]


class DatasetUnreadable(Exception):
    """A folder that is no LeRobot dataset, or one that lacks a part; the message names it and says what to do."""


@dataclass(frozen=True)
class RobotEpisode:
    """One episode: its number, length in frames, tasks, data file, and of each video its file and first second."""

    index: int
    length: int
    tasks: tuple[str, ...]
    data: Path
    videos: Mapping[str, tuple[Path, float]]


@dataclass(frozen=True)
class RobotDataset:
    """An opened dataset: its folder, `meta/info.json`, and the texts of its tasks by number."""

    root: Path
    info: Mapping[str, Any]
    tasks: Mapping[int, str]

    @property
    def version(self) -> str:
        """Return the version of the format, such as v3.0."""
        return str(self.info["codebase_version"])

    @property
    def fps(self) -> float:
        """Return the frames per second."""
        return float(self.info["fps"])

    @property
    def features(self) -> Mapping[str, Mapping[str, Any]]:
        """Return what the columns and videos are, by name."""
        return self.info["features"]

    @property
    def cameras(self) -> list[str]:
        """Return the names of the color images and videos."""
        return [name for name, one in self.features.items() if one["dtype"] in _SEEN and not is_depth(one)]

    def episodes(self) -> Iterator[RobotEpisode]:
        """Yield the episodes by number.

        Raises:
            DatasetUnreadable: the table of episodes is missing or lacks a column.
        """
        try:
            rows = sorted(self._episode_rows(), key=lambda row: row["episode_index"])
            for row in rows:
                yield self._episode(row)
        except (OSError, pa.ArrowException, ValueError, KeyError) as error:
            raise _damaged(self.root, "table of episodes", error) from error

    def rows(self, episode: RobotEpisode, columns: Sequence[str]) -> list[Row]:
        """Return the named columns of an episode's frames, those that there are, with `frame_index`, in order.

        Raises:
            DatasetUnreadable: the data file is missing, damaged, or has other frames than the metadata says.
        """
        path = self.root / episode.data
        try:
            there = set(pq.read_schema(path).names)
            wanted = [name for name in dict.fromkeys(("frame_index", "timestamp", *columns)) if name in there]
            # Rows of other episodes are in the same file.
            kept = [("episode_index", "=", episode.index)] if "episode_index" in there else None
            rows = pq.read_table(path, columns=wanted, filters=kept).to_pylist()
            rows.sort(key=lambda row: row["frame_index"])
        except (OSError, pa.ArrowException, ValueError, KeyError) as error:
            raise _damaged(path, "data file", error) from error
        if [row["frame_index"] for row in rows] != list(range(episode.length)):
            raise DatasetUnreadable(
                f"{path} has {len(rows)} frames of episode {episode.index}, which should be {episode.length} numbered"
                " from 0; download the dataset again."
            )
        return rows

    def task_of(self, row: Row, episode: RobotEpisode) -> str | None:
        """Return the instruction of a frame, by its `task_index` or else the episode's first task."""
        return self.tasks.get(row.get("task_index", -1)) or next(iter(episode.tasks), None)

    def _episode_rows(self) -> list[Row]:
        if self.version == EARLIER:
            lines = (self.root / _LEGACY_EPISODES).read_text(encoding="utf-8").splitlines()
            return [json.loads(line) for line in lines if line.strip()]
        files = sorted((self.root / EPISODES).glob("*/*.parquet"))
        if not files:
            raise OSError(f"there is no parquet file in {self.root / EPISODES}")
        return [row for file in files for row in _without_statistics(file).to_pylist()]

    def _episode(self, row: Row) -> RobotEpisode:
        index, videos = int(row["episode_index"]), [k for k, one in self.features.items() if one["dtype"] == "video"]
        if self.version == EARLIER:
            place = {"episode_chunk": index // int(self.info.get("chunks_size", 1000)), "episode_index": index}
            found = {key: (_inside(self.info["video_path"].format(video_key=key, **place)), 0.0) for key in videos}
        else:
            place = {"chunk_index": row["data/chunk_index"], "file_index": row["data/file_index"]}
            found = {key: self._video(row, key) for key in videos}
        data = _inside(self.info["data_path"].format(**place))
        return RobotEpisode(index, int(row["length"]), tuple(row.get("tasks") or ()), data, found)

    def _video(self, row: Row, key: str) -> tuple[Path, float]:
        own = {name: row[f"videos/{key}/{name}"] for name in ("chunk_index", "file_index", "from_timestamp")}
        path = self.info["video_path"].format(
            video_key=key, chunk_index=own["chunk_index"], file_index=own["file_index"]
        )
        return _inside(path), float(own["from_timestamp"])


def open_dataset(folder: str | Path) -> RobotDataset:
    """Open the dataset in a folder.

    Raises:
        DatasetUnreadable: there is none, it is damaged, or its version is not read.
    """
    root = Path(folder)
    path = root / INFO
    if not path.is_file():
        raise DatasetUnreadable(f"{root} holds no {INFO}; name the folder of a LeRobot dataset.")
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        version = str(info["codebase_version"])
        if version not in _TASKS:
            raise DatasetUnreadable(
                f"{root} is a LeRobot dataset of version {version}; {VERSION} and {EARLIER} are read: convert it with"
                " LeRobot's own scripts."
            )
        if float(info["fps"]) <= 0 or not isinstance(info["features"], dict):
            raise ValueError("it has no positive fps, or no features")
        return RobotDataset(root, info, _tasks(root / _TASKS[version]))
    except (OSError, pa.ArrowException, ValueError, TypeError, KeyError) as error:
        raise _damaged(path, "metadata", error) from error


def is_depth(feature: Mapping[str, Any]) -> bool:
    """Return whether a feature of images or videos holds depth."""
    described = {**(feature.get("video_info") or {}), **(feature.get("info") or {})}
    return any(described.get(name) for name in _DEPTH)


def _inside(name: str) -> Path:
    """Return a path in the dataset's folder; the metadata may come from a stranger."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name} leads out of the dataset")
    return path


def _tasks(path: Path) -> dict[int, str]:
    if not path.is_file():  # a dataset whose episodes have no instruction
        return {}
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return {int(row["task_index"]): str(row["task"]) for row in rows}
    rows = pq.read_table(path).to_pylist()
    # The text is the index of a pandas table, which may have lost its name.
    names = [name for name in (rows[0] if rows else {}) if name != "task_index"]
    return {int(row["task_index"]): str(row[names[0]]) for row in rows} if names else {}


def _without_statistics(file: Path) -> pa.Table:
    names = [name for name in pq.read_schema(file).names if not name.startswith("stats/")]
    return pq.read_table(file, columns=names)


def _damaged(path: Path, what: str, error: Exception) -> DatasetUnreadable:
    told = f"no {error}" if isinstance(error, KeyError) else str(error)
    return DatasetUnreadable(f"The {what} of {path} cannot be read ({told}); download the dataset again.")
