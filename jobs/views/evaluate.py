"""`spatiallake evaluate`: scores of live models and of predictions from files, beside baselines."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jobs.engine.errors import UsageError
from jobs.views.pages.evaluation import Board, evaluation_page
from jobs.views.pages.leaderboard import leaderboard_markdown
from jobs.views.preview import write_page
from schemas.table import ENGINE_VERSION
from vlm.evaluation.baselines import TEXT_ONLY_PRIOR, baselines
from vlm.evaluation.columns import suspect
from vlm.evaluation.formats import spatiallake, vqa_results
from vlm.evaluation.items import AnswerSet, Item, ItemSet, Prediction, Rejected
from vlm.evaluation.layouts import read_items, read_predictions, write_items
from vlm.evaluation.predictors.answering import AnswersFile, answered
from vlm.evaluation.predictors.predictor import Predictor, PredictorUnusable
from vlm.evaluation.predictors.views import View, seer_of
from vlm.evaluation.reading.answer import predictions_of
from vlm.evaluation.rows import Unreadable
from vlm.evaluation.scores.margins import Margin, margins
from vlm.evaluation.scores.table import ModelScores, scored

_VQA_SOURCES = ("vqav2", "ok_vqa")


@dataclass(frozen=True)
class Place:
    """A file or folder, the name of its format, and for predictions the model's name and the column of its answers."""

    format: str
    path: Path
    model: str | None = None
    column: str | None = None


@dataclass(frozen=True)
class Live:
    """Models to run, the input ablations to run them with, and a function that reports progress."""

    predictors: Sequence[Predictor]
    views: Sequence[View] = tuple(View)
    report: Callable[[str], None] = print


@dataclass(frozen=True)
class Evaluation:
    """The results of an evaluation."""

    items: ItemSet
    scores: list[ModelScores]
    margins: list[Margin]
    rejected: list[Rejected]
    out: Path

    def summary(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "items": len(self.items.items),
            "rejected": len(self.rejected),
            "scores": {one.model: {score.name: round(score.value, 6) for score in one.overall} for one in self.scores},
            "margins": [one.as_json() for one in self.margins],
            "page": str(self.out / "evaluation.html"),
        }


def place_of(text: str, column: str | None = None) -> Place:
    """Parse FORMAT:PATH or MODEL=FORMAT:PATH; `column` holds the answers in a file of predictions.

    Raises:
        UsageError: the text has another form.
    """
    found = re.fullmatch(r"(?:(?P<model>[^=:]+)=)?(?P<format>\w+):(?P<path>.+)", text)
    if found is None:
        raise UsageError(f"{text!r} is not FORMAT:PATH; an example is cv_bench:data/cv_bench.parquet.")
    return Place(found["format"], Path(found["path"]), found["model"], column)


def evaluate(
    items: Place,
    predictions: Sequence[Place],
    out: Path,
    training: Place | None = None,
    writes: Sequence[Place] = (),
    live: Live | None = None,
) -> Evaluation:
    """Score models and baselines; write scores.json, predictions.parquet, leaderboard.md and evaluation.html.

    Baselines are fitted on the items of `training`. The items are also written to `writes`. Answers of `live` models
    are stored in predictions.jsonl, from which a later evaluation resumes.

    Raises:
        UsageError: a format is unknown, a file cannot be read, there are no items, predictions belong to other items,
            or a model cannot be used.
    """
    try:
        found = _items(items)
        rejected = list(found.rejected)
        answers = [
            _named(one, place)
            for place in predictions
            for one in read_predictions(place.format, place.path, place.column)
        ]
        fitted = _items(training).items if training else None
        for place in writes:
            rejected += write_items(place.format, found.items, place.path)
        _check(found.items, answers, [one.model for one in live.predictors] if live else [])
        answers += _asked(found.items, live, out) if live else []
    except (Unreadable, PredictorUnusable) as error:
        raise UsageError(str(error)) from error
    rejected += [row for one in answers for row in one.rejected]
    names = [one.model for one in answers]
    models = {one.model: predictions_of(found.items, one) for one in answers}
    fixed = {one.answers.model: (predictions_of(one.items, one.answers), one) for one in baselines(found.items, fitted)}
    scores = [scored(own, seer=seer_of(name, names)) for name, own in models.items()]
    scores += [scored(own, one.fitted_on) for own, one in fixed.values()]
    result = Evaluation(found, scores, margins(models, fixed[TEXT_ONLY_PRIOR][0]), rejected, out)
    _write(items, result, [*models.values(), *(own for own, _ in fixed.values())])
    return result


def _asked(items: Sequence[Item], live: Live, out: Path) -> list[AnswerSet]:
    out.mkdir(parents=True, exist_ok=True)
    file = AnswersFile(out / "predictions.jsonl")
    return [one for model in live.predictors for one in answered(model, items, live.views, file, live.report)]


def _items(place: Place) -> ItemSet:
    found = read_items(place.format, place.path)
    if not found.items:
        first = f" {found.rejected[0].reason}" if found.rejected else ""
        raise UsageError(f"{place.path} holds no items in the format {place.format}.{first}")
    return found


def _named(answers: AnswerSet, place: Place) -> AnswerSet:
    return replace(answers, model=place.model or answers.model, column=None if place.column else answers.column)


def _check(items: Sequence[Item], answers: Sequence[AnswerSet], live: Sequence[str]) -> None:
    ids, numbers = {item.item_id for item in items}, {item.number for item in items}
    for one in answers:
        if not any(answer.item_id in ids or answer.number in numbers for answer in one.answers):
            first = one.answers[0]
            raise UsageError(
                f"No prediction of {one.model} belongs to an item: the first prediction is for "
                f"{first.item_id or first.number}, the first item is {items[0].item_id}; check --items."
            )
        wrong = suspect(items, one)
        if wrong is not None:
            raise UsageError(wrong)
    names = [*(one.model for one in answers), *live]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"Two models are called {twice!r}; rename one with NAME=FORMAT:PATH or NAME=FOLDER.")


def _write(place: Place, found: Evaluation, predictions: list[list[Prediction]]) -> None:
    out, items, scores = found.out, found.items, found.scores
    out.mkdir(parents=True, exist_ok=True)
    spatiallake.write_predictions([one for own in predictions for one in own], out / "predictions.parquet")
    document = {
        "engine_version": ENGINE_VERSION,
        "items": {"format": place.format, "path": str(place.path), "count": len(items.items)},
        "rejected": [{"row": row.number, "reason": row.reason} for row in found.rejected],
        "models": [one.as_json() for one in scores],
        "margins": [one.as_json() for one in found.margins],
    }
    (out / "scores.json").write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    board = leaderboard_markdown(scores, {item.source for item in items.items}, found.margins)
    (out / "leaderboard.md").write_text(board, encoding="utf-8")
    if place.format in _VQA_SOURCES:
        for own, one in zip(predictions, scores, strict=True):
            if one.fitted_on is None:
                name = re.sub(r"[^A-Za-z0-9._-]+", "_", one.model)
                vqa_results.write_predictions(own, out / f"{name}.vqa_results.json")
    title = f"{place.format} · {place.path.name}"
    content = evaluation_page(title, items, predictions, Board(scores, found.margins), ENGINE_VERSION)
    write_page(content, out / "evaluation.html")
