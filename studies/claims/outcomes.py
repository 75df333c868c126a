"""What every run of every arm got right, photograph by photograph."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.claims.study import ARMS, Study
from udfs.questions.registry import ids_of_relation
from vlm.evaluation.baselines import TEXT_ONLY_PRIOR
from vlm.evaluation.formats.registry import read_items, read_predictions
from vlm.evaluation.items import Item, Kind, Prediction
from vlm.evaluation.predictors.views import View, row_of
from vlm.evaluation.reading.answer import predictions_of
from vlm.evaluation.scores.choices import is_right
from vlm.evaluation.scores.numbers import RANGES, within
from vlm.evaluation.scores.vqa import evalai_normalised
from vlm.mixture import rooms

GENERAL, GROUNDING, SIDES, LONG = "general", "grounding", "left and right", "in_range[0.5,2] from 1 m"
SCORES = ("qualitative", SIDES, "number_rate", *RANGES, LONG, GENERAL, GROUNDING)
_SIDE_TYPES = ids_of_relation("left")
_LONG_M = 1.0
BLANKED = f" ({View.BLANKED})"


@dataclass
class Outcomes:
    """Sums of one score of all runs over each photograph's items.

    `sums` by arm are [seeds, photographs], `counts` [photographs] the items of each photograph, the same for all.
    """

    counts: NDArray[np.float64]
    sums: dict[str, NDArray[np.float64]] = field(default_factory=dict)


Right = list[tuple[str, str, float]]
Arms = Mapping[str, Iterable[Prediction]]


def outcomes(study: Study) -> dict[str, Outcomes]:
    """Return what the runs of a study that have answered got right, by score.

    An arm without its pictures is `NAME (image blanked)`, the text-only prior is one more arm.
    """
    spatial = read_items("spatiallake", study.folder("items.parquet")).items
    general = read_items("llava", study.crawl("held_out") / "test.json").items
    found: dict[str, list[Right]] = {}
    for arm in study.named:
        for seed in range(1, study.seeds + 1):
            run = f"{arm}-{seed}"
            folder = study.folder("answers", run)
            if not (folder / "general" / "scores.json").is_file():
                continue
            said = told(folder / "spatial", spatial)
            own = [*spatial_right(said[run]), *general_right(told(folder / "general", general)[run])]
            found.setdefault(arm, []).append(own)
            blanked = said[row_of(run, View.BLANKED)]
            found.setdefault(arm + BLANKED, []).append(spatial_right(blanked))
            found.setdefault(TEXT_ONLY_PRIOR, [spatial_right(said[TEXT_ONLY_PRIOR])])
    return summed(found)


def told(folder: Path, items: list[Item]) -> dict[str, list[Prediction]]:
    """Return what was answered to items by model, from an evaluation's folder."""
    answers = read_predictions("spatiallake", folder / "predictions.parquet")
    return {one.model: predictions_of(items, one) for one in answers}


def answered(study: Study) -> dict[str, dict[str, list[Prediction]]]:
    """Return what every run of an arm that has answered said to the spatial questions, by run and by model."""
    items = read_items("spatiallake", study.folder("items.parquet")).items
    folders = sorted(path.parent for path in study.folder("answers").glob("*/spatial/predictions.parquet"))
    runs = {folder.parent.name: folder for folder in folders}
    return {name: told(folder, items) for name, folder in runs.items() if name.rpartition("-")[0] in ARMS}


def shares_by(
    arms: Arms, part_of: Callable[[Prediction], str | None], is_hit: Callable[[Prediction], bool]
) -> dict[str, Any]:
    """Return by part the number of questions, and each arm's share of hits; what is of no part counts nowhere."""
    found: dict[str, Any] = {}
    for arm, predictions in arms.items():
        hits: dict[str, list[bool]] = {}
        for one in predictions:
            part = part_of(one)
            if part is not None:
                hits.setdefault(part, []).append(is_hit(one))
        for part, own in sorted(hits.items()):
            found.setdefault(part, {"questions": len(own)})[arm] = round(float(np.mean(own)), 4)
    return found


def spatial_right(predictions: Iterable[Prediction]) -> Right:
    """Return (score, photograph, 1 or 0) of every answer to a spatial question that a score counts."""
    found: Right = []
    for one in predictions:
        item, value = one.item, one.reading.value
        photograph, truth = item.photograph or item.item_id, item.truth.value_si
        if item.kind in (Kind.BOOL, Kind.CHOICE):
            found.append(("qualitative", photograph, float(is_right(one))))
            if is_side(item):
                found.append((SIDES, photograph, float(is_right(one))))
        elif item.kind == Kind.NUMBER and item.truth.unit_si != "rad" and truth is not None:
            found.append(("number_rate", photograph, float(one.parsed)))
            ranges = {**RANGES, LONG: RANGES["in_range[0.5,2]"]} if _is_long(item) else RANGES
            for score, bounds in ranges.items():
                found.append((score, photograph, float(one.parsed and within(value, truth, *bounds))))
    return found


def is_side(item: Item) -> bool:
    """Return whether left and right are asked about."""
    return item.type_id in _SIDE_TYPES


def _is_long(item: Item) -> bool:
    return item.truth.unit_si == "m" and (item.truth.value_si or 0) >= _LONG_M


def general_right(predictions: Iterable[Prediction]) -> Right:
    """Return (score, photograph, 1 or 0) of every answer to a general question, right with the words of the truth."""
    return [
        (
            GROUNDING if one.item.type_id in rooms.GROUNDING else GENERAL,
            str(one.item.pictures[0].path),
            float(_plain(one.raw) == _plain(one.item.answer)),
        )
        for one in predictions
    ]


def _plain(answer: str) -> str:
    return evalai_normalised(answer.strip().rstrip("."))


def summed(found: dict[str, list[Right]]) -> dict[str, Outcomes]:
    """Return the outcomes by score of (score, photograph, right) by arm and seed."""
    made: dict[str, Outcomes] = {}
    for score in SCORES:
        own = {arm: [[one for one in run if one[0] == score] for run in runs] for arm, runs in found.items()}
        asked = {arm: runs for arm, runs in own.items() if runs[0]}
        if not asked:
            continue
        first = next(iter(asked.values()))[0]
        photographs = sorted({photograph for _, photograph, _ in first})
        place = {photograph: number for number, photograph in enumerate(photographs)}
        made[score] = Outcomes(_by_photograph([(s, p, 1.0) for s, p, _ in first], place))
        for arm, runs in asked.items():
            made[score].sums[arm] = np.stack([_by_photograph(run, place) for run in runs])
    return made


def _by_photograph(run: Right, place: dict[str, int]) -> NDArray[np.float64]:
    sums = np.zeros(len(place))
    for _, photograph, value in run:
        sums[place[photograph]] += value
    return sums
