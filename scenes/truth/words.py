"""Whether answers call things by the right words: each noun and each color that an expression says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenes.colors import NAMED

Region = Mapping[str, Any]


@dataclass
class Words:
    """Verdicts over all answers: of every noun said, of every color said, and of whole answers."""

    nouns: list[bool] = field(default_factory=list)
    colors: list[bool] = field(default_factory=list)
    answers: list[bool] = field(default_factory=list)

    def add(
        self, expressions: Sequence[str], said: Sequence[Region], shown: Sequence[Region | None], right: bool
    ) -> None:
        """Judge one answer: what it says of regions `said`, which show the true objects `shown`.

        `right` is the verdict on all the rest of the answer. What is said of a region that shows no object is wrong.
        """
        whole = right
        for expression, region, truth in zip(expressions, said, shown, strict=True):
            noun, color = said_words(expression, region["label"] or "")
            if noun:
                self.nouns.append(truth is not None and noun == truth["label"])
                whole &= self.nouns[-1]
            if color:
                self.colors.append(truth is not None and color in true_colors(truth))
                whole &= self.colors[-1]
        self.answers.append(whole)

    def figures(self) -> dict[str, float | None]:
        """Return the shares that are right; None where nothing was said."""
        parts = {"nouns_right": self.nouns, "colors_right": self.colors, "every_word_right": self.answers}
        return {name: sum(part) / len(part) if part else None for name, part in parts.items()}


def said_words(expression: str, label: str) -> tuple[str | None, str | None]:
    """Return the noun, which is the region's label or not said, and the color that an expression says.

    >>> said_words("the red table lamp on the left", "table lamp"), said_words("the leftmost red thing", "vase")
    (('table lamp', 'red'), (None, 'red'))
    """
    padded = f" {expression} "
    noun = label if label and f" {label} " in padded else None
    rest = padded.replace(f" {noun} ", " ") if noun else padded
    return noun, next((word for word in rest.split() if word in NAMED), None)


def true_colors(truth: Region) -> set[str]:
    """Return the colors that the captions of an object state; an orange is orange."""
    return {word for text in [truth["label"] or "", *truth["captions"]] for word in text.split() if word in NAMED}
