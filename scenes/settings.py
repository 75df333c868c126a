"""What to render: one frozen settings model, and what a run returns."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

RoomKind = Literal["living room", "kitchen", "office", "bedroom", "tabletop"]
ROOM_KINDS: tuple[RoomKind, ...] = ("living room", "kitchen", "office", "bedroom", "tabletop")


class RenderSettings(BaseModel):
    """Settings of `spatiallake render`; `count` rooms give `count * frames` photographs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: str = Field(description="folder or URI that the crawl is written to")
    count: int = Field(default=100, ge=1, description="rooms")
    seed: int = Field(default=0, ge=0, description="with the room's index, decides every random choice")
    width: int = Field(default=640, ge=64, le=4096, description="px")
    height: int = Field(default=480, ge=64, le=4096, description="px")
    frames: int = Field(default=1, ge=1, le=64, description="photographs per room, along a camera path if more than 1")
    rooms: tuple[RoomKind, ...] = Field(default=ROOM_KINDS, min_length=1, description="kinds of room, drawn evenly")
    jpeg_quality: int = Field(default=92, ge=50, le=100, description="of the photographs")
    min_object_px: int = Field(default=100, ge=1, description="objects that show fewer pixels are left out")
    depth_noise_rel: float = Field(default=0.0, ge=0, le=0.5, description="depth noise in the files / depth")
    mask_bleed_px: int = Field(default=0, ge=0, le=32, description="masks in the files are grown by this much")
    rooms_per_chunk: int = Field(default=8, ge=1, le=1000, description="rooms that one unit of work renders")


class RenderSummary(BaseModel):
    """What a render run wrote."""

    model_config = ConfigDict(frozen=True)

    manifest: str
    rooms: int
    photographs: int
    objects: int
