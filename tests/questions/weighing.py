"""What the engine decides about a scene, read out for comparison."""

from typing import Any, NamedTuple

from tests.questions.worlds import Row
from udfs.questions.candidates import candidates_of, error_of, open_numbers
from udfs.questions.question_type import Family
from udfs.questions.registry import types_of
from udfs.questions.rule import Decided
from udfs.questions.scene import scene_of
from udfs.stages.synthesize import SynthesizeSettings


class Weighed(NamedTuple):
    """What the rules decide by their name, and by type the numbers whose errors are small enough."""

    relations: dict[str, list[Decided]]
    numbers: dict[str, list[Decided]]


def weigh(scene: Row, references: list[Row], settings: SynthesizeSettings) -> Weighed:
    """Return everything that the engine could ask about a scene."""
    seen = scene_of(scene, references)
    decisions = candidates_of(seen, settings)
    numbers: dict[str, list[Decided]] = {kind.type_id: [] for kind in types_of(Family.QUANTITATIVE)}
    for kind in open_numbers(decisions, seen.gates):
        for decided in decisions[kind.rule]:
            if error_of(kind, decided, seen.gates, settings.max_relative_sigma) is not None:
                numbers[kind.type_id].append(decided)
    return Weighed({rule.name: items for rule, items in decisions.items()}, numbers)


def ids_of(decided: Decided) -> tuple[Any, ...]:
    """Return the ids of the first and the second object; None for no second."""
    return decided.first.object_id, decided.second and decided.second.object_id
