"""Answers of live models to items, kept as they come, so that an evaluation that was killed goes on where it was."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vlm.evaluation.items import Answer, AnswerSet, Item, Rejected
from vlm.evaluation.predictors.predictor import Predictor, PredictorUnusable, Said
from vlm.evaluation.predictors.views import Shown, View, row_of, shown

Report = Callable[[str], None]
# So many failures before any answer, and a model is taken for one that answers nothing.
_HOPELESS = 8


@dataclass
class AnswersFile:
    """JSON lines, one per answer, found again by model, item, and a digest of all that the answer depends on."""

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
            row = json.loads(line)
            self.known[row["model"], row["item_id"], row["asked"]] = row["prediction"]

    def add(self, row: str, asked: dict[str, str], said: Sequence[Said]) -> None:
        """Append answers of one row of the leaderboard; `asked` holds the digest of each item."""
        lines = []
        for one in said:
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
    """Return what a model says to the items in each view; an item that it does not answer is on `rejected`.

    A view without images that the model does not allow is left out, with one sentence to `report`.

    Raises:
        PredictorUnusable: the model cannot answer items with their images.
    """
    found = []
    for view in views:
        try:
            found.append(_answers(predictor, items, view, file, report))
        except PredictorUnusable as error:
            if view != View.TEXT_ONLY:
                raise
            report(f"{row_of(predictor.model, view)} is left out: {error}")
    return found


def _answers(predictor: Predictor, items: Sequence[Item], view: View, file: AnswersFile, report: Report) -> AnswerSet:
    asking = _Asking(predictor, items, view, file)
    for said in predictor.predict(asking.batches()):
        asking.take(said)
    answers = asking.answers()
    if not answers and asking.faults:
        raise asking.hopeless()
    report(f"{asking.row}: {len(answers)} of {len(items)} questions answered")
    return AnswerSet(asking.row, answers, list(asking.faults.values()))


class _Asking:
    """One model and view: what is still to be asked, what was said, and what failed."""

    def __init__(self, predictor: Predictor, items: Sequence[Item], view: View, file: AnswersFile) -> None:
        self.row = row_of(predictor.model, view)
        self.faults: dict[str, Rejected] = {}
        self._identity, self._batch = predictor.identity(), predictor.batch
        self._items, self._view, self._file = items, view, file
        self._numbers = {item.item_id: item.number for item in items}
        self._asked: dict[str, str] = {}

    def batches(self) -> Iterator[list[Shown]]:
        """Yield the batches that lack an answer; the same items always share one."""
        for start in range(0, len(self._items), self._batch):
            batch = [one for item in self._items[start : start + self._batch] if (one := self._shown(item))]
            if any(self._known(one.item_id) is None for one in batch):
                yield batch

    def take(self, said: Sequence[Said]) -> None:
        """Keep what was said.

        Raises:
            PredictorUnusable: all of the first items failed.
        """
        self._file.add(self.row, self._asked, said)
        for one in said:
            if one.fault:
                self._fail(one.shown.item_id, one.fault)
        if len(self.faults) >= _HOPELESS and all(self._known(item_id) is None for item_id in self._asked):
            raise self.hopeless()

    def answers(self) -> list[Answer]:
        """Return the answers that are known so far."""
        return [Answer(text, item_id) for item_id in self._asked if (text := self._known(item_id)) is not None]

    def hopeless(self) -> PredictorUnusable:
        """Return the error that says that nothing was answered."""
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
