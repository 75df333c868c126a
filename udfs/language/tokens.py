"""Counts the tokens of a text by a fixed rule or with a given tokenizer."""

import re
from collections.abc import Callable
from functools import cache

_TOKEN = re.compile(r"[^\W\d_]+|\d|_|[^\w\s]")


def counted_tokens(text: str) -> int:
    """Count tokens without a tokenizer: each run of letters, each digit and each symbol is one token."""
    return len(_TOKEN.findall(text))


@cache
def token_counter(tokenizer: str | None, revision: str | None = None) -> Callable[[str], int]:
    """Return a function that counts the tokens of a text.

    `tokenizer` is a local folder or a Hugging Face id, whose special tokens are not counted; None selects
    `counted_tokens`.
    """
    if tokenizer is None:
        return counted_tokens
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(tokenizer, revision=revision)
    return lambda text: len(loaded(text, add_special_tokens=False)["input_ids"])
