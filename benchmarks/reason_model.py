"""Answers composed questions about rendered rooms by a model: taken apart by the offline planner, and asked at once.

`python -m benchmarks.reason_model FOLDER --questions 400 --seed 7` asks the questions of `benchmarks.reason` and says
how many a model answers right, and where the others are lost:

- planner: with geometry in place of the model, the plan does not give the right answer either,
- parser: nothing could be read from what the model said to one of the plan's questions,
- model: what it said was read, and is wrong.
"""

import argparse
import importlib
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.composed import FAMILIES, Composed, Truth
from benchmarks.processor import heading
from benchmarks.reason import AskedRoom, asked_rooms, is_right, value_of
from scenes.crawl import write_crawl
from vlm.evaluation.predictors.checkpoint import Checkpoint, CheckpointSettings
from vlm.evaluation.predictors.predictor import Predictor
from vlm.evaluation.predictors.views import Shown
from vlm.evaluation.reading.choice import parse_choice
from vlm.evaluation.reading.quantity import parse_quantity
from vlm.evaluation.reading.yes_no import parse_yes_no
from vlm.reason.answers import Answers
from vlm.reason.loop import reason
from vlm.reason.models import ModelAnswers
from vlm.reason.offline.planner import OfflinePlanner
from vlm.reason.planner import Task
from vlm.reason.transcript import Transcript
from vlm.reason.values import Number, Thing, Value, Verdict, Words, meters

RIGHT, PLANNER, PARSER, MODEL = "right", "planner", "parser", "model"
_TRIANGLES = ("equilateral", "isosceles", "scalene")
_UNREAD = "holds no"


@dataclass
class ModelReport:
    """What became of the questions by family: taken apart, with its outcome, and asked at once, right and read."""

    asked: Counter[str] = field(default_factory=Counter)
    apart: Counter[tuple[str, str]] = field(default_factory=Counter)
    right_at_once: Counter[str] = field(default_factory=Counter)
    read_at_once: Counter[str] = field(default_factory=Counter)

    def total(self, outcome: str) -> int:
        """Return how many questions had an outcome when taken apart."""
        return sum(count for (_, one), count in self.apart.items() if one == outcome)


def outcome_of(one: Composed, room: AskedRoom, model: Answers) -> str:
    """Return what becomes of a question that the planner takes apart and a model answers."""
    planner = OfflinePlanner()
    by_model = reason(Task(one.question, model.names), planner, model)
    if is_right(value_of(by_model), one.truth, room.answers):
        return RIGHT
    by_geometry = reason(Task(one.question, room.answers.names), planner, room.answers)
    if not is_right(value_of(by_geometry), one.truth, room.answers):
        return PLANNER
    return PARSER if _was_unread(by_model) else MODEL


def _was_unread(made: Transcript) -> bool:
    return any(step.fault is not None and _UNREAD in step.fault for step in made.steps)


def read_at_once(said: str, one: Composed, names: tuple[str, ...]) -> Value | None:
    """Return the answer in what a model says to a whole question, of the kind that the truth is; None without any."""
    truth: Truth = one.truth
    if isinstance(truth, bool):
        yes = parse_yes_no(said, one.question)
        return None if yes is None else Verdict(yes)
    if isinstance(truth, float):
        found = parse_quantity(said, None, one.question)
        return None if found is None else _number(found.value_si)
    if isinstance(truth, int):
        chosen = parse_choice(said, names, one.question)
        return None if chosen is None else Thing(names[chosen])
    if isinstance(truth, str):
        kinds = [kind for kind in _TRIANGLES if kind in said.lower()]
        return Words(kinds[0]) if len(kinds) == 1 else None
    places = {name: said.lower().find(name.lower().removeprefix("the ")) for name in names}
    listed = sorted((name for name, place in places.items() if place >= 0), key=places.__getitem__)
    return Words(", ".join(listed)) if listed else None


def _number(value: float) -> Number:
    return meters(value, None, "at once")


def measured(
    model: Predictor, questions: int, seed: int, crawl: Path, rooms: int, width: int = 256
) -> ModelReport:  # fmt: skip
    """Render rooms, ask about them in both ways and compare."""
    write_crawl(str(crawl), rooms, seed, width=width, height=width * 3 // 4)
    report = ModelReport()
    for room in asked_rooms(crawl, questions, seed):
        image, names = room.image.read_bytes(), room.answers.names.listed
        answers = ModelAnswers(model, image, names)
        for one in room.questions:
            report.asked[one.family] += 1
            report.apart[one.family, outcome_of(one, room, answers)] += 1
            (outputs,) = model.predict([[Shown("at once", one.question, (image,))]])
            value = read_at_once(outputs[0].text or "", one, names)
            report.read_at_once[one.family] += value is not None
            report.right_at_once[one.family] += is_right(value, one.truth, room.answers)
    return report


def lines(report: ModelReport) -> list[str]:
    """Return the report as a table, by family and in total."""
    made = [
        "| kind | asked | taken apart: right | lost to planner | to parser | to model | at once: right | read |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for family in FAMILIES:
        apart = [report.apart[family, outcome] for outcome in (RIGHT, PLANNER, PARSER, MODEL)]
        once = [report.right_at_once[family], report.read_at_once[family]]
        made.append(f"| {' | '.join(map(str, (family, report.asked[family], *apart, *once)))} |")
    apart = [report.total(outcome) for outcome in (RIGHT, PLANNER, PARSER, MODEL)]
    once = [report.right_at_once.total(), report.read_at_once.total()]
    return [*made, f"| {' | '.join(map(str, ('all', report.asked.total(), *apart, *once)))} |"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="folder of a saved model")
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rooms", type=int, help="rooms to render; by default a quarter of the questions")
    args = parser.parse_args()
    # The models of the study have a vision encoder of their own, which transformers knows from then on.
    importlib.import_module("studies.claims.room_encoder")
    model = Checkpoint("model", CheckpointSettings(place=args.model, batch=1, max_new_tokens=48))
    with tempfile.TemporaryDirectory() as scratch:
        rooms = args.rooms or max(8, args.questions // 4)
        report = measured(model, args.questions, args.seed, Path(scratch) / "rooms", rooms)
    print(heading())
    print(*lines(report), sep="\n")


if __name__ == "__main__":
    main()
