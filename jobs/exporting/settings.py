"""What an export holds and how it is cut."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

TABLES = ("qa_pairs", "training_examples")
SPLITS = ("train", "validation", "test")
Images = Literal["inside", "files", "urls", "none"]


class ExportSettings(BaseModel):
    """Which rows are exported, in which format, and what becomes of their images.

    Two exports of one lake with equal settings are the same, byte for byte.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = Field(description="a registered format")
    table: Literal["qa_pairs", "training_examples"] = Field(default="qa_pairs", description="table to export")
    splits: tuple[Literal["train", "validation", "test"], ...] = Field(default=SPLITS, description="splits to export")
    types: tuple[str, ...] = Field(default=(), description="question types to export; empty: all")
    forms: tuple[str, ...] = Field(default=(), description="answer forms to export; empty: all")
    licences: tuple[str, ...] = Field(default=(), description="licenses of images to export; empty: all")
    images: Images = Field(default="inside", description="where the images are: inside, files, urls or none")
    max_side_px: int = Field(default=1024, ge=16, description="longest side of the images, px; none is enlarged")
    jpeg_quality: int = Field(default=90, ge=50, le=100, description="of the images")
    turns: int = Field(default=1, ge=1, description="maximum questions per conversation")
    rows_per_shard: int = Field(default=20_000, ge=1, description="rows after which a file of rows ends")
