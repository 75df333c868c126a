"""The `image_text` family: any image-text-to-text model, asked to caption regions or to list objects."""

from collections.abc import Sequence
from typing import Any, ClassVar

from PIL import Image
from pydantic import Field

from udfs.experts.expert import Options
from udfs.experts.loading import ModelUnavailable, pretrained
from udfs.experts.regions import Captioner, Part, RegionView, Tagger, in_batches

_SHORT = "Name the main object of this picture with a noun phrase of one to six words, such as: red ceramic mug"
_LONG = "Describe the main object of this picture in one sentence: what it is, its colors, materials and parts."
_LIST = (
    "List the objects in this picture, each once, by its common name, separated by commas. Answer with the list only."
)


class ImageTextOptions(Options):
    """Options of any question; `batch_size` counts images per batch."""

    max_new_tokens: int = Field(default=96, ge=1)
    batch_size: int = Field(default=4, ge=1)


class CaptionerOptions(ImageTextOptions):
    """The questions for the short and the long caption; `crop_margin` widens crops by a share of the box."""

    short_question: str = _SHORT
    long_question: str = _LONG
    crop_margin: float = Field(default=0.1, ge=0)


class TaggerOptions(ImageTextOptions):
    """The question whose answer lists names, separated by commas or on lines."""

    question: str = Field(default=_LIST, min_length=1)


class _ImageText(Part):
    """Asks in the model's chat format; a model without one gets the image alone, since it follows no instruction."""

    def load(self, device: str) -> None:
        """Load model and processor onto `device`."""
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self.device = device
        self.processor = pretrained(AutoProcessor.from_pretrained, self.spec)
        self.processor.tokenizer.padding_side = "left"  # so that every answer directly follows its question
        self.model = self.load_model(AutoModelForImageTextToText.from_pretrained, device)

    @property
    def follows_questions(self) -> bool:
        """Return whether the model has a chat format."""
        return bool(getattr(self.processor, "chat_template", None))

    def answers(self, images: Sequence[Image.Image], question: str) -> list[str]:
        """Return the model's answer about each image, decoded greedily."""
        return in_batches(images, self.options.batch_size, lambda some: self._answers(some, question))

    def _answers(self, images: list[Image.Image], question: str) -> list[str]:
        import torch

        inputs = self._inputs(images, question).to(self.device, self.model.dtype)
        with torch.inference_mode():
            tokens = self.model.generate(
                **inputs, do_sample=False, num_beams=1, max_new_tokens=self.options.max_new_tokens
            )
        prompt = inputs.get("input_ids")
        # Decoders repeat the question before the answer, encoder-decoders do not.
        if prompt is not None and torch.equal(tokens[:, : prompt.shape[1]], prompt):
            tokens = tokens[:, prompt.shape[1] :]
        return [text.strip() for text in self.processor.batch_decode(tokens, skip_special_tokens=True)]

    def _inputs(self, images: list[Image.Image], question: str) -> Any:
        if not self.follows_questions:
            return self.processor(images=images, return_tensors="pt")
        contents = [[{"type": "image", "image": image}, {"type": "text", "text": question}] for image in images]
        return self.processor.apply_chat_template(
            [[{"role": "user", "content": content}] for content in contents],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            processor_kwargs={"padding": True, "return_tensors": "pt"},
        )


class ImageTextCaptioner(_ImageText, Captioner):
    """Asks twice about each crop, for a short and a long caption; a model without a chat format captions once."""

    options_type: ClassVar[type[Options]] = CaptionerOptions

    def caption(self, views: Sequence[RegionView]) -> list[tuple[str, str]]:
        """Return the model's short and long text per view."""
        crops = [view.crop(self.options.crop_margin) for view in views]
        short = self.answers(crops, self.options.short_question)
        long = self.answers(crops, self.options.long_question) if self.follows_questions else short
        return list(zip(short, long, strict=True))


class ImageTextTagger(_ImageText, Tagger):
    """Asks for a list of the objects of the whole image."""

    options_type: ClassVar[type[Options]] = TaggerOptions

    def load(self, device: str) -> None:
        """Load model and processor; raises ModelUnavailable for a model that has no chat format."""
        super().load(device)
        if not self.follows_questions:
            raise ModelUnavailable(
                f"Model {self.spec.model} has no chat template, so it cannot be asked to list objects; "
                "use an instruction-tuned model for the tagger."
            )

    def tag(self, images: Sequence[Image.Image]) -> list[str]:
        """Return one list per image, as the model writes it."""
        return self.answers(images, self.options.question)


SLOTS = {"captioner": ImageTextCaptioner, "tagger": ImageTextTagger}
