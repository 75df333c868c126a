"""Answers composed questions about rendered rooms with the offline planner and geometry, against exact truth.

`python -m benchmarks.reason --questions 400 --seed 7` prints, by family, how many questions were answered and how many
of those are right: yes or no, objects, words and orders as they are, numbers within 10 %.
"""

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.composed import FAMILIES, Composed, Truth, questions_of, room_of
from benchmarks.pipeline import processed_images
from benchmarks.processor import heading
from scenes.crawl import write_crawl
from scenes.truth.measure import read_scene
from vlm.reason.geometry import GeometryAnswers
from vlm.reason.loop import ANSWERED, STOPPED, reason
from vlm.reason.offline.planner import OfflinePlanner
from vlm.reason.planner import Task
from vlm.reason.transcript import Transcript
from vlm.reason.values import Number, Thing, Value, Verdict, Words

WITHIN = 0.10
MAX_PER_ROOM = 7


@dataclass
class Report:
    """Counts by family, and the questions that were answered wrongly or not at all."""

    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    stopped: int = 0
    seconds: float = 0.0
    steps: int = 0

    def note(self, one: Composed, made: Transcript, answers: GeometryAnswers) -> None:
        """Count one question."""
        self.asked[one.family] += 1
        self.steps += len(made.steps)
        ending = made.ending
        if ending is None or ending.state != ANSWERED:
            self.stopped += ending is None or ending.state == STOPPED
            self.unanswered.append(f"{one.family}: {one.question}\n    {ending.text if ending else ''}")
            return
        self.answered[one.family] += 1
        if is_right(value_of(made), one.truth, answers):
            self.right[one.family] += 1
        else:
            self.wrong.append(f"{one.family}: {one.question}\n    {ending.text} Truth: {one.truth}")

    def shares(self) -> tuple[float, float]:
        """Return the shares of questions that were answered, and of answers that are right."""
        return self.answered.total() / self.asked.total(), self.right.total() / max(1, self.answered.total())


def value_of(made: Transcript) -> Value | None:
    """Return the value that a transcript ends with, None where it ends without an answer."""
    ending = made.ending
    if ending is None or ending.state != ANSWERED:
        return None
    return next(step.value for step in made.steps if step.result == ending.result)


def is_right(value: Value | None, truth: Truth, answers: GeometryAnswers) -> bool:
    """Return whether a value is the true answer."""
    if isinstance(truth, bool):
        return isinstance(value, Verdict) and value.yes == truth
    if isinstance(truth, float):
        return isinstance(value, Number) and abs(value.value - truth) <= WITHIN * abs(truth)
    if isinstance(truth, int):
        return isinstance(value, Thing) and answers.names.of(value.name) == truth
    if isinstance(truth, str):
        return isinstance(value, Words) and value.text.endswith(truth)
    if not isinstance(value, Words):
        return False
    return tuple(answers.names.of(name) for name in value.text.split(", ")) == truth


@dataclass(frozen=True)
class AskedRoom:
    """A measured room, the file of its image, and the questions about it."""

    answers: GeometryAnswers
    image: Path
    questions: list[Composed]


def asked_rooms(crawl: Path, questions: int, seed: int) -> Iterator[AskedRoom]:
    """Yield the measured rooms with their questions, as many of each family, until there are enough."""
    left = {family: -(-questions // len(FAMILIES)) for family in FAMILIES}
    total = questions
    for number, processed in enumerate(processed_images(crawl)):
        if processed.scene is None or processed.references is None or total <= 0:
            continue
        room = room_of(processed.manifest, read_scene(crawl, processed.manifest), random.Random(f"{seed} {number}"))
        chosen = []
        for one in questions_of(room) if len(room.names) >= 2 else ():
            if left[one.family] > 0:
                left[one.family] -= 1
                chosen.append(one)
            if len(chosen) == min(MAX_PER_ROOM, total):
                break
        total -= len(chosen)
        answers = GeometryAnswers(processed.scene, processed.references["references"])
        yield AskedRoom(answers, crawl / processed.manifest["image"], chosen)


def measured(questions: int, seed: int, rooms: int, crawl: Path, width: int = 320) -> Report:
    """Render rooms, ask about them and compare."""
    write_crawl(str(crawl), rooms, seed, width=width, height=width * 3 // 4)
    report = Report()
    planner = OfflinePlanner()
    for room in asked_rooms(crawl, questions, seed):
        for one in room.questions:
            begun = time.perf_counter()
            made = reason(Task(one.question, room.answers.names), planner, room.answers)
            report.seconds += time.perf_counter() - begun
            report.note(one, made, room.answers)
    return report


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rooms", type=int, help="rooms to render; by default a quarter of the questions")
    parser.add_argument("--show", type=int, default=0, help="wrong and unanswered questions to print")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        report = measured(args.questions, args.seed, args.rooms or max(8, args.questions // 4), Path(scratch) / "rooms")
    print(heading())
    answered, right = report.shares()
    print(f"answered: {100 * answered:.1f} % of {report.asked.total()} (target: 90.0 %)")
    print(f"right of those answered: {100 * right:.1f} % (target: 98.0 %)")
    for family in FAMILIES:
        counts = f"{report.answered[family]} answered, {report.right[family]} right"
        print(f"{family}: {report.asked[family]} asked, {counts}")
    speed = f"{1000 * report.seconds / report.asked.total():.1f} ms"
    print(f"{speed} and {report.steps / report.asked.total():.1f} steps a question")
    for text in (*report.wrong[: args.show], *report.unanswered[: args.show]):
        print(text)


if __name__ == "__main__":
    main()
