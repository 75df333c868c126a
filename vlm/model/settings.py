"""Which model is trained, what of it, and how examples become sequences."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class LoraSettings(BaseModel):
    """Low-rank adapters in place of the weights themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0, ge=0, lt=1)
    targets: tuple[str, ...] = Field(default=(), description="names of layers; none: all linear ones of the decoder")


class SequenceSettings(BaseModel):
    """How an example becomes tokens; saved with the model, so that it is asked as it was taught."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: Literal["auto", "plain"] = Field(
        default="auto", description="the processor's chat template where it has one, or USER: and ASSISTANT:"
    )
    independent_turns: bool = Field(
        default=False, description="every turn sees the image and itself, not the other turns of the example"
    )
    bidirectional_image: bool = Field(default=False, description="tokens of an image see each other both ways")
    packing: bool = Field(default=False, description="several examples in one sequence, which do not see each other")
    max_tokens: int = Field(default=2048, ge=8, description="tokens of a sequence, the image's included")

    @property
    def masked(self) -> bool:
        """Return whether the decoder has to take ready-made masks."""
        return self.independent_turns or self.bidirectional_image or self.packing

    @property
    def by_turns(self) -> bool:
        """Return whether turns can be attended to in blocks of their own."""
        return self.independent_turns and not (self.bidirectional_image or self.packing)


class ModelSettings(BaseModel):
    """A whole model, or a vision encoder and a decoder to be joined; and what of it learns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = Field(default=None, description="folder or Hugging Face id of an image-text-to-text model")
    revision: str | None = Field(default=None, description="commit of the Hugging Face id")
    vision_encoder: str | None = Field(default=None, description="folder of a vision model and its image processor")
    decoder: str | None = Field(default=None, description="folder of a causal language model and its tokenizer")
    freeze_vision_encoder: bool = True
    freeze_decoder: bool = False
    lora: LoraSettings | None = None
    gradient_checkpointing: bool = False
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    weights: Literal["float32", "bfloat16", "float16"] = Field(default="float32", description="precision of weights")
    sequence: SequenceSettings = SequenceSettings()

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.model is not None and (self.vision_encoder or self.decoder):
            raise ValueError(
                f"model {self.model} has its own vision encoder and decoder; leave `vision_encoder` and `decoder` out"
            )
        if self.model is None and not (self.vision_encoder and self.decoder):
            raise ValueError("no model is named; give `model`, or both `vision_encoder` and `decoder`")
        if self.attention == "flash_attention_2" and self.sequence.masked:
            raise ValueError(
                "flash_attention_2 takes no ready-made masks, which independent_turns, bidirectional_image and "
                "packing need; set `attention` to sdpa"
            )
        return self
