"""Builds the evaluation page: leaderboard, errors by type and distance, and sample answers with their images."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from jobs.views.pages.evaluation_figures import evaluation_figures
from jobs.views.pages.leaderboard import (
    headline_names,
    interval_text,
    margin_text,
    published_beside,
    ranked,
    score_names,
    smaller_is_better,
    value_text,
)
from jobs.views.pages.render import page
from udfs.language.draws import seed_of
from vlm.evaluation.items import Item, ItemSet, Prediction
from vlm.evaluation.scores.interval import Score
from vlm.evaluation.scores.margins import Margin
from vlm.evaluation.scores.success import success
from vlm.evaluation.scores.table import ModelScores

_SAMPLES = 24
_WIDTH_PX = 420
# The main score of a question type is the first of these that it has.
_MAIN_SCORES = (
    *("qualitative", "in_range[0.5,2]", "within_1_hour", "median_degrees_error", "point_inside", "iou"),
    *("vqa_official", "exact_match"),
)


@dataclass(frozen=True)
class SampleAnswer:
    """One model's answer to a sample: `mark` is right, wrong, partly or unread."""

    model: str
    raw: str
    parsed: str
    mark: str


@dataclass(frozen=True)
class Sample:
    """One item on the page with its first image as a data URI."""

    item: Item
    prompt: str
    image: str | None
    answers: list[SampleAnswer]


@dataclass(frozen=True)
class Board:
    """The scores of all leaderboard rows, and the paired differences of models over runs without images."""

    scores: Sequence[ModelScores]
    margins: Sequence[Margin] = ()


def evaluation_page(
    title: str, items: ItemSet, predictions: Sequence[Sequence[Prediction]], board: Board, version: str
) -> str:
    """Render the self-contained page."""
    scores = board.scores
    order = ranked(scores)
    main = {run.model: main_by_type(run) for run in order}
    places = {run.model: place for place, run in enumerate(order)}
    types = sorted({name for run in order for name in run.by_type})
    distances = list(dict.fromkeys(name for run in order for name in run.by_distance))
    return page(
        "evaluation.html",
        title=title,
        items=items,
        order=order,
        models=sum(run.fitted_on is None and run.seer is None for run in order),
        baselines=[run for run in order if run.fitted_on is not None],
        margins=board.margins,
        margin_text=margin_text,
        headline=headline_names(scores),
        names=score_names(scores),
        types=types,
        distances=distances,
        main=main,
        published=published_beside(scores, {item.source for item in items.items}),
        plots=evaluation_figures(order, main),
        samples=samples(sorted(predictions, key=lambda answers: places[answers[0].model])),
        value_text=value_text,
        interval_text=interval_text,
        smaller_is_better=smaller_is_better,
        version=version,
    )


def main_by_type(scores: ModelScores) -> dict[str, Score]:
    """Return the main score of each question type."""
    main: dict[str, Score] = {}
    for type_id, type_scores in scores.by_type.items():
        by_name = {score.name: score for score in type_scores}
        name = next((name for name in _MAIN_SCORES if name in by_name), None)
        if name is not None:
            main[type_id] = by_name[name]
    return main


def samples(predictions: Sequence[Sequence[Prediction]]) -> list[Sample]:
    """Return up to 24 items with the models' answers, chosen by a hash of their ids, cycling through the types."""
    if not predictions:
        return []
    answered = [{answer.item.item_id: answer for answer in answers} for answers in predictions]
    turns: dict[str, int] = {}
    chosen: list[tuple[int, int, Item]] = []
    items = [answer.item for answer in predictions[0]]
    for item in sorted(items, key=lambda item: seed_of("sample", item.item_id)):
        turn = turns[item.type_id] = turns.get(item.type_id, 0) + 1
        chosen.append((turn, len(chosen), item))
    chosen.sort(key=lambda place: place[:2])
    shown = [item for _, _, item in chosen[:_SAMPLES]]
    return [_sample(item, [by_id[item.item_id] for by_id in answered if item.item_id in by_id]) for item in shown]


def _sample(item: Item, answers: Sequence[Prediction]) -> Sample:
    shown = [SampleAnswer(a.model, a.raw or "no answer", _parsed(a), _mark(a)) for a in answers]
    return Sample(item, item.prompt, _image(item), shown)


def _mark(prediction: Prediction) -> str:
    if not prediction.parsed:
        return "unread"
    score = success(prediction)
    return "right" if score >= 1.0 else "partly" if score > 0.0 else "wrong"


def _parsed(prediction: Prediction) -> str:
    value = prediction.reading.value
    if value is None:
        return "could not be parsed"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g} {prediction.item.truth.unit_si or ''}".strip()
    if isinstance(value, int):
        return f"{chr(ord('A') + value)}. {prediction.item.options[value]}"
    if isinstance(value, tuple):
        return ", ".join(f"{number:.3f}" for number in value)
    return str(value)


def _image(item: Item) -> str | None:
    """Return the item's first image as a small JPEG data URI; None if it is missing or cannot be decoded."""
    if not item.images:
        return None
    try:
        with Image.open(io.BytesIO(item.images[0].read())) as opened:
            small = opened.convert("RGB")
    except (OSError, ValueError, UnidentifiedImageError):
        return None
    small.thumbnail((_WIDTH_PX, _WIDTH_PX))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
