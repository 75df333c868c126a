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

    def conversation(self, turns: Sequence[Turn], image: int) -> Prompt:
        """Return the text of turns with their answers; `image` images come before the first question.

        Raises:
            PromptUnusable: the chat template does not append turns to the text before.
        """
        return self._templated(turns, image) if self._chat else self._plain(turns, image)

    def question(self, question: str, image: int) -> str:
        """Return the text up to the start of the answer, with `image` images before the question."""
        if self._chat:
            return self._rendered(_messages([Turn(question, "")], image)[:1], asks=True)
        return self._opening(image) + _asked(question)

    def _plain(self, turns: Sequence[Turn], image: int) -> Prompt:
        text, answers, ends = self._opening(image), [], []
        for turn in turns:
            text += _asked(turn.question)
            start = len(text)
            text += f" {turn.answer}{self._end}"
            answers.append((start, len(text)))
            text += "\n"
            ends.append(len(text))
        return Prompt(text, tuple(answers), tuple(ends))

    def _opening(self, image: int) -> str:
        return (self._tokenizer.bos_token or "") + (f"{self._processor.image_token}\n" * image if image else "")

    def _templated(self, turns: Sequence[Turn], image: int) -> Prompt:
        messages = _messages(turns, image)
        whole = self._rendered(messages)
        text, at, answers, ends = "", 0, [], []
        for number, turn in enumerate(turns):
            asked = self._rendered(messages[: 2 * number + 1], asks=True)
            answered = whole if number == len(turns) - 1 else self._rendered(messages[: 2 * number + 2])
            joint = _joint(asked, answered, turn.answer.strip())
            if joint is None or not whole.startswith(answered):
                raise PromptUnusable(
                    f"The chat template does not append turns to the text before ({asked[-40:]!r} is no prefix of "
                    f"{answered[-60:]!r}); set model.sequence.template=plain."
                )
            same, start = joint
            answer, after, ended = self._ended(whole, start, len(answered), turn)
            text += whole[at:same] + asked[same:]
            answers.append((len(text), len(text) + len(answer)))
            last = number == len(turns) - 1
            # What follows an added end at the very end would be white space that nothing needs.
            at = len(answered) if last and ended else after
            text += answer + whole[at : len(answered)]
            at = max(at, len(answered))
            ends.append(len(text))
        return Prompt(text, tuple(answers), tuple(ends))

    def _ended(self, whole: str, start: int, end: int, turn: Turn) -> tuple[str, int, bool]:
        """Return an answer with its end marker, where in `whole` the text after it begins, and if the marker is added.

        Without an end marker after every answer the model would never learn to stop.
        """
        after = max(start, len(whole[:end].rstrip()))
        answer, rest = whole[start:after], whole[after:]
        if answer.strip() != turn.answer.strip():
            return answer, after, False
        if rest.lstrip().startswith(self._end):
            # Some templates write it in front of the next question only.
            written = rest.index(self._end) + len(self._end)
            return answer + rest[:written], after + written, False
        return answer + self._end, after, True

    def _rendered(self, messages: list[dict[str, Any]], asks: bool = False) -> str:
        return self._processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=asks)


def _joint(asked: str, answered: str, answer: str) -> tuple[int, int] | None:
    """Return how much of a question's text its answered text repeats, and where in the latter the answer starts.

    Some templates write other white space before an answer than where they ask for one; None for other differences.
    """
    if answered.startswith(asked):
        return len(asked), len(asked)
    pairs = enumerate(zip(asked, answered, strict=False))
    same = next((place for place, (one, other) in pairs if one != other), len(answered))
    rest = answered[same:].lstrip()
    return None if asked[same:].strip() or not rest.startswith(answer) else (same, len(answered) - len(rest))


def _asked(question: str) -> str:
    return f"USER: {question}\nASSISTANT:"


def _messages(turns: Sequence[Turn], image: int) -> list[dict[str, Any]]:
    messages = []
    for number, turn in enumerate(turns):
        shown = [{"type": "image"} for _ in range(image)] if number == 0 else []
        parts = [*shown, {"type": "text", "text": turn.question}]
        messages.append({"role": "user", "content": parts})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": turn.answer}]})
    return messages
