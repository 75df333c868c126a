"""All scores of a model: overall, by question type and by distance."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from vlm.evaluation.items import Kind, Prediction
from vlm.evaluation.scores.choices import bool_scores, choice_scores, is_right
from vlm.evaluation.scores.combined import combined_scores
from vlm.evaluation.scores.interval import Score, share
from vlm.evaluation.scores.numbers import DISTANCE_EDGES_M, angle_scores, distance_bin, distance_of, number_scores
from vlm.evaluation.scores.places import box_scores, clock_scores, point_scores
from vlm.evaluation.scores.vqa import vqa_scores

_BY_KIND: dict[Kind, Callable[[Sequence[Prediction]], Iterator[Score]]] = {
    Kind.BOOL: bool_scores,
    Kind.CHOICE: choice_scores,
    Kind.CLOCK: clock_scores,
    Kind.POINT: point_scores,
    Kind.BOX: box_scores,
    Kind.TEXT: vqa_scores,
}
_QUALITATIVE = (Kind.BOOL, Kind.CHOICE)


@dataclass(frozen=True)
class ModelScores:
    """The scores of one model or baseline.

    `fitted_on`: the data that a baseline was fitted on, None for a model. `seer`: for an image-ablated run, the name of
    the run with images. `unanswered`: the number of items without an answer, which count as wrong.
    """

    model: str
    overall: list[Score]
    by_type: dict[str, list[Score]] = field(default_factory=dict)
    by_distance: dict[str, list[Score]] = field(default_factory=dict)
    fitted_on: str | None = None
    seer: str | None = None
    unanswered: int = 0

    def score(self, name: str) -> Score | None:
        """Return an overall score by name, None if the items have none."""
        return next((one for one in self.overall if one.name == name), None)

    def as_json(self) -> dict[str, Any]:
        """Return all fields as plain values, scores by name."""
        return {
            "model": self.model,
            "fitted_on": self.fitted_on,
            "seer": self.seer,
            "unanswered": self.unanswered,
            "overall": _named(self.overall),
            "by_type": {name: _named(scores) for name, scores in self.by_type.items()},
            "by_distance": {name: _named(scores) for name, scores in self.by_distance.items()},
        }


def scored(predictions: Sequence[Prediction], fitted_on: str | None = None, seer: str | None = None) -> ModelScores:
    """Return all scores of one model's predictions, which must not be empty."""
    types: dict[str, list[Prediction]] = {}
    distances: dict[str, list[Prediction]] = {}
    for one in predictions:
        types.setdefault(one.item.type_id, []).append(one)
        distance = distance_of(one)
        if distance is not None:
            distances.setdefault(distance_bin(distance), []).append(one)
    names = [distance_bin(edge) for edge in (*DISTANCE_EDGES_M[1:-1], DISTANCE_EDGES_M[-2] + 1.0)]
    return ModelScores(
        model=predictions[0].model,
        overall=[*scores_of(predictions), *combined_scores(predictions)],
        by_type={name: scores_of(types[name]) for name in sorted(types)},
        by_distance={name: scores_of(distances[name]) for name in names if name in distances},
        fitted_on=fitted_on,
        seer=seer,
        unanswered=sum(not one.given for one in predictions),
    )


def scores_of(predictions: Sequence[Prediction]) -> list[Score]:
    """Return the scores for the kinds of these items, starting with the share of unparsed answers."""
    found = [share("unparsed", [not one.parsed for one in predictions])]
    qualitative = [is_right(one) for one in predictions if one.item.kind in _QUALITATIVE]
    if qualitative:
        found.append(share("qualitative", qualitative))
    for kind, scores in _BY_KIND.items():
        own = [one for one in predictions if one.item.kind == kind]
        if own:
            found.extend(scores(own))
    numbers = [one for one in predictions if one.item.kind == Kind.NUMBER]
    lengths = [one for one in numbers if one.item.truth.unit_si != "rad"]
    angles = [one for one in numbers if one.item.truth.unit_si == "rad"]
    if lengths:
        found.extend(number_scores(lengths))
    if angles:
        found.extend(one for one in angle_scores(angles) if not lengths or one.name not in ("number_rate", "side"))
    return found


def _named(scores: list[Score]) -> dict[str, dict[str, float | int | None]]:
    return {one.name: {"value": one.value, "low": one.low, "high": one.high, "count": one.count} for one in scores}
