"""Settings and summary of a render run."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

RoomKind = Literal["living room", "kitchen", "office", "bedroom", "tabletop"]
ROOM_KINDS: tuple[RoomKind, ...] = ("living room", "kitchen", "office", "bedroom", "tabletop")


class RenderSettings(BaseModel):
    """Settings of `spatiallake render`; `count` rooms give `count * frames` images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: str = Field(description="folder or URI to write the crawl to")
    count: int = Field(default=100, ge=1, description="number of rooms")
    seed: int = Field(default=0, ge=0, description="seed; with the room index it determines every random choice")
    width: int = Field(default=640, ge=64, le=4096, description="image size in px")
    height: int = Field(default=480, ge=64, le=4096, description="image size in px")
    frames: int = Field(default=1, ge=1, le=64, description="images per room; more than 1 follow a camera path")
    rooms: tuple[RoomKind, ...] = Field(default=ROOM_KINDS, min_length=1, description="kinds of room, drawn uniformly")
    jpeg_quality: int = Field(default=92, ge=50, le=100, description="JPEG quality of the images")
    min_object_px: int = Field(default=100, ge=1, description="omit objects with fewer visible pixels")
    depth_noise_rel: float = Field(default=0.0, ge=0, le=0.5, description="relative 1-sigma noise of the depth files")
    mask_bleed_px: int = Field(default=0, ge=0, le=32, description="grow the masks in the files by this many px")
    doorways: bool = Field(default=False, description="give every room a doorway with a corridor behind it")
    rooms_per_chunk: int = Field(default=8, ge=1, le=1000, description="rooms per Spark task")


class RenderSummary(BaseModel):
    """The manifest and the number of rooms, images and objects written."""

    model_config = ConfigDict(frozen=True)

    manifest: str
    rooms: int
    images: int
    objects: int
