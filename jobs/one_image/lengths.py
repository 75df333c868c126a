"""Where the lengths of a scene were measured: between which points, for pages and images to draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from udfs.geometry.limits import LiftSettings
from udfs.geometry.pairs import facing_points
from udfs.geometry.scene import surface_points
from udfs.questions.layout import layout_of
from udfs.questions.question_type import QuestionType
from udfs.questions.registry import question_types
from udfs.questions.spans import Line, Measurement
from udfs.stages.lift import scene_input

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Lengths:
    """Finds the points between which a scene's lengths were measured.

    `scene` has the columns of table `scenes`; `lifted` those from which it was made: depth, camera, gravity, regions.
    """

    scene: Row
    lifted: Row = field(repr=False)
    settings: LiftSettings = field(default_factory=LiftSettings, repr=False)

    def lines(self, kind: QuestionType, ids: Sequence[int], variant: str, value_m: float) -> list[Line]:
        """Return between which points of W a type measured the objects, m; none for what is no length.

        `ids` are object ids, and the negative ids of surfaces and openings.
        """
        if kind.span is None:
            return []
        rows = self._rows
        pose = np.reshape(self.scene["world_from_camera"], (3, 4))
        measured = Measurement(
            a=rows[ids[0]],
            b=rows[ids[1]] if len(ids) > 1 else None,
            variant=variant,
            value_m=value_m,
            camera_m=pose[:, 3],
            ahead=pose[:, 2],
            closest=lambda: self._closest(*ids),
        )
        return kind.span(measured)

    def lines_of(self, answer: Row) -> list[Line]:
        """Return the lines of a row of `qa_pairs`; none for what is no number, or is about what the scene lacks."""
        kind = question_types().get(answer["type_id"])
        ids = answer["object_ids"]
        if kind is None or answer["value_si"] is None or not ids or not self._rows.keys() >= set(ids):
            return []
        if answer.get("place_ids"):
            return []
        fitting = (
            variant
            for variant in kind.variants
            if (kind.side_of(variant), kind.distance_kind_of(variant)) == (answer["side"], answer["distance_kind"])
        )
        return self.lines(kind, ids, next(fitting, ""), answer["value_si"])

    @cached_property
    def _rows(self) -> dict[int, Any]:
        rows: dict[int, Any] = {row["object_id"]: row for row in self.scene["objects"]}
        for place in layout_of(self.scene).places:
            rows[place.object_id] = place.row if place.owner is None else rows.get(place.owner)
        return rows

    def _closest(self, a: int, b: int) -> Line:
        if (a, b) not in self._ends:
            self._ends[a, b] = self._found_ends(a, b)
        return self._ends[a, b]

    def _found_ends(self, a: int, b: int) -> Line:
        ends = facing_points(self._surfaces[a], self._surfaces[b], self._gaps_m[frozenset((a, b))])
        pose = np.reshape(self.scene["world_from_camera"], (3, 4))
        first, second = (pose[:, :3] @ end + pose[:, 3] for end in ends)
        return first, second

    @cached_property
    def _gaps_m(self) -> dict[frozenset[int], float]:
        return {frozenset((pair["a"], pair["b"])): pair["gap_m"] for pair in self.scene["pairs"]}

    @cached_property
    def _ends(self) -> dict[tuple[int, int], Line]:
        """The closest points of two surfaces, in W, m, as far as they were asked for."""
        return {}

    @cached_property
    def _surfaces(self) -> dict[int, Any]:
        """The points from which every object was measured, in C, m."""
        return surface_points(scene_input(dict(self.lifted), self.settings))
