"""Which streams are mixed, and in which shares of tokens."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SPATIAL = "spatial"


class StreamSettings(BaseModel):
    """One general stream: files in one of the formats that others publish."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    kind: Literal["llava", "messages", "vqa"] = Field(
        description="LLaVA JSON, Parquet with `images` and `messages`, or VQAv2 and OK-VQA questions"
    )
    uri: str = Field(description="JSON file; for messages a Parquet file or a folder of them")
    annotations: str | None = Field(default=None, description="vqa: the JSON file of answers")
    images: str | None = Field(default=None, description="llava, vqa: folder that images are named relative to")
    image_name: str = Field(
        default="COCO_{subtype}_{image_id:012d}.jpg", description="vqa: file name of an image in `images`"
    )
    share: float | None = Field(default=None, gt=0, lt=1, description="of all tokens; none: what the others leave")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "vqa" and self.annotations is None:
            raise ValueError(f"stream {self.name} is of kind vqa and has no `annotations`; name the file of answers")
        if self.kind != "messages" and self.images is None:
            raise ValueError(f"stream {self.name} is of kind {self.kind} and has no `images`; name their folder")
        return self


class MixtureSettings(BaseModel):
    """Streams beside the spatial one; shares count text tokens, and `image_tokens` for every image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    streams: tuple[StreamSettings, ...] = ()
    spatial_share: float = Field(default=0.05, ge=0, le=1, description="of all tokens, where there are other streams")
    image_tokens: int = Field(default=0, ge=0, description="tokens that an image counts for; 0: only text counts")
    seed: int = Field(default=0, ge=0, description="order within general streams")
    tokenizer: str | None = Field(default=None, description="as in `examples`; the spatial stream is counted there")
    tokenizer_revision: str | None = None

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [SPATIAL, *(stream.name for stream in self.streams)]
        if len(names) != len(set(names)):
            raise ValueError(f"streams are named {', '.join(names)}; give each a name of its own")
        return self
