"""How many tokens a text has: counted by a stated rule, or by a tokenizer that the user names."""

import re
from collections.abc import Callable
from functools import cache

_TOKEN = re.compile(r"[^\W\d_]+|\d|_|[^\w\s]")


def counted_tokens(text: str) -> int:
    """Return the tokens of a text without any tokenizer: a run of letters, one digit or one sign each are one."""
    return len(_TOKEN.findall(text))


@cache
def token_counter(tokenizer: str | None, revision: str | None = None) -> Callable[[str], int]:
    """Return what counts the tokens of a text.

    `tokenizer` is a local folder or a Hugging Face id, whose special tokens are not counted; None stands for
    `counted_tokens`.
    """
    if tokenizer is None:
        return counted_tokens
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(tokenizer, revision=revision)
    return lambda text: len(loaded(text, add_special_tokens=False)["input_ids"])
