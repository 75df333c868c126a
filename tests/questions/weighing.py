"""What the engine decides about a scene, read out for comparison."""

from typing import Any, NamedTuple

from tests.questions.worlds import Row
from udfs.questions.candidates import candidates_of, error_of, open_numbers
from udfs.questions.decisions import MEASURED_BY, Decided, Decisions
from udfs.questions.scene import scene_of
from udfs.stages.synthesize import SynthesizeSettings


class Weighed(NamedTuple):
    """The decided relations by name, and by type the numbers that their errors do not spoil."""

    relations: Decisions
    numbers: dict[str, list[Decided]]


def weigh(scene: Row, references: list[Row], settings: SynthesizeSettings) -> Weighed:
    """Return everything that the engine could ask about a scene."""
    seen = scene_of(scene, references)
    decisions = candidates_of(seen, settings)
    numbers: dict[str, list[Decided]] = {type_id: [] for type_id in MEASURED_BY}
    for type_id in open_numbers(decisions, seen.gates):
        for decided in decisions[MEASURED_BY[type_id]]:
            if error_of(type_id, decided, seen.gates, settings.max_relative_sigma) is not None:
                numbers[type_id].append(decided)
    return Weighed(decisions, numbers)


def ids_of(decided: Decided) -> tuple[Any, ...]:
    """Return the ids of the first and the second object; None for no second."""
    return decided.first.object_id, decided.second and decided.second.object_id
