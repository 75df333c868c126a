"""The `florence2` family: captions of regions by Florence-2 (https://arxiv.org/abs/2311.06242)."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from PIL import Image
from pydantic import Field

from udfs.experts.expert import Options
from udfs.experts.loading import pretrained
from udfs.experts.regions import Captioner, RegionView, in_batches

RegionTask = Literal["<REGION_TO_DESCRIPTION>", "<REGION_TO_CATEGORY>"]
CropTask = Literal["<CAPTION>", "<DETAILED_CAPTION>", "<MORE_DETAILED_CAPTION>"]
_OF_REGIONS = ("<REGION_TO_DESCRIPTION>", "<REGION_TO_CATEGORY>")


class Florence2Options(Options):
    """Tasks for the short and the long caption; `crop_margin` widens crops by a share of the box on every side."""

    short_task: RegionTask | CropTask = "<REGION_TO_DESCRIPTION>"
    long_task: RegionTask | CropTask = "<DETAILED_CAPTION>"
    crop_margin: float = Field(default=0.1, ge=0)
    max_new_tokens: int = Field(default=64, ge=1)
    batch_size: int = Field(default=8, ge=1)


class Florence2Captioner(Captioner):
    """Region tasks see the whole image with the box as location tokens, the other tasks see a crop."""

    options_type: ClassVar[type[Options]] = Florence2Options

    def load(self, device: str) -> None:
        """Load model and processor onto `device`."""
        from transformers import Florence2ForConditionalGeneration, Florence2Processor

        self.device = device
        self.processor = pretrained(Florence2Processor.from_pretrained, self.spec)
        self.model = self.load_model(Florence2ForConditionalGeneration.from_pretrained, device)

    def caption(self, views: Sequence[RegionView]) -> list[tuple[str, str]]:
        """Return the model's short and long text per view."""
        by_task = {
            task: in_batches([self._prompted(view, task) for view in views], self.options.batch_size, self._answers)
            for task in (self.options.short_task, self.options.long_task)
        }
        return list(zip(by_task[self.options.short_task], by_task[self.options.long_task], strict=True))

    def _prompted(self, view: RegionView, task: str) -> tuple[Image.Image, str]:
        if task not in _OF_REGIONS:
            return view.crop(self.options.crop_margin), task
        import torch

        box = torch.tensor([view.box_px])
        bins = self.processor.post_processor.quantize(box, view.image.size)[0].tolist()
        return view.image, task + "".join(f"<loc_{number}>" for number in bins)

    def _answers(self, prompted: list[tuple[Image.Image, str]]) -> list[str]:
        import torch

        images, prompts = [image for image, _ in prompted], [prompt for _, prompt in prompted]
        inputs = self.processor(images=images, text=prompts, padding=True, return_tensors="pt")
        with torch.inference_mode():
            tokens = self.model.generate(
                **inputs.to(self.device, self.model.dtype),
                do_sample=False,
                num_beams=1,
                max_new_tokens=self.options.max_new_tokens,
            )
        return [text.strip() for text in self.processor.batch_decode(tokens, skip_special_tokens=True)]


SLOTS = {"captioner": Florence2Captioner}
