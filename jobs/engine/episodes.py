"""Rows of whole episodes: what stages read that need all frames of a sequence, by Spark or, in a small run, without.

An episode is a sequence of frames, or an image of no sequence. Its frames lie in several shards and files.
"""

# Functions of pyarrow.compute are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.joined import Part, beside
from jobs.engine.lake import Lake

EPISODE = "episode"
# A micro-batch of a stage of episodes takes whatever files and shards there are.
TOGETHER = 1_000_000
_ORDER = (EPISODE, "frame_index", "image_id")


@dataclass(frozen=True)
class Episodes:
    """All frames of the episodes in which the keys are, with the columns of the `others`.

    `frames` is of `images` and has at least `image_id`, `sequence_id` and `frame_index`. Two columns are added:
    `episode`, and `is_new`, whether a frame is among the keys. Called as the `read` of a stage, it is Spark's;
    `in_arrow` does the same in a small run, with the frames of an episode one after the other.
    """

    frames: Part
    others: tuple[Part, ...] = ()

    def __call__(self, lake: Lake, keys: DataFrame, shards: list[int]) -> DataFrame:
        """Return the rows; new frames are measured against known ones, which lie in other shards too."""
        new = keys.select("image_id", F.lit(True).alias("is_new"))
        frames = self.frames.in_spark(lake).withColumn(EPISODE, F.coalesce("sequence_id", "image_id"))
        known = frames.join(new, "image_id", "left").withColumn("is_new", F.coalesce("is_new", F.lit(False)))
        rows = known.join(known.where("is_new").select(EPISODE).distinct(), EPISODE, "left_semi")
        for part in self.others:
            rows = rows.join(part.in_spark(lake), "image_id", part.how)
        return rows

    def in_arrow(self, lake: Lake, keys: pa.Table) -> pa.Table:
        """Return the rows in the order of episodes and frames, without Spark."""
        frames = self.frames.in_arrow(lake)
        frames = frames.append_column(EPISODE, pc.coalesce(frames["sequence_id"], frames["image_id"]))
        frames = frames.append_column("is_new", pc.is_in(frames["image_id"], keys["image_id"].combine_chunks()))
        asked = pc.unique(frames.filter(frames["is_new"])[EPISODE])
        rows = frames.filter(pc.is_in(frames[EPISODE], asked))
        for part in self.others:
            known = part.in_arrow(lake, "image_id", rows["image_id"].combine_chunks())
            rows = beside(rows, known, keep_all=part.optional)
        # As Spark sorts: what has no index comes first.
        sorted_by = rows.select(_ORDER).append_column("has_index", pc.is_valid(rows["frame_index"]))
        order = [(name, "ascending") for name in (EPISODE, "has_index", *_ORDER[1:])]
        return rows.take(pc.sort_indices(sorted_by, sort_keys=order))


def by_episode(rows: DataFrame) -> DataFrame:
    """Return rows with the frames of each episode one after the other, in one task."""
    return rows.repartition(EPISODE).sortWithinPartitions(*_ORDER)
