"""Answers of one image against its exact scene, tallied by type and by distance."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scenes.truth.exact import check
from scenes.truth.measure import ExactScene
from scenes.truth.verdict import Verdict

Row = Mapping[str, Any]
FARTHEST_M = (1.0, 3.0, 10.0, float("inf"))
# 80 % of a normal distribution lies within this many standard errors
SIGMAS_80 = 1.2816
_CLOSE = 0.25


@dataclass
class Judged:
    """Answers of one kind: verdicts of the qualitative ones, ratios of found to true numbers, and intervals."""

    right: list[bool] = field(default_factory=list)
    ratio: list[float] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)

    def figures(self) -> dict[str, float | int | None]:
        """Return the shares; None where nothing was counted."""
        ratio = np.asarray(self.ratio)
        return {
            "qualitative": len(self.right),
            "numbers": len(ratio),
            "qualitative_right": float(np.mean(self.right)) if self.right else None,
            "in_range_2": float(np.mean((ratio >= 0.5) & (ratio <= 2.0))) if len(ratio) else None,
            "within_25": float(np.mean(np.abs(ratio - 1.0) <= _CLOSE)) if len(ratio) else None,
            "interval_80_coverage": float(np.mean(self.covered)) if self.covered else None,
        }


@dataclass
class Answers:
    """All answers: in total, by type, and by the true distance of the nearer object."""

    total: Judged = field(default_factory=Judged)
    by_type: dict[str, Judged] = field(default_factory=lambda: defaultdict(Judged))
    by_distance_m: dict[float, Judged] = field(default_factory=lambda: defaultdict(Judged))
    images: int = 0
    asked: int = 0

    def add(self, row: Row, truth: ExactScene, shown: Mapping[int, int]) -> bool | None:
        """Judge one `qa_pairs` row; `shown` maps each region to the true object that it mostly shows.

        An answer about a region that shows no object is wrong. One that exact geometry cannot decide only counts as
        asked, and gives None; of numbers, those within 25 % are right.
        """
        self.asked += 1
        ids = list(row["object_ids"])
        seen = [shown.get(one) for one in ids]
        if any(one is None or one not in truth.objects for one in seen):
            wrong = Verdict(False, None, float("inf") if row["answer_kind"] == "number" else None)
            return self._note(row, wrong, [self.total, self.by_type[row["type_id"]]])
        true_ids = [int(one) for one in seen if one is not None]
        chosen = row["answer_object_id"]
        mapped = {**row, "object_ids": true_ids, "answer_object_id": shown.get(chosen) if chosen is not None else None}
        nearest_m = min(truth.objects[one].range for one in true_ids)
        farthest_m = next(edge for edge in FARTHEST_M if nearest_m <= edge)
        places = [self.total, self.by_type[row["type_id"]], self.by_distance_m[farthest_m]]
        return self._note(row, check(mapped, truth), places)

    def _note(self, row: Row, verdict: Verdict, places: list[Judged]) -> bool | None:
        if verdict.right is None:
            return None
        for place in places:
            # "it rests on the floor" and "straight ahead" replace a number
            if verdict.relative_error is None:
                place.right.append(verdict.right)
                continue
            known = verdict.right and isinstance(verdict.truth, int | float) and verdict.truth > 0
            truth = float(verdict.truth) if known and verdict.truth is not None else float("nan")
            place.ratio.append(row["value_si"] / truth if known else float("inf"))
            if row["sigma_si"] is not None:
                place.covered.append(bool(known and abs(row["value_si"] - truth) <= SIGMAS_80 * row["sigma_si"]))
        if verdict.relative_error is None:
            return verdict.right
        return bool(abs(places[0].ratio[-1] - 1.0) <= _CLOSE)

    def figures(self) -> dict[str, float | int | None]:
        """Return the totals, with the answers per image."""
        per_image = self.asked / self.images if self.images else None
        return {**self.total.figures(), "answers_per_image": per_image}
