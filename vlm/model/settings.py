"""Settings of the model, of its trained parts, and of token sequences."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class LoraSettings(BaseModel):
    """Low-rank adapters (LoRA)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0, ge=0, lt=1)
    targets: tuple[str, ...] = Field(default=(), description="layer names; none: all linear layers of the decoder")


class SequenceSettings(BaseModel):
    """How examples become tokens; saved with the model, so that inference matches training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: Literal["auto", "plain"] = Field(
        default="auto", description="auto: the processor's chat template if it has one; plain: USER: and ASSISTANT:"
    )
    independent_turns: bool = Field(
        default=False, description="every turn attends to the image and itself, not to other turns"
    )
    bidirectional_image: bool = Field(default=False, description="image tokens attend to each other in both directions")
    packing: bool = Field(default=False, description="several examples per sequence, which do not attend to each other")
    max_tokens: int = Field(default=2048, ge=8, description="maximum length of a sequence, image tokens included")

    @property
    def masked(self) -> bool:
        """Return whether the decoder needs 4D masks."""
        return self.independent_turns or self.bidirectional_image or self.packing

    @property
    def by_turns(self) -> bool:
        """Return whether attention can run in blocks of turns."""
        return self.independent_turns and not (self.bidirectional_image or self.packing)


class ModelSettings(BaseModel):
    """A whole model, or a vision encoder and a decoder to join, and which parts are trained."""

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
    weights: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="precision of weights, also of trained ones; half precision suits LoRA"
    )
    sequence: SequenceSettings = SequenceSettings()

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.model is not None and (self.vision_encoder or self.decoder):
            raise ValueError(
                f"model {self.model} has its own vision encoder and decoder; omit `vision_encoder` and `decoder`"
            )
        if self.model is None and not (self.vision_encoder and self.decoder):
            raise ValueError("no model is named; give `model`, or both `vision_encoder` and `decoder`")
        if self.attention == "flash_attention_2" and self.sequence.masked:
            raise ValueError(
                "flash_attention_2 accepts no 4D masks, which independent_turns, bidirectional_image and packing need; "
                "set `attention` to sdpa"
            )
        return self
