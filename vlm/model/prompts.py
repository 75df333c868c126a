"""Prompts as text, with the character spans of the answers."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from vlm.errors import PromptUnusable
from vlm.examples import Turn

Span = tuple[int, int]


class Prompt(NamedTuple):
    """A text, the span of each answer including its end-of-turn marker, and the end of each turn."""

    text: str
    answers: tuple[Span, ...]
    ends: tuple[int, ...]


class Prompts:
    """Formats conversations by the processor's chat template, or as USER: and ASSISTANT: without one."""

    def __init__(self, processor: Any, template: str = "auto") -> None:
        self._processor = processor
        self._tokenizer = processor.tokenizer
        self._chat = template == "auto" and bool(getattr(processor, "chat_template", None))
        self._end = self._tokenizer.eos_token
        if self._end is None:
            raise PromptUnusable(
                "The tokenizer has no eos_token to end answers with; set one and save the tokenizer again."
            )

    def conversation(self, turns: Sequence[Turn], image: bool) -> Prompt:
        """Return the text of turns with their answers; the image comes before the first question.

        Raises:
            PromptUnusable: the chat template does not append turns to the text before.
        """
        return self._templated(turns, image) if self._chat else self._plain(turns, image)

    def question(self, question: str, image: bool) -> str:
        """Return the text up to the start of the answer."""
        if self._chat:
            return self._rendered(_messages([Turn(question, "")], image)[:1], asks=True)
        return self._opening(image) + _asked(question)

    def _plain(self, turns: Sequence[Turn], image: bool) -> Prompt:
        text, answers, ends = self._opening(image), [], []
        for turn in turns:
            text += _asked(turn.question)
            start = len(text)
            text += f" {turn.answer}{self._end}"
            answers.append((start, len(text)))
            text += "\n"
            ends.append(len(text))
        return Prompt(text, tuple(answers), tuple(ends))

    def _opening(self, image: bool) -> str:
        return (self._tokenizer.bos_token or "") + (f"{self._processor.image_token}\n" if image else "")

    def _templated(self, turns: Sequence[Turn], image: bool) -> Prompt:
        messages = _messages(turns, image)
        text = self._rendered(messages)
        answers, ends = [], []
        for number in range(len(turns)):
            asked = self._rendered(messages[: 2 * number + 1], asks=True)
            answered = text if number == len(turns) - 1 else self._rendered(messages[: 2 * number + 2])
            if not (text.startswith(answered) and answered.startswith(asked)):
                raise PromptUnusable(
                    f"The chat template does not append turns to the text before ({asked[-40:]!r} is no prefix of "
                    f"{answered[-60:]!r}); set model.sequence.template=plain."
                )
            answers.append((len(asked), len(asked) + len(answered[len(asked) :].rstrip())))
            ends.append(len(answered))
        if text[slice(*answers[-1])].strip() == turns[-1].answer.strip():
            # Without an end marker the model would never learn to stop.
            text = text[: answers[-1][1]] + self._end
            answers[-1], ends[-1] = (answers[-1][0], len(text)), len(text)
        return Prompt(text, tuple(answers), tuple(ends))

    def _rendered(self, messages: list[dict[str, Any]], asks: bool = False) -> str:
        return self._processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=asks)


def _asked(question: str) -> str:
    return f"USER: {question}\nASSISTANT:"


def _messages(turns: Sequence[Turn], image: bool) -> list[dict[str, Any]]:
    messages = []
    for number, turn in enumerate(turns):
        parts = [{"type": "text", "text": turn.question}]
        if image and number == 0:
            parts.insert(0, {"type": "image"})
        messages.append({"role": "user", "content": parts})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": turn.answer}]})
    return messages
