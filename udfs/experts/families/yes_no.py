"""The `yes_no` family: a filter that asks any image-text-to-text model a question about the image."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from udfs.experts.expert import ExpertSpec, Options, Prediction
from udfs.experts.images import UprightImage
from udfs.experts.loading import ModelUnavailable, pretrained, pretrained_model
from udfs.experts.vocabularies import SPATIAL
from udfs.experts.whole_image import Prepared, WholeImageExpert, WholeImageOptions, each, invalid_output

_SPELLINGS = ("{0}", " {0}", "{1}", " {1}", "{2}", " {2}")


class YesNoOptions(WholeImageOptions):
    """The question; the first word of the answer decides."""

    question: str = Field(
        default="Is this a photograph of a real indoor or outdoor scene with several objects? Answer yes or no.",
        min_length=1,
    )


class YesNoFilter(WholeImageExpert):
    """Scores `yes` = P(yes) / (P(yes) + P(no)), from the probabilities of the answer's first token.

    P(yes) is summed over the first tokens of "yes", "Yes" and "YES", with and without a leading space.
    """

    options_type: ClassVar[type[Options]] = YesNoOptions

    @classmethod
    def score_names(cls, spec: ExpertSpec) -> frozenset[str]:
        """Return the names of the scores."""
        return frozenset({"yes", SPATIAL})

    def load_model(self) -> None:
        """Load model and processor, and find the first tokens of yes and no."""
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self.model = pretrained_model(AutoModelForImageTextToText.from_pretrained, self.spec, self.device)
        self.processor = pretrained(AutoProcessor.from_pretrained, self.spec)
        yes, no = self._first_tokens("yes"), self._first_tokens("no")
        self.yes, self.no = sorted(yes - no), sorted(no - yes)
        if not self.yes or not self.no:
            raise ModelUnavailable(
                f"The tokenizer of {self.spec.model} gives yes and no the same first token; use another model."
            )

    def _first_tokens(self, word: str) -> set[int]:
        tokenizer = self.processor.tokenizer
        spelled = [form.format(word, word.capitalize(), word.upper()) for form in _SPELLINGS]
        ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in spelled]
        return {tokens[0] for tokens in ids if tokens} - {tokenizer.unk_token_id}

    def inputs_of(self, image: UprightImage) -> Mapping[str, Any]:
        """Return the processor's tensors of image and question, in the model's chat format where it has one."""
        question = self.options.question
        if not getattr(self.processor, "chat_template", None):
            return self.processor(images=image.image, text=question, return_tensors="pt")
        content = [{"type": "image", "image": image.image}, {"type": "text", "text": question}]
        return self.processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )

    def predictions_of(self, inputs: Mapping[str, Any], items: Sequence[Prepared]) -> list[Prediction | Exception]:
        """Return `yes` and `spatial`, the same value."""
        import torch

        answers = self.model.generate(
            **inputs, max_new_tokens=1, do_sample=False, output_logits=True, return_dict_in_generate=True
        )
        logits = answers.logits[0].float()
        sums = torch.stack([logits[:, tokens].logsumexp(-1) for tokens in (self.yes, self.no)], dim=-1)
        yes = sums.softmax(-1)[:, 0]

        def one(index: int, item: Prepared) -> Prediction:
            if not torch.isfinite(yes[index]):
                raise invalid_output(self.spec, "an answer with a NaN probability")
            return {"scores": {"yes": float(yes[index]), SPATIAL: float(yes[index])}}

        return each(items, one)


SLOTS = {"filter": YesNoFilter}
