"""`spatiallake episodes`: a page with the distance, contact and progress of every robot episode of a lake."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from jobs.engine.errors import LakeUnreadable
from jobs.views.pages.episode_figures import episode_figures
from jobs.views.pages.render import page
from jobs.views.preview import write_page
from jobs.views.reader import LakeReader, Row
from schemas.table import ENGINE_VERSION
from udfs.ranks import spearman
from udfs.stages.reward import GEOMETRY

_COLUMNS = (
    *("sequence_id", "frame_index", "instruction", "gripper", "object", "measured_m", "distance_m", "source"),
    *("contact", "progress", "success", "reward", "unknown", "answers"),
)
# A model may give a reason of its own for every frame.
_REASONS = 50


@dataclass(frozen=True)
class Episode:
    """The rows of one episode by frame, and what is told of it."""

    name: str
    rows: list[Row]

    @property
    def instruction(self) -> str:
        """Return what the robot was told, empty if nothing."""
        return self.rows[0]["instruction"] or ""

    @property
    def model(self) -> str | None:
        """Return the model that said the distances, None if they were measured."""
        said = self.rows[0].get("answers")
        return None if said in (None, GEOMETRY) else said

    @property
    def measured(self) -> int:
        """Return the number of frames with a measured distance."""
        return sum(row["source"] == "measured" for row in self.rows)

    @property
    def filled(self) -> int:
        """Return the number of frames whose distance was filled in."""
        return sum(row["source"] == "filled" for row in self.rows)

    @property
    def first_contact(self) -> int | None:
        """Return the first frame in contact."""
        return next((row["frame_index"] for row in self.rows if row["contact"]), None)

    @property
    def succeeded(self) -> bool | None:
        """Return whether a frame is a success, None if nothing is known."""
        known = [row["success"] for row in self.rows if row["success"] is not None]
        return any(known) if known else None

    @property
    def spearman_time(self) -> float | None:
        """Return the rank correlation of progress with time: 1 if it never falls, None if it is not defined."""
        known = [row for row in self.rows if row["progress"] is not None]
        return spearman([row["frame_index"] for row in known], [row["progress"] for row in known])

    @property
    def unknown(self) -> list[tuple[str, int]]:
        """Return why frames could not be measured, and how many, the most frequent first."""
        return Counter(row["unknown"] for row in self.rows if row["unknown"]).most_common()


@dataclass(frozen=True)
class EpisodesSummary:
    """The path of the page and what it shows."""

    path: Path
    episodes: Sequence[Episode]

    def __str__(self) -> str:
        known = sum(one.measured > 0 for one in self.episodes)
        return f"{self.path}: {len(self.episodes):,} episodes, {known:,} of them with measured distances."


def episodes_of(lake: LakeReader) -> list[Episode]:
    """Return the episodes of a lake's `rewards`, by name.

    Raises:
        LakeUnreadable: the table does not exist yet, or holds no episode.
    """
    there = lake.columns("rewards")
    columns = ", ".join(f'"{name}"' for name in _COLUMNS if name in there)
    order = "WHERE sequence_id IS NOT NULL ORDER BY sequence_id, frame_index, image_id"
    rows = lake.query("rewards", f"SELECT {columns} FROM t {order}")
    if not rows:
        raise LakeUnreadable(f"{lake.uri} has no episodes; crawl images with a sequence_id, then run the stage reward.")
    return [Episode(name, list(own)) for name, own in groupby(rows, key=lambda row: row["sequence_id"])]


def write_episodes_page(lake_uri: str, out_path: str | Path, limit: int) -> EpisodesSummary:
    """Write the page; plots are drawn of the first `limit` episodes with a known distance.

    Raises:
        LakeUnreadable: there are no rewards yet.
    """
    found = episodes_of(LakeReader(lake_uri))
    plots = episode_figures([one for one in found if one.measured][:limit])
    unknown = Counter[str]()
    for one in found:
        unknown.update(dict(one.unknown))
    html = page(
        "episodes.html",
        lake_uri=lake_uri,
        episodes=found,
        plots=plots,
        unknown=unknown.most_common(_REASONS),
        wide=(),
        version=ENGINE_VERSION,
    )
    return EpisodesSummary(write_page(html, out_path), found)
