"""The `grounding_dino` family: open-vocabulary boxes by Grounding DINO (https://arxiv.org/abs/2303.05499)."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from udfs.experts.expert import Options
from udfs.experts.loading import pretrained
from udfs.experts.regions import Detections, Detector, by_key, without_nan


class GroundingDinoOptions(Options):
    """`min_score`: smallest score of a detection."""

    min_score: float = Field(default=0.3, ge=0, le=1)


class GroundingDinoDetector(Detector):
    """Boxes and scores as transformers' processor gives them; a box is named by the word with the highest score.

    The model reads a limited number of tokens, so a long vocabulary is split into several prompts.
    """

    options_type: ClassVar[type[Options]] = GroundingDinoOptions

    def load(self, device: str) -> None:
        """Load model and processor onto `device`."""
        from transformers import GroundingDinoForObjectDetection, GroundingDinoProcessor

        self.device = device
        self.processor = pretrained(GroundingDinoProcessor.from_pretrained, self.spec)
        self.model = self.load_model(GroundingDinoForObjectDetection.from_pretrained, device)

    def detect(self, images: Sequence[Image.Image], vocabularies: Sequence[tuple[str, ...]]) -> list[Detections]:
        """Return the detections of each image in its own vocabulary."""
        found: dict[int, Detections] = {}
        # Only images of one size: padding to another size changes detections near the border.
        sizes = [image.size for image in images]
        for (vocabulary, _), indices in by_key(zip(vocabularies, sizes, strict=True)).items():
            same = [images[index] for index in indices]
            by_prompt = [self._detect(same, names) for names in self._prompts(vocabulary)]
            found.update(zip(indices, map(_joined, zip(*by_prompt, strict=True)), strict=True))
        return [found[index] for index in range(len(images))]

    def _prompts(self, vocabulary: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Split a vocabulary into runs that fit into the model's text length."""
        tokenizer = self.processor.tokenizer
        max_tokens = min(self.model.config.max_text_len, tokenizer.model_max_length)
        prompts: list[list[str]] = [[]]
        length = 2  # the start and end tokens
        for name in vocabulary:
            tokens = len(tokenizer(_plain(name), add_special_tokens=False)["input_ids"]) + 1
            if prompts[-1] and length + tokens > max_tokens:
                prompts.append([])
                length = 2
            prompts[-1].append(name)
            length += tokens
        return [tuple(prompt) for prompt in prompts]

    def _detect(self, images: list[Image.Image], names: tuple[str, ...]) -> list[Detections]:
        import torch

        text = [[_plain(name) for name in names]] * len(images)
        inputs = self.processor(images=images, text=text, return_tensors="pt")
        with torch.inference_mode():
            outputs = self.model(**inputs.to(self.device, self.model.dtype))
        outputs.logits = without_nan(outputs.logits, "the scores of words")
        outputs.pred_boxes = without_nan(outputs.pred_boxes, "boxes")
        min_score = self.options.min_score
        found: list[dict[str, Any]] = self.processor.post_process_grounded_object_detection(
            outputs,
            input_ids=inputs["input_ids"],
            threshold=min_score,
            target_sizes=[(image.height, image.width) for image in images],
        )
        full_stop = self.processor.tokenizer.convert_tokens_to_ids(".")
        name_of_token = _name_of_token(inputs["input_ids"][0].cpu().numpy() == full_stop, len(names))
        results = []
        for boxes_and_scores, logits in zip(found, outputs.logits, strict=True):
            best, tokens = logits.sigmoid().max(dim=-1)
            labels = tuple(names[name_of_token[token]] for token in tokens[best > min_score].tolist())
            boxes, scores = (boxes_and_scores[name].numpy().astype(np.float64) for name in ("boxes", "scores"))
            results.append(Detections(boxes, scores, labels))
        return results


def _plain(name: str) -> str:
    """Return a name without full stops, which separate the names of a prompt."""
    return name.replace(".", " ").strip()


def _name_of_token(is_full_stop: NDArray[np.bool_], names: int) -> NDArray[np.intp]:
    """Return, per token of a prompt, the index of its name; a full stop belongs to the name before it."""
    stops_before = np.cumsum(is_full_stop) - is_full_stop
    return np.minimum(stops_before, names - 1)


def _joined(parts: Sequence[Detections]) -> Detections:
    return Detections(
        np.concatenate([part.boxes_px for part in parts]),
        np.concatenate([part.scores for part in parts]),
        tuple(label for part in parts for label in part.labels),
    )


SLOTS = {"detector": GroundingDinoDetector}
