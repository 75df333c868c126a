"""Zero-shot filters: how well each label's prompts describe an image, by a model of text and images."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from udfs.experts.expert import ExpertSpec, Options, Prediction
from udfs.experts.images import UprightImage
from udfs.experts.loading import pretrained, pretrained_model
from udfs.experts.vocabularies import SPATIAL, LabelSet, label_set
from udfs.experts.whole_image import Prepared, WholeImageExpert, WholeImageOptions, each, invalid_output


class ZeroShotOptions(WholeImageOptions):
    """`labels` is a packaged set's name, a YAML file or a mapping; the recipe holds the labels themselves."""

    labels: Annotated[LabelSet, BeforeValidator(label_set)] = Field(default="indoor", validate_default=True)  # pyright: ignore[reportAssignmentType]


class ZeroShotFilter(WholeImageExpert):
    """Scores an image against the labels; the prompts are embedded once, when the model is loaded.

    A label's embedding is the normalized mean of its prompts' unit embeddings (CLIP, section 3.1.4).
    """

    options_type: ClassVar[type[Options]] = ZeroShotOptions
    model_types: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def score_names(cls, spec: ExpertSpec) -> frozenset[str]:
        """Return the labels and `spatial`."""
        return frozenset({SPATIAL, *cls.checked(spec).labels.prompts})

    def load_model(self) -> None:
        """Load model and processor, and embed the prompts."""
        import torch
        from transformers import AutoModel, AutoProcessor

        self.model = pretrained_model(AutoModel.from_pretrained, self.spec, self.device, self.model_types)
        self.processor = pretrained(AutoProcessor.from_pretrained, self.spec)
        with torch.inference_mode():
            rows = [self._text(prompts) for prompts in self.options.labels.prompts.values()]
        self.texts = torch.stack(rows)

    def _text(self, prompts: list[str]) -> Any:
        """Return the unit embedding (d,) of a label, single precision."""
        tokens = self.processor.tokenizer(text=prompts, return_tensors="pt", **self.padding()).to(self.device)
        return _unit(_unit(self.model.get_text_features(**tokens).pooler_output.float()).mean(0))

    @abstractmethod
    def padding(self) -> dict[str, Any]:
        """Return the tokenizer's padding options, as the family's models were trained."""

    def inputs_of(self, image: UprightImage) -> Mapping[str, Any]:
        """Return the image processor's tensors."""
        return self.processor.image_processor(images=[image.image], return_tensors="pt")

    def predictions_of(self, inputs: Mapping[str, Any], items: Sequence[Prepared]) -> list[Prediction | Exception]:
        """Return every label's score and `spatial`, each in [0, 1]."""
        import torch

        images = _unit(self.model.get_image_features(**inputs).pooler_output.float())
        logits = images @ self.texts.T * self.model.logit_scale.float().exp()
        names, wanted = list(self.options.labels.prompts), len(self.options.labels.wanted)
        scores, spatial = self.scores(logits, wanted)

        def scored(index: int, item: Prepared) -> Prediction:
            if not torch.isfinite(logits[index]).all():
                raise invalid_output(self.spec, "a NaN or infinite score")
            by_label = dict(zip(names, scores[index].tolist(), strict=True))
            return {"scores": {**by_label, SPATIAL: float(spatial[index])}}

        return each(items, scored)

    @abstractmethod
    def scores(self, logits: Any, wanted: int) -> tuple[Any, Any]:
        """Return scores (n, labels) and `spatial` (n,) of scaled similarities; the first `wanted` labels are wanted."""


def _unit(vectors: Any) -> Any:
    return vectors / vectors.norm(dim=-1, keepdim=True)
