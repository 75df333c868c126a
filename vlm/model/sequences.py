"""Examples as token sequences, with the answer tokens and the turn of every token marked."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlm.errors import ModelUnsuited, PromptUnusable, SequenceTooLong
from vlm.examples import Example
from vlm.model.prompts import Prompt, Prompts
from vlm.model.settings import SequenceSettings

Ints, Flags = NDArray[np.int64], NDArray[np.bool_]

Images = Sequence[NDArray[np.uint8]]

# Per-token outputs of processors; all other outputs belong to images.
TOKEN_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids")


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """Tokens of one example, all arrays (n,).

    `answer` marks tokens that are trained on. `turn` is 0 for tokens that all turns attend to, else the number of the
    only turn that does. `extras`: further per-token inputs. `cut`: number of turns dropped because they were too long.
    """

    ids: Ints
    answer: Flags
    turn: Ints
    position: Ints
    extras: dict[str, Ints] = field(default_factory=dict)
    cut: int = 0

    def __len__(self) -> int:
        return len(self.ids)


class Sequencer:
    """Tokenizes examples with a model's processor."""

    def __init__(self, processor: Any, settings: SequenceSettings) -> None:
        self._processor = processor
        self._tokenizer = processor.tokenizer
        self._settings = settings
        self._prompts = Prompts(processor, settings.template)
        if not self._tokenizer.is_fast:
            raise PromptUnusable(
                f"{type(self._tokenizer).__name__} does not return character offsets; save the model with a fast "
                "tokenizer."
            )

    def sequences(
        self, examples: Sequence[Example], images: Sequence[Images]
    ) -> tuple[list[TokenSequence], dict[str, Any]]:
        """Return the sequence of every example, and the model inputs of the images.

        Raises:
            ModelUnsuited: an example has several images, and the processor takes one.
            PromptUnusable: the template or tokenizer does not separate answers from questions.
            SequenceTooLong: images alone have more tokens than a sequence may have.
        """
        pairs = zip(examples, images, strict=True)
        prompts = [self._written(example, len(own)) for example, own in pairs]
        flat = iter(self._tokenized([prompt.text for own in prompts for prompt in own]))
        tokens = [[next(flat) for _ in own] for own in prompts]
        shown = [place for place, own in enumerate(images) if own]
        expanded, inputs = self._expanded(
            [prompts[place][0].text for place in shown], [images[place] for place in shown]
        )
        rows = dict(zip(shown, expanded, strict=True))
        made = []
        for place, own in enumerate(prompts):
            turns = [
                _TokenizedPrompt(ids, offsets, prompt)
                for (ids, offsets), prompt in zip(tokens[place], own, strict=True)
            ]
            make = self._independent if self._settings.independent_turns else self._whole
            made.append(make(turns, rows.get(place), len(images[place])))
        return made, inputs

    def _written(self, example: Example, image: int) -> list[Prompt]:
        if self._settings.independent_turns:
            return [self._prompts.conversation([turn], image) for turn in example.turns]
        return [self._prompts.conversation(example.turns, image)]

    def _tokenized(self, texts: list[str]) -> list[tuple[Ints, Ints]]:
        encoded = self._tokenizer(
            texts, add_special_tokens=False, return_offsets_mapping=True, return_attention_mask=False
        )
        return [
            (np.asarray(ids, np.int64), np.asarray(offsets, np.int64).reshape(-1, 2))
            for ids, offsets in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        ]

    def _expanded(self, texts: list[str], images: list[Images]) -> tuple[list[dict[str, Ints]], dict[str, Any]]:
        """Process texts with their images; return the token inputs of each text, and the inputs of the images."""
        if not texts:
            return [], {}
        options = {"add_special_tokens": False, "padding": True, "return_tensors": "pt"}
        made = processed(self._processor, texts, images, **options)
        kept = made["attention_mask"].numpy().astype(bool)
        inputs = {name: made[name].numpy() for name in TOKEN_INPUTS if name in made and name != "attention_mask"}
        rows = [{name: values[row][kept[row]] for name, values in inputs.items()} for row in range(len(texts))]
        return rows, {name: value for name, value in made.items() if name not in TOKEN_INPUTS}

    def _whole(self, turns: list["_TokenizedPrompt"], row: dict[str, Ints] | None, images: int) -> TokenSequence:
        """Return the sequence of a conversation whose turns attend to earlier turns."""
        only, limit = turns[0], self._settings.max_tokens
        row = row or {"input_ids": only.ids}
        ids = row["input_ids"]
        # The processor inserts the image tokens; the text after them stays unchanged.
        same = _common_end(only.ids, ids)
        added = len(ids) - len(only.ids)
        answer = np.zeros(len(ids), bool)
        answer[len(ids) - same :] = only.answer[len(only.ids) - same :]
        if answer.sum() != only.answer.sum():
            raise PromptUnusable(
                "The processor changes the text after the image, so answers cannot be located; set "
                "model.sequence.template=plain, or use another model."
            )
        ends = [end + added for end in only.ends]
        fitting = sum(end <= limit for end in ends)
        # The last image token is the placeholder, which the text contains as well.
        end = ends[fitting - 1] if fitting else len(ids) - same + 1
        if fitting == len(ends):
            end = len(ids)
        self._check(end, images)
        kept = {name: values[:end] for name, values in row.items()}
        whole = TokenSequence(
            kept.pop("input_ids"), answer[:end], np.zeros(end, np.int64), np.arange(end), kept, len(ends) - fitting
        )
        return whole if fitting else replace(whole, answer=np.zeros(end, bool))

    def _independent(self, turns: list["_TokenizedPrompt"], row: dict[str, Ints] | None, images: int) -> TokenSequence:
        """Return the images once, followed by every turn as if it were the only one."""
        starts = [self._after_image(one.ids) if row else 0 for one in turns]
        shared = row["input_ids"][: self._after_image(row["input_ids"])] if row else np.empty(0, np.int64)
        room, parts = self._settings.max_tokens - len(shared), [shared]
        for one, start in zip(turns, starts, strict=True):
            room -= len(one.ids) - start
            if room < 0:
                break
            parts.append(one.ids[start:])
        self._check(len(shared), images)
        fitting = len(parts) - 1
        if not fitting and not row:
            parts.append(turns[0].ids[:1])
        answers = [np.zeros(len(shared), bool), *(one.answer[start:] for one, start in zip(turns, starts, strict=True))]
        ids = np.concatenate(parts)
        return TokenSequence(
            ids,
            np.concatenate(answers[: fitting + 1]) if fitting else np.zeros(len(ids), bool),
            np.concatenate([np.full(len(part), number) for number, part in enumerate(parts)]),
            np.concatenate(
                [np.arange(len(part)) + (len(shared) if number else 0) for number, part in enumerate(parts)]
            ),
            cut=len(turns) - fitting,
        )

    def _after_image(self, ids: Ints) -> int:
        places = np.flatnonzero(ids == self._processor.image_token_id)
        if not len(places):
            raise ModelUnsuited("The processor's text has no image token; set model.sequence.independent_turns=false.")
        return int(places[-1]) + 1

    def _check(self, needed: int, images: int) -> None:
        if needed > self._settings.max_tokens:
            raise SequenceTooLong(
                f"{'An image has' if images < 2 else f'{images} images have'} {needed} tokens, but a sequence may have "
                f"{self._settings.max_tokens}; raise model.sequence.max_tokens, or let the processor use smaller "
                "images."
            )


