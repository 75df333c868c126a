"""What is wrong with parts of a row whose photograph is sound."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from schemas.reasons import Outcome, Reason
from udfs.stages.rows import Row, RowRejected

_MAX_ERROR_CHARS = 2_000
_SHOWN = 10


@dataclass
class Findings:
    """Collects the rejects of one row; `rows()` has one per reason, since that is the key of the quarantine."""

    rejects: list[RowRejected] = field(default_factory=list)

    def failed(self, reason: Reason, error: str) -> None:
        """Note a part that is left out because it is unsound."""
        self.rejects.append(RowRejected(Outcome.FAILED, reason, error))

    def refused(self, reason: Reason, error: str) -> None:
        """Note a part that is left out because a limit forbids it."""
        self.rejects.append(RowRejected(Outcome.REFUSED, reason, error))

    def rows(self) -> list[Row]:
        """Return REJECT structs, the sentences of one reason joined."""
        merged: dict[tuple[Outcome, Reason], list[str]] = {}
        for reject in self.rejects:
            merged.setdefault((reject.outcome, reject.reason), []).append(str(reject))
        return [
            RowRejected(outcome, reason, " ".join(sentences)[:_MAX_ERROR_CHARS]).as_row()
            for (outcome, reason), sentences in merged.items()
        ]


def some_of(values: Iterable[Any]) -> str:
    """Return the first ten values as text, and how many more there are."""
    shown = list(values)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(map(str, shown[:_SHOWN])) + more
