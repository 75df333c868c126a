"""Answers of live models, stored as they arrive, so that a killed evaluation resumes where it stopped."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vlm.evaluation.items import Answer, AnswerSet, Item, Rejected
from vlm.evaluation.predictors.predictor import Output, Predictor, PredictorUnusable
from vlm.evaluation.predictors.views import Shown, View, row_of, shown

Report = Callable[[str], None]
# A model that fails on its first questions is not asked further.
_MAX_FIRST_FAILURES = 8


@dataclass
class AnswersFile:
    """JSON lines of answers, keyed by model, item, and a digest of everything the answer depends on."""

    path: Path
    known: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.path.exists():
            return
        whole, _, torn = self.path.read_bytes().rpartition(b"\n")
        if torn:
            with self.path.open("r+b") as held:
                held.truncate(len(whole) + bool(whole))
        for line in whole.splitlines():
            try:
                row = json.loads(line)
                self.known[row["model"], row["item_id"], row["asked"]] = row["prediction"]
            except (ValueError, KeyError, TypeError):  # a damaged line: its question is asked again
                continue

    def add(self, row: str, asked: dict[str, str], outputs: Sequence[Output]) -> None:
        """Append answers of one leaderboard row; `asked` holds the digest of each item."""
        lines = []
        for one in outputs:
            item_id = one.shown.item_id
            if one.text is None or (row, item_id, asked[item_id]) in self.known:
                continue
            self.known[row, item_id, asked[item_id]] = one.text
            values = {"model": row, "item_id": item_id, "prediction": one.text, "asked": asked[item_id]}
            lines.append(json.dumps(values, ensure_ascii=False) + "\n")
        with self.path.open("a", encoding="utf-8") as held:
            held.write("".join(lines))


def answered(
    predictor: Predictor, items: Sequence[Item], views: Sequence[View], file: AnswersFile, report: Report
) -> list[AnswerSet]:
    """Return a model's answers to the items in each view; unanswered items are in `rejected`.

    The text-only view is skipped for a model that needs images, which is reported.

    Raises:
        PredictorUnusable: the model cannot answer items with their images.
    """
    sets = []
    for view in views:
        try:
            sets.append(_answers(predictor, items, view, file, report))
        except PredictorUnusable as error:
            if view != View.TEXT_ONLY:
                raise
            report(f"Skipped {row_of(predictor.model, view)}: {error}")
    return sets


def _answers(predictor: Predictor, items: Sequence[Item], view: View, file: AnswersFile, report: Report) -> AnswerSet:
    asking = _Asking(predictor, items, view, file)
    for outputs in predictor.predict(asking.batches()):
        asking.take(outputs)
    answers = asking.answers()
    if not answers and asking.faults:
        raise asking.failure()
    report(f"{asking.row}: {len(answers)} of {len(items)} questions answered")
    return AnswerSet(asking.row, answers, list(asking.faults.values()))


class _Asking:
    """One model and view: open questions, answers and failures."""

    def __init__(self, predictor: Predictor, items: Sequence[Item], view: View, file: AnswersFile) -> None:
        self.row = row_of(predictor.model, view)
        self.faults: dict[str, Rejected] = {}
        self._identity, self._batch = predictor.identity(), predictor.batch
        self._items, self._view, self._file = items, view, file
        self._numbers = {item.item_id: item.number for item in items}
        self._asked: dict[str, str] = {}

    def batches(self) -> Iterator[list[Shown]]:
        """Yield the batches with an unanswered item; the same items always share a batch."""
        for start in range(0, len(self._items), self._batch):
            batch = [one for item in self._items[start : start + self._batch] if (one := self._shown(item))]
            if any(self._known(one.item_id) is None for one in batch):
                yield batch

    def take(self, outputs: Sequence[Output]) -> None:
        """Store answers and failures.

        Raises:
            PredictorUnusable: all first questions failed.
        """
        self._file.add(self.row, self._asked, outputs)
        for one in outputs:
            if one.fault:
                self._fail(one.shown.item_id, one.fault)
        if len(self.faults) >= _MAX_FIRST_FAILURES and all(self._known(item_id) is None for item_id in self._asked):
            raise self.failure()

    def answers(self) -> list[Answer]:
        """Return all answers so far."""
        return [Answer(text, item_id) for item_id in self._asked if (text := self._known(item_id)) is not None]

    def failure(self) -> PredictorUnusable:
        """Return the error that no question was answered."""
        first = next(iter(self.faults.values())).reason
        return PredictorUnusable(f"{self.row} answered none of its first {len(self.faults)} questions. {first}")

    def _shown(self, item: Item) -> Shown | None:
        try:
            one = shown(item, self._view)
        except (OSError, ValueError) as error:
            self._fail(item.item_id, f"Item {item.item_id} has an image that cannot be read: {error}.")
            return None
        self._asked[item.item_id] = hashlib.sha256(f"{self._identity}\n{one.digest}".encode()).hexdigest()[:16]
        return one

    def _known(self, item_id: str) -> str | None:
        return self._file.known.get((self.row, item_id, self._asked[item_id]))

    def _fail(self, item_id: str, reason: str) -> None:
        self.faults[item_id] = Rejected(self._numbers[item_id], reason)
