"""The correct answers of every run, by image."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.claims.questions import general as rooms
from studies.claims.study import CONDITIONS, Study
from vlm.evaluation.baselines import TEXT_ONLY_PRIOR
from vlm.evaluation.items import Item, Kind, Prediction
from vlm.evaluation.layouts import read_items, read_predictions
from vlm.evaluation.predictors.views import View, row_of
from vlm.evaluation.reading.answer import predictions_of
from vlm.evaluation.scores.choices import is_right
from vlm.evaluation.scores.numbers import RANGES, within
from vlm.evaluation.scores.vqa import evalai_normalized

GENERAL, GROUNDING, SIDES, LONG = "general", "grounding", "left and right", "in_range[0.5,2] from 1 m"
SCORES = ("qualitative", SIDES, "number_rate", *RANGES, LONG, GENERAL, GROUNDING)
_SIDE_TYPES = ("Q01", "Q02", "Q03")
_LONG_M = 1.0
BLANKED = f" ({View.BLANKED})"


@dataclass
class Outcomes:
    """Sums of one score over the items of each image.

    `sums` [seeds, images] by condition; `counts` [images]: the items of each image, the same for all runs.
    """

    counts: NDArray[np.float64]
    sums: dict[str, NDArray[np.float64]] = field(default_factory=dict)


Right = list[tuple[str, str, float]]
Runs = Mapping[str, Iterable[Prediction]]


def outcomes(study: Study) -> dict[str, Outcomes]:
    """Return the outcomes of all finished runs of a study, by score.

    A condition without images is `NAME (image blanked)`; the text-only baseline counts as a condition.
    """
    spatial = read_items("spatiallake", study.folder("items.parquet")).items
    general = read_items("llava", study.crawl("held_out") / "test.json").items
    found: dict[str, list[Right]] = {}
    for condition in study.named:
        for seed in range(1, study.seeds + 1):
            run = f"{condition}-{seed}"
            folder = study.folder("answers", run)
            if not (folder / "general" / "scores.json").is_file():
                continue
            said = predictions_in(folder / "spatial", spatial)
            own = [*spatial_right(said[run]), *general_right(predictions_in(folder / "general", general)[run])]
            found.setdefault(condition, []).append(own)
            blanked = said[row_of(run, View.BLANKED)]
            found.setdefault(condition + BLANKED, []).append(spatial_right(blanked))
            found.setdefault(TEXT_ONLY_PRIOR, [spatial_right(said[TEXT_ONLY_PRIOR])])
    return summed(found)


def predictions_in(folder: Path, items: list[Item]) -> dict[str, list[Prediction]]:
    """Return the predictions in an evaluation's folder, by model."""
    answers = read_predictions("spatiallake", folder / "predictions.parquet")
    return {one.model: predictions_of(items, one) for one in answers}


def answered(study: Study) -> dict[str, dict[str, list[Prediction]]]:
    """Return the predictions for the spatial questions of all finished runs, by run and model."""
    items = read_items("spatiallake", study.folder("items.parquet")).items
    folders = sorted(path.parent for path in study.folder("answers").glob("*/spatial/predictions.parquet"))
    runs = {folder.parent.name: folder for folder in folders}
    return {
        name: predictions_in(folder, items) for name, folder in runs.items() if name.rpartition("-")[0] in CONDITIONS
    }


def shares_by(
    conditions: Runs, part_of: Callable[[Prediction], str | None], is_hit: Callable[[Prediction], bool]
) -> dict[str, Any]:
    """Return by part the number of questions and the share of hits of each run; part None is left out."""
    found: dict[str, Any] = {}
    for condition, predictions in conditions.items():
        hits: dict[str, list[bool]] = {}
        for one in predictions:
            part = part_of(one)
            if part is not None:
                hits.setdefault(part, []).append(is_hit(one))
        for part, own in sorted(hits.items()):
            found.setdefault(part, {"questions": len(own)})[condition] = round(float(np.mean(own)), 4)
    return found


def spatial_right(predictions: Iterable[Prediction]) -> Right:
    """Return (score, image, 1 or 0) for every score of every answer to a spatial question."""
    found: Right = []
    for one in predictions:
        item, value = one.item, one.reading.value
        image, truth = item.image_id or item.item_id, item.truth.value_si
        if item.kind in (Kind.BOOL, Kind.CHOICE):
            found.append(("qualitative", image, float(is_right(one))))
            if is_side(item):
                found.append((SIDES, image, float(is_right(one))))
        elif item.kind == Kind.NUMBER and item.truth.unit_si != "rad" and truth is not None:
            found.append(("number_rate", image, float(one.parsed)))
            ranges = {**RANGES, LONG: RANGES["in_range[0.5,2]"]} if _is_long(item) else RANGES
            for score, bounds in ranges.items():
                found.append((score, image, float(one.parsed and within(value, truth, *bounds))))
    return found


def is_side(item: Item) -> bool:
    """Return whether an item is about left and right."""
    return item.type_id in _SIDE_TYPES


def _is_long(item: Item) -> bool:
    return item.truth.unit_si == "m" and (item.truth.value_si or 0) >= _LONG_M


def general_right(predictions: Iterable[Prediction]) -> Right:
    """Return (score, image, 1 or 0) of every answer to a general question, which must match the truth."""
    return [
        (
            GROUNDING if one.item.type_id in rooms.GROUNDING else GENERAL,
            str(one.item.images[0].path),
            float(_plain(one.raw) == _plain(one.item.answer)),
        )
        for one in predictions
    ]


def _plain(answer: str) -> str:
    return evalai_normalized(answer.strip().rstrip("."))


def summed(found: dict[str, list[Right]]) -> dict[str, Outcomes]:
    """Return the outcomes by score, from (score, image, correct) by condition and seed."""
    made: dict[str, Outcomes] = {}
    for score in SCORES:
        own = {
            condition: [[one for one in run if one[0] == score] for run in runs] for condition, runs in found.items()
        }
        asked = {condition: runs for condition, runs in own.items() if runs[0]}
        if not asked:
            continue
        first = next(iter(asked.values()))[0]
        images = sorted({image for _, image, _ in first})
        place = {image: number for number, image in enumerate(images)}
        made[score] = Outcomes(_by_image([(s, p, 1.0) for s, p, _ in first], place))
        for condition, runs in asked.items():
            made[score].sums[condition] = np.stack([_by_image(run, place) for run in runs])
    return made


def _by_image(run: Right, place: dict[str, int]) -> NDArray[np.float64]:
    sums = np.zeros(len(place))
    for _, image, value in run:
        sums[place[image]] += value
    return sums
