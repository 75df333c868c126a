"""The rewards of a lake's episodes as columns of a LeRobot dataset."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.engine.errors import LakeUnreadable
from jobs.views.reader import LakeReader, Row, quoted

_READ = (
    *("image_id", "sequence_id", "frame_index", "instruction", "distance_m", "source", "contact", "progress"),
    *("success", "reward"),
)
UNKNOWN = "unknown"


@dataclass(frozen=True)
class RewardedEpisode:
    """One episode: its `sequence_id`, and by frame its row of `rewards`; `kind` is the setting `reward.kind`."""

    name: str
    kind: str
    frames: Mapping[int, Row]

    def columns(self, frames: Sequence[int]) -> dict[str, NDArray[Any]]:
        """Return the values of `FEATURES` at consecutive frames; a frame without a row is unknown.

        What begins with `next.` is what the following frame shows, as LeRobot has it: what the action of a frame led
        to. At the last one it is that of the frame itself, and a difference is 0.
        """
        rows = [self.frames.get(one, {}) for one in frames]
        following = [*range(1, len(rows)), len(rows) - 1]
        reward = self._rewards(rows)
        led_to = reward[following]
        if self.kind == "difference":
            led_to[-1] = 0.0
        source = np.array([row.get("source") or UNKNOWN for row in rows], object)
        done = np.zeros(len(rows), bool)
        done[-1] = True
        return {
            "next.reward": led_to.astype(np.float32),
            "next.done": done,
            "next.success": np.array([bool(rows[one].get("success")) for one in following]),
            "reward_source": np.where(np.isnan(led_to), UNKNOWN, source[following]),
            "progress": _floats(rows, "progress").astype(np.float32),
            "distance_m": _floats(rows, "distance_m").astype(np.float32),
            "contact": np.array([bool(row.get("contact")) for row in rows]),
        }

    def _rewards(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        if self.kind != "difference":
            return _floats(rows, "reward")
        # Anew, since a frame with the image of an earlier one has that one's row.
        distance = _floats(rows, "distance_m")
        known = np.flatnonzero(~np.isnan(distance))
        out = np.full(len(rows), np.nan)
        out[known] = -np.diff(distance[known], prepend=distance[known[:1]])
        return out


def _feature(dtype: str) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [1], "names": None}


# Names that begin with `observation` or `action` would become inputs and outputs of policies.
FEATURES = {
    "next.reward": _feature("float32"),
    "next.done": _feature("bool"),
    "next.success": _feature("bool"),
    "reward_source": _feature("string"),
    "progress": _feature("float32"),
    "distance_m": _feature("float32"),
    "contact": _feature("bool"),
}


def rewarded_episodes(lake: LakeReader, wanted: Callable[[str], bool]) -> list[RewardedEpisode]:
    """Return the episodes of `rewards` whose `sequence_id` is wanted, by name.

    Identical images are one row of a lake; each of their frames has the row of that image.

    Raises:
        LakeUnreadable: there are no rewards, or none of a wanted episode.
    """
    columns = ", ".join(f'"{name}"' for name in _READ)
    rows = lake.query("rewards", f"SELECT {columns} FROM t WHERE sequence_id IS NOT NULL AND frame_index IS NOT NULL")
    by_name: dict[str, dict[int, Row]] = {}
    for row in rows:
        if wanted(row["sequence_id"]):
            by_name.setdefault(row["sequence_id"], {})[row["frame_index"]] = row
    if not by_name:
        there = ", ".join(sorted({row["sequence_id"] for row in rows})[:5]) or "none"
        raise LakeUnreadable(
            f"{lake.uri} has no rewards of the episodes asked for (it has: {there}); crawl them, then run the stages"
            f" up to lift and `spatiallake reward --lake {lake.uri}`."
        )
    kind = _kind_of(lake)
    repeated = _repeated(lake, by_name)
    return [RewardedEpisode(name, kind, repeated[name] | frames) for name, frames in sorted(by_name.items())]


def matching(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return whether a name matches one of the patterns such as `bridge_*`; every name without a pattern."""
    return lambda name: not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _floats(rows: Sequence[Row], name: str) -> NDArray[np.float64]:
    return np.array([np.nan if row.get(name) is None else row[name] for row in rows], np.float64)


def _kind_of(lake: LakeReader) -> str:
    recipe = lake.current_recipes().get("reward")
    _, settings = lake.recipe_book().configuration("reward", recipe) if recipe else (None, {})
    return str(settings.get("kind", "progress"))


def _repeated(lake: LakeReader, by_name: Mapping[str, Mapping[int, Row]]) -> dict[str, dict[int, Row]]:
    """Return the frames that `rewards` lacks because their image is that of another frame of the episode."""
    found: dict[str, dict[int, Row]] = {name: {} for name in by_name}
    listed = lake.query("crawl", "SELECT entry_id, row_json FROM t WHERE row_json LIKE '%\"sequence_id\"%'")
    places = {}
    for entry in listed:
        row = json.loads(entry["row_json"])
        if row.get("frame_index") not in by_name.get(row.get("sequence_id"), {row.get("frame_index")}):
            places[entry["entry_id"]] = (row["sequence_id"], row.get("frame_index"))
    if not places:
        return found
    images = lake.query("provenance", f"SELECT entry_id, image_id FROM t WHERE entry_id IN ({quoted(places)})")
    own = {name: {row["image_id"]: row for row in frames.values()} for name, frames in by_name.items()}
    for one in images:
        name, frame = places[one["entry_id"]]
        if frame is not None and one["image_id"] in own[name]:
            found[name][int(frame)] = own[name][one["image_id"]]
    return found
