"""Copies a LeRobot dataset with the rewards of a lake as further columns."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from jobs.engine.errors import CrawlUnreadable, UsageError
from jobs.engine.exports import note_export
from jobs.lerobot.crawl import dataset_name, sequence_name
from jobs.lerobot.files import copy_files, whole_folder, write_data, write_json, write_progress
from jobs.lerobot.rewarded import FEATURES, UNKNOWN, RewardedEpisode, rewarded_episodes
from jobs.lerobot.statistics import columns_of, statistics_of
from jobs.views.reader import LakeReader
from udfs.lerobot.dataset import EPISODES, INFO, VERSION, DatasetUnreadable, RobotDataset, RobotEpisode, open_dataset

STATS = "meta/stats.json"
_NUMBERS = tuple(name for name, one in FEATURES.items() if one["dtype"] != "string")
Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class DatasetSummary:
    """What was written: the folder, its episodes and frames, and the frames whose reward is known."""

    path: Path
    episodes: int
    frames: int
    known: int
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = (
            f"{self.path}: {self.frames:,} frames of {self.episodes:,} episodes; the reward of {self.known:,} is known."
        )
        return told + "".join(f" {one}" for one in self.without)


def copy_with_rewards(lake: LakeReader, source: Path, out: Path, name: str | None = None) -> DatasetSummary:
    """Copy a dataset of version 3.0 to `out` with the columns of `FEATURES`.

    Its episodes are those of the lake whose `sequence_id` begins with `name`, by default the name of its folder.
    Frames that the lake lacks have an unknown reward.

    Raises:
        CrawlUnreadable: there is no dataset, or it is damaged.
        UsageError: its version is another, or there is something at `out`.
        LakeUnreadable: the lake has no rewards of it.
    """
    try:
        dataset = open_dataset(source)
        episodes = list(dataset.episodes())
    except DatasetUnreadable as error:
        raise CrawlUnreadable(str(error)) from error
    if dataset.version != VERSION:
        raise UsageError(
            f"{source} is of version {dataset.version}, and a copy is made of {VERSION} only; leave --dataset out to"
            " write its episodes as a new dataset."
        )
    names = {one.index: sequence_name(name or dataset_name(source), one.index) for one in episodes}
    wanted = set(names.values())
    found = {one.name: one for one in rewarded_episodes(lake, wanted.__contains__)}
    columns = {one.index: _columns(found.get(names[one.index]), names[one.index], one) for one in episodes}
    with whole_folder(out) as draft:
        copy_files(source, draft)
        _add_to_data(draft, columns)
        _add_to_metadata(dataset, draft, columns)
    shown = {row["image_id"] for one in found.values() for row in one.frames.values()}
    note_export(lake.uri, "lerobot dataset", str(out), shown)
    known = sum(int(np.count_nonzero(own["reward_source"] != UNKNOWN)) for own in columns.values())
    return DatasetSummary(out, len(episodes), sum(one.length for one in episodes), known)


def _columns(found: RewardedEpisode | None, name: str, episode: RobotEpisode) -> Columns:
    rewarded = found or RewardedEpisode(name, "progress", {})
    return rewarded.columns(range(episode.length))


def _add_to_data(root: Path, columns: Mapping[int, Columns]) -> None:
    progress: dict[str, list[NDArray[Any]]] = {}
    for path in sorted((root / "data").glob("*/*.parquet")):
        table = pq.read_table(path)
        episode, frame = (table[name].to_numpy() for name in ("episode_index", "frame_index"))
        added = {name: _at(columns, name, episode, frame) for name in FEATURES}
        table = table.drop_columns([name for name in FEATURES if name in table.column_names])
        for name, values in added.items():
            table = table.append_column(name, pa.array(values))
        write_data(table, path)
        index = table["index"].to_numpy()
        own = {
            "index": index,
            "episode_index": episode,
            "frame_index": frame,
            "progress_sparse": np.asarray(added["progress"]),
        }
        for name, values in own.items():
            progress.setdefault(name, []).append(values)
    write_progress(root, {name: np.concatenate(parts) for name, parts in progress.items()})


def _at(columns: Mapping[int, Columns], name: str, episode: NDArray[Any], frame: NDArray[Any]) -> NDArray[Any]:
    """Return the values of a column at the frames of a data file."""
    some = next(iter(columns.values()))[name]
    out = np.empty(len(episode), some.dtype)
    for index in np.unique(episode):
        own = episode == index
        out[own] = columns[int(index)][name][frame[own]]
    return out


def _add_to_metadata(dataset: RobotDataset, root: Path, columns: Mapping[int, Columns]) -> None:
    write_json({**dataset.info, "features": {**dataset.features, **FEATURES}}, root / INFO)
    whole = {name: statistics_of(np.concatenate([own[name] for own in columns.values()])) for name in _NUMBERS}
    path = root / STATS
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write_json({**known, **whole}, path)
    for file in sorted((root / EPISODES).glob("*/*.parquet")):
        table = pq.read_table(file)
        numbers = table["episode_index"].to_pylist()
        told = [columns_of({name: statistics_of(columns[one][name]) for name in _NUMBERS}) for one in numbers]
        added = pa.Table.from_pylist(told)
        table = table.drop_columns([name for name in added.column_names if name in table.column_names])
        for name in added.column_names:
            table = table.append_column(name, added[name])
        pq.write_table(table, file)
