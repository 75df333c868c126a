"""Training examples: an image with questions and answers, whichever stream they come from."""

import io
import json
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from udfs.pixels.decoding import upright_rgb

COLUMNS = ("example_id", "image_id", "jpeg", "conversations", "text_tokens", "stream")
_PLACEHOLDER = "<image>"
_USER, _ASSISTANT = frozenset(("human", "user")), frozenset(("gpt", "assistant"))


class Turn(NamedTuple):
    """A question and its answer."""

    question: str
    answer: str


class Example(NamedTuple):
    """One training example; `image` holds the bytes of an image file, None for text alone.

    `further_images` come after it where the example is about several; all are shown before the first question.
    """

    stream: str
    example_id: str
    image_id: str
    image: bytes | None
    turns: tuple[Turn, ...]
    text_tokens: int
    further_images: tuple[bytes, ...] = ()

    @property
    def images(self) -> tuple[bytes, ...]:
        """Return all images in order."""
        return () if self.image is None else (self.image, *self.further_images)


def example_of(row: Mapping[str, Any]) -> Example:
    """Return the example of a row of `training_examples`."""
    messages = json.loads(row["conversations"])
    pairs = zip(messages[::2], messages[1::2], strict=True)
    turns = tuple(Turn(q["value"], a["value"]) for q, a in pairs)
    return Example(row["stream"], row["example_id"], row["image_id"], row["jpeg"], turns, row["text_tokens"])


def turns_of(messages: Iterable[tuple[str, Any]]) -> tuple[Turn, ...]:
    """Return the user messages that an assistant message follows, of (role, content) in order.

    Roles are those of LLaVA or of Hugging Face. Content is text or a list of parts, and image placeholders are removed.
    """
    texts = [(role, _text(content)) for role, content in messages]
    return tuple(Turn(q, a) for (asks, q), (answers, a) in pairwise(texts) if asks in _USER and answers in _ASSISTANT)


def images_first(messages: Iterable[tuple[str, Any]], images: int) -> bool:
    """Return whether so many images are shown before the first question and nowhere else.

    Text without placeholders is taken to be about images before it.
    """
    places = [place for _, content in messages for place in _places(content)]
    shown = [number for number, place in enumerate(places) if place == _PLACEHOLDER]
    return shown == list(range(images)) or not shown


def _places(content: Any) -> list[str]:
    """Return the placeholders and texts of a message in order."""
    if isinstance(content, str):
        parts = re.split(f"({_PLACEHOLDER})", content)
        return [part for part in parts if part.strip()]
    return [_PLACEHOLDER if part.get("type") == "image" else part.get("text") or "" for part in content or ()]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content.replace(_PLACEHOLDER, "").strip()
    return " ".join(part["text"] for part in content or () if part.get("text")).strip()


def decoded(image: bytes) -> NDArray[np.uint8]:
    """Return the RGB pixels (h, w, 3) of an image file, upright."""
    with Image.open(io.BytesIO(image)) as opened:
        return np.array(upright_rgb(opened))
