"""Scores of a model on evaluation items during training."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vlm.errors import SettingsUnusable
from vlm.evaluation.items import Answer, AnswerSet, Item
from vlm.evaluation.layouts import read_items
from vlm.evaluation.predictors.views import View, shown
from vlm.evaluation.reading.answer import predictions_of
from vlm.evaluation.rows import Unreadable
from vlm.evaluation.scores.interval import Score
from vlm.evaluation.scores.table import scored
from vlm.loop.settings import EvaluationSettings
from vlm.model.generate import answers
from vlm.model.loading import VisionLanguageModel

# Suffixes of score names by view.
_SUFFIXES = {View.WHOLE: "", View.BLANKED: "_blanked"}


class Evaluator:
    """Scores a model on the same items every time, with their images and with blank ones."""

    def __init__(self, settings: EvaluationSettings) -> None:
        """Read the items and keep at most `settings.max_items`, evenly spread.

        Raises:
            SettingsUnusable: the format is unknown, the file cannot be read, or no item has any image.
        """
        try:
            found = read_items(settings.format, Path(settings.path)).items
        except Unreadable as error:
            raise SettingsUnusable(str(error)) from error
        asked = [item for item in found if item.images]
        if not asked:
            raise SettingsUnusable(
                f"{settings.path} has no item with one image or several; name another file of items."
            )
        places = np.linspace(0, len(asked) - 1, min(settings.max_items, len(asked))).astype(int)
        self._items = [asked[place] for place in places]
        self._settings = settings

    def __call__(self, vlm: VisionLanguageModel) -> list[Score]:
        """Return the scores over all items; `_blanked` marks those with blank images."""
        return [replace(one, name=one.name + end) for view, end in _SUFFIXES.items() for one in self._scores(vlm, view)]

    def _scores(self, vlm: VisionLanguageModel, view: View) -> list[Score]:
        step = self._settings.batch
        parts = [self._items[start : start + step] for start in range(0, len(self._items), step)]
        given = [answer for part in parts for answer in self._answers(vlm, part, view)]
        return scored(predictions_of(self._items, AnswerSet("", given))).overall

    def _answers(self, vlm: VisionLanguageModel, items: Sequence[Item], view: View) -> list[Answer]:
        asked = [shown(item, view) for item in items]
        images, prompts = [one.images for one in asked], [one.prompt for one in asked]
        texts = answers(vlm, images, prompts, self._settings.max_new_tokens)
        return [Answer(text, one.item_id) for one, text in zip(asked, texts, strict=True)]
