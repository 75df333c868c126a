"""`spatiallake report`: the yield of every stage and the reasons of its drops, on the terminal and as a page."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from jobs.engine.exports import note_export
from jobs.views.pages.comparison import Comparison, compared
from jobs.views.pages.examples import examples_of
from jobs.views.pages.figures import WIDE, figures
from jobs.views.pages.render import page
from jobs.views.pages.scope import banner_of
from jobs.views.pages.tally import Drop, Tally, rate_text, tally_of
from jobs.views.pages.wording import type_name
from jobs.views.preview import write_page
from jobs.views.reader import LakeReader
from schemas.table import ENGINE_VERSION


@dataclass(frozen=True)
class ReportSummary:
    """The path of the page and the counts that it shows."""

    path: Path
    size_bytes: int
    tally: Tally

    def __str__(self) -> str:
        answers = sum(row["answers"] for row in self.tally.answers)
        rejected = self.tally.quarantined_count
        return f"{self.path}: {answers:,} answers, {rejected:,} rows in quarantine, {self.size_bytes / 1e6:.1f} MB."


def write_report(
    lake_uri: str, out_path: str | Path, console: Console | None = None, compare: tuple[str, str] | None = None
) -> ReportSummary:
    """Print the yield of every stage and write the report page of a lake; `compare` adds a comparison of two recipes.

    Raises:
        LakeUnreadable: there is no lake.
        UsageError: `compare` is not two recipes of one stage.
    """
    lake = LakeReader(lake_uri)
    tally = tally_of(lake)
    examples = examples_of(lake)
    comparison = compared(lake, *compare) if compare else None
    banner = banner_of(lake)
    if banner:
        (console or Console()).print(banner, highlight=False)
    _print(tally, console or Console())
    if comparison:
        _print_comparison(comparison, console or Console())
    html = page(
        "report.html",
        lake_uri=lake_uri,
        tally=tally,
        totals=_totals(tally),
        banner=banner,
        examples=examples,
        drops=_drops(tally),
        plots=figures(tally.answers, tally.values, tally.ranges, tally.yields),
        wide=WIDE,
        comparison=comparison,
        agreement_note=_note(comparison) if comparison else "",
        type_name=type_name,
        rate_text=rate_text,
        version=ENGINE_VERSION,
    )
    path = write_page(html, out_path)
    note_export(lake_uri, "report", str(path), (one.image_id for one in examples))
    return ReportSummary(path, path.stat().st_size, tally)


def _drops(tally: Tally) -> list[Drop]:
    """Return the drops of rows and objects in stage order, the most frequent first."""
    rows = [drop for run in tally.yields if run.current for drop in run.drops]
    order = list(dict.fromkeys(run.stage for run in tally.yields))
    drops = [*rows, *tally.object_drops]
    return sorted(drops, key=lambda drop: (order.index(drop.stage) if drop.stage in order else len(order), -drop.count))


def _totals(tally: Tally) -> list[dict[str, str]]:
    rows = {table.name: table.current_rows for table in tally.tables}
    families = {name: sum(row["answers"] for row in tally.answers if row["family"] == name) for name in _FAMILIES}
    answers = sum(families.values())
    share = f"{families['qualitative'] / answers * 100:.1f} %" if answers else "–"
    return [
        {"number": f"{rows.get('images', 0):,}", "name": "images"},
        {"number": f"{rows.get('scenes', 0):,}", "name": "scenes lifted"},
        {"number": f"{tally.objects:,}", "name": "objects measured"},
        {"number": f"{answers:,}", "name": "questions answered"},
        {"number": share, "name": "of these qualitative"},
        {"number": f"{tally.quarantined_count:,}", "name": "rows in quarantine"},
    ]


_FAMILIES = ("qualitative", "quantitative")


def _note(comparison: Comparison) -> str:
    if not comparison.same_objects:
        return "The two recipes segment different objects, so their answers cannot be compared one by one."
    return (
        "Shared: same image, type and objects. Numbers agree within 25 %, directions within 15°, other answers if they"
        " are equal."
    )


def _print_comparison(comparison: Comparison, console: Console) -> None:
    grid = Grid(title=f"Two recipes of {comparison.stage} and their outputs", title_justify="left")
    grid.add_column("")
    for name in (f"A {comparison.a[:8]}", f"B {comparison.b[:8]}", "difference"):
        grid.add_column(name, justify="right")
    for line in (*comparison.differences, *comparison.measures):
        grid.add_row(line.name, line.a, line.b, line.between)
    console.print(grid)
    if comparison.types:
        types = Grid("type", "", title="Answers per type", title_justify="left", caption=_note(comparison))
        for name in ("A", "B", "shared", "agree"):
            types.add_column(name, justify="right")
        for row in comparison.types:
            counts = (f"{count:,}" for count in (row.a, row.b, row.shared))
            types.add_row(row.type_id, type_name(row.type_id), *counts, row.share)
        console.print(types)


def _print(tally: Tally, console: Console) -> None:
    if not tally.yields:
        console.print("No stage has run on this lake yet.")
        return
    grid = Grid(title="Yield per stage", title_justify="left")
    for name in ("stage", "recipe"):
        grid.add_column(name, no_wrap=True)
    for name in ("in", "out", "filtered", "refused", "failed", "rows/s"):
        grid.add_column(name, justify="right", no_wrap=True)
    for run in tally.yields:
        rate = rate_text(run.rows_per_s)
        counts = (run.rows_in, run.rows_out, run.filtered, run.refused, run.failed)
        style = None if run.current else "dim"
        grid.add_row(run.stage, run.recipe[:8], *(f"{count:,}" for count in counts), rate, style=style)
    console.print(grid)
    drops = _drops(tally)
    if drops:
        reasons = Grid("stage", "what", "reason", title="Dropped", title_justify="left")
        reasons.add_column("count", justify="right")
        for drop in drops:
            reasons.add_row(drop.stage, drop.outcome, drop.reason, f"{drop.count:,}")
        console.print(reasons)
