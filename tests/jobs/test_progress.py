"""The progress bar moves while a micro-batch is under way, and ends where the rows do."""

import io
from pathlib import Path

from rich.console import Console

from jobs.engine.ledger import BatchReport
from jobs.engine.pipeline import run
from jobs.engine.progress import Reporter
from jobs.engine.settings import load_settings
from scenes.crawl import write_crawl


class Watched(Reporter):
    """Keeps how far the bar of each stage was within its micro-batches, and after them."""

    def __init__(self) -> None:
        super().__init__(Console(file=io.StringIO(), force_terminal=True))
        self.within: dict[str, list[float]] = {}
        self.ends: dict[str, tuple[float, int]] = {}

    def _at(self) -> tuple[str, float]:
        assert self._progress is not None
        (task,) = self._progress.tasks
        return task.description, task.completed

    def begun(self, rows: int) -> None:
        super().begun(rows)
        stage, completed = self._at()
        self.within.setdefault(stage, []).append(completed)

    def batch(self, report: BatchReport) -> None:
        super().batch(report)
        stage, completed = self._at()
        self.ends[stage] = (completed, self.ends.get(stage, (0, 0))[1] + report.rows_in)


def test_the_bar_moves_within_a_micro_batch(tmp_path: Path) -> None:
    write_crawl(str(tmp_path / "rooms"), count=5, seed=3, width=96, height=72)
    settings = load_settings(
        {"lake": str(tmp_path / "lake"), "crawl": str(tmp_path / "rooms"), "experts": "sensor"}, None, []
    )
    with Watched() as watched:
        run(settings, reporter=watched)
    assert watched.within.keys() == watched.ends.keys() >= {"ingest", "filter", "lift", "synthesize"}
    assert all(places == sorted(places) and places[0] > 0 for places in watched.within.values())
    assert all(completed == rows for completed, rows in watched.ends.values())
