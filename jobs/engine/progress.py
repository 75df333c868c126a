"""What a run shows: progress bars and one line per stage in a terminal, JSON lines elsewhere."""

from collections.abc import Mapping
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from jobs.engine.ledger import WARNED, BatchReport
from jobs.engine.stream import StageSummary
from udfs.event_log import log_event


class Reporter:
    """Reports how stages progress; a context manager around a whole run."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.interactive = self.console.is_terminal
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._begun = 0

    def __enter__(self) -> Self:
        if self.interactive:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description:<13}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
            )
            self._progress = Progress(*columns, console=self.console, transient=True)
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress:
            self._progress.stop()

    def started(self, stage: str, pending: int | None) -> None:
        """Begin a stage with `pending` rows upstream, if known."""
        if self._progress:
            self._task = self._progress.add_task(stage, total=pending)
        else:
            self.log("stage_started", stage=stage)

    def rows(self, pending: int) -> None:
        """Set the number of rows that the stage will work on."""
        if self._progress and self._task is not None:
            self._progress.update(self._task, total=pending)

    def begun(self, rows: int) -> None:
        """Move on by rows of the micro-batch that is under way."""
        if self._progress and self._task is not None:
            self._begun += rows
            self._progress.advance(self._task, rows)

    def batch(self, report: BatchReport) -> None:
        """Report a micro-batch."""
        if self._progress and self._task is not None:
            self._progress.advance(self._task, report.rows_in - self._begun)
            self._begun = 0
        elif not self._progress:
            self.log("batch", **_counts(report), seconds=round(report.seconds, 2))

    def finished(self, summary: StageSummary) -> None:
        """Report a finished stage in one line."""
        if self._progress:
            if self._task is not None:
                self._progress.remove_task(self._task)
                self._task = None
            self.console.print(summary_line(summary), highlight=False)
        else:
            self.log("stage_finished", **_counts(summary), seconds=round(summary.seconds, 2))

    def experts(self, devices: Mapping[str, str]) -> None:
        """Report the device on which each stage's learned expert was loaded."""
        if devices:
            self.say("Loaded models: " + ", ".join(f"{stage} on {devices[stage]}" for stage in devices) + ".")

    def say(self, text: str) -> None:
        """Write a message, as a line or as a JSON log entry."""
        if self.interactive:
            self.console.print(text, highlight=False)
        else:
            self.log("message", text=text)

    def log(self, event: str, **fields: Any) -> None:
        """Write one JSON line to standard error."""
        log_event(event, **fields)


class SilentReporter(Reporter):
    """Reports nothing: for runs started from Python."""

    def __init__(self) -> None:
        super().__init__()
        self.interactive = False

    def log(self, event: str, **fields: Any) -> None:
        """Write nothing."""


def summary_line(summary: StageSummary) -> str:
    """Return one line: rows in and out, rows left out by reason, seconds."""
    if summary.rows_in == 0:
        return f"[dim]{summary.stage:<13} up to date[/dim]"
    reasons = sorted(summary.reasons.items())
    left_out = ", ".join(f"{count} {reason} ({outcome})" for (outcome, reason), count in reasons if outcome != WARNED)
    warned = ", ".join(f"{count} {rule}" for (outcome, rule), count in reasons if outcome == WARNED)
    tail = (f"  left out: {left_out}" if left_out else "") + (f"  kept against a rule: {warned}" if warned else "")
    return (
        f"[bold]{summary.stage:<13}[/bold] {summary.rows_in:>8,} in  {summary.rows_out:>9,} out"
        f"  {summary.seconds:6.1f} s{tail}"
    )


def _counts(report: BatchReport | StageSummary) -> dict[str, Any]:
    reasons = {f"{outcome}:{reason}": count for (outcome, reason), count in sorted(report.reasons.items())}
    return {"stage": report.stage, "rows_in": report.rows_in, "rows_out": report.rows_out, "reasons": reasons}
