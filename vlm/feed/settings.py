"""What a feed reads, and in which order."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FeedSettings(BaseModel):
    """Settings of one feed; `seed` and `lanes` determine the order, the others only its speed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str = Field(description="folder or s3:// prefix of a `training_examples` table")
    version: int | None = Field(
        default=None, ge=0, description="Delta version; none: the latest one when the feed is opened"
    )
    recipe: str | None = Field(default=None, description="recipe of the rows; none: the only one in the table")
    split: Literal["train", "validation", "test"] = "train"
    backend: Literal["petastorm", "pyarrow"] = "petastorm"
    seed: int = Field(default=0, ge=0)
    lanes: int = Field(default=8, ge=1, le=64, description="row groups that examples are taken from in turn")
    readers: int = Field(default=2, ge=1, le=16, description="threads that read row groups")
    prefetch: int = Field(default=4, ge=2, le=8, description="maximum number of row groups read ahead")
