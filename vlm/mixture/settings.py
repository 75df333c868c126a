"""Settings of the mixture: its streams and their token shares."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SPATIAL = "spatial"


class StreamSettings(BaseModel):
    """One general stream: files in a published format."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    kind: Literal["llava", "messages", "vqa"] = Field(
        description="LLaVA JSON, Parquet with `images` and `messages`, or VQAv2 and OK-VQA questions"
    )
    uri: str = Field(description="JSON file; for messages a Parquet file or a folder of them")
    annotations: str | None = Field(default=None, description="vqa: the JSON file of answers")
    images: str | None = Field(default=None, description="llava, vqa: folder of the images")
    image_name: str = Field(
        default="COCO_{subtype}_{image_id:012d}.jpg", description="vqa: file name pattern of images"
    )
    share: float | None = Field(default=None, gt=0, lt=1, description="of all tokens; none: a part of the rest")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "vqa" and self.annotations is None:
            raise ValueError(f"stream {self.name} of kind vqa has no `annotations`; name the file of answers")
        if self.kind != "messages" and self.images is None:
            raise ValueError(f"stream {self.name} of kind {self.kind} has no `images`; name the image folder")
        return self


class MixtureSettings(BaseModel):
    """Streams beside the spatial one; shares count text tokens and `image_tokens` per image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    streams: tuple[StreamSettings, ...] = ()
    spatial_share: float = Field(default=0.05, ge=0, le=1, description="of all tokens, if there are other streams")
    image_tokens: int = Field(default=0, ge=0, description="tokens counted per image; 0: only text counts")
    seed: int = Field(default=0, ge=0, description="seed of the order within general streams")
    tokenizer: str | None = Field(default=None, description="the one that `spatiallake examples` counted tokens with")
    tokenizer_revision: str | None = None

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [SPATIAL, *(stream.name for stream in self.streams)]
        if len(names) != len(set(names)):
            raise ValueError(f"stream names {', '.join(names)} are not unique; rename one")
        return self
