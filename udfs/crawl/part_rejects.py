"""Collects the rejected parts of a row whose image is valid, such as a bad depth map."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from schemas.reasons import Outcome, Reason
from udfs.stages.rows import Row, RowRejected

_MAX_ERROR_CHARS = 2_000
_SHOWN = 10


@dataclass
class PartRejects:
    """The rejects of one row; `rows()` merges them by reason, because the quarantine is keyed by reason."""

    items: list[RowRejected] = field(default_factory=list)

    def failed(self, reason: Reason, error: str) -> None:
        """Record a part that is dropped because it is invalid."""
        self.items.append(RowRejected(Outcome.FAILED, reason, error))

    def refused(self, reason: Reason, error: str) -> None:
        """Record a part that is dropped because it exceeds a limit."""
        self.items.append(RowRejected(Outcome.REFUSED, reason, error))

    def rows(self) -> list[Row]:
        """Return one REJECT struct per reason, with its error texts joined."""
        merged: dict[tuple[Outcome, Reason], list[str]] = {}
        for reject in self.items:
            merged.setdefault((reject.outcome, reject.reason), []).append(str(reject))
        return [
            RowRejected(outcome, reason, " ".join(errors)[:_MAX_ERROR_CHARS]).as_row()
            for (outcome, reason), errors in merged.items()
        ]


def first_few(values: Iterable[Any]) -> str:
    """Return the first ten values as text, followed by the number of further ones."""
    items = list(values)
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(map(str, items[:_SHOWN])) + more