class _TokenizedPrompt:
    """A tokenized prompt with its answer tokens and the number of tokens at the end of each turn."""

    def __init__(self, ids: Ints, offsets: Ints, prompt: Prompt) -> None:
        self.ids = ids
        self.answer = np.zeros(len(ids), bool)
        for start, end in prompt.answers:
            first, last = np.searchsorted(offsets[:, 0], (start, end))
            self.answer[first:last] = True
        self.ends = [int(np.searchsorted(offsets[:, 0], end)) for end in prompt.ends]


def processed(processor: Any, texts: Sequence[str], images: Sequence[Images], **options: Any) -> Any:
    """Return what a processor makes of texts with their images.

    Raises:
        ModelUnsuited: a text has several images, and the processor takes one.
    """
    several = max(map(len, images)) > 1
    try:
        return processor(text=list(texts), images=[list(own) for own in images], **options)
    except (ValueError, TypeError, IndexError) as error:
        if not several:
            raise
        raise ModelUnsuited(
            f"{type(processor).__name__} does not take several images per example ({error}); leave out rows about "
            "several images, or use a model that does."
        ) from error


def _common_end(some: Ints, others: Ints) -> int:
    """Return the length of the common suffix."""
    shorter = min(len(some), len(others))
    same = some[::-1][:shorter] == others[::-1][:shorter]
    return shorter if same.all() else int(np.argmin(same))


class OneTurnSequencer:
    """Tokenizes examples for families whose text ends with the answer, such as PaliGemma.

    Their processor takes the answer as `suffix` and marks its tokens by type. Only the first turn of an example is
    used; the others count as cut.
    """

    def __init__(self, processor: Any, settings: SequenceSettings) -> None:
        self._processor = processor
        self._settings = settings

    def sequences(
        self, examples: Sequence[Example], images: Sequence[Images]
    ) -> tuple[list[TokenSequence], dict[str, Any]]:
        """Return the sequence of every example, and the model inputs of the images.

        Raises:
            ModelUnsuited: an example has no image, or several, and the processor takes one.
        """
        if not all(images):
            raise ModelUnsuited("This model needs an image in every example; leave out streams with text alone.")
        token = self._processor.image_token
        texts = [
            f"{token * len(own)}{example.turns[0].question}" for example, own in zip(examples, images, strict=True)
        ]
        answers = [example.turns[0].answer for example in examples]
        made = processed(self._processor, texts, images, suffix=answers, padding=True, return_tensors="pt")
        kept = made["attention_mask"].numpy().astype(bool)
        inputs = {name: made[name].numpy() for name in TOKEN_INPUTS if name in made and name != "attention_mask"}
        shown = {name: value for name, value in made.items() if name not in (*TOKEN_INPUTS, "labels")}
        sequences = [
            self._sequence({name: value[row][kept[row]] for name, value in inputs.items()}, len(example.turns))
            for row, example in enumerate(examples)
        ]
        return sequences, shown

    def _sequence(self, row: dict[str, NDArray[np.int64]], turns: int) -> TokenSequence:
        ids = row.pop("input_ids")
        count = len(ids)
        answer = row["token_type_ids"] == 1
        if count > self._settings.max_tokens:
            answer = np.zeros(count, bool)
        return TokenSequence(ids, answer, np.zeros(count, np.int64), np.arange(count), row, turns - int(answer.any()))
