"""Plots of the report page."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from jobs.views.pages.drawing import BAND, FIRST, SECOND, SOFT, STYLE, svg, tell
from jobs.views.pages.drawing import axes as new_axes
from jobs.views.pages.tally import StageYield, rate_text
from jobs.views.pages.wording import type_name
from jobs.views.reader import Row

_EVEN_LOW, _EVEN_HIGH = 0.45, 0.55
_BINS_PER_DECADE = 10


_ANSWERS_TITLE, _VALUES_TITLE = "Answers per type", "Measured lengths per type, m"
WIDE = (_ANSWERS_TITLE, _VALUES_TITLE)


def figures(
    answers: Sequence[Row], values: Sequence[Row], ranges: Sequence[Row], yields: Sequence[StageYield]
) -> list[tuple[str, Markup]]:
    """Return titles and inline SVG of all plots that have data."""
    polar = [row for row in answers if row["yes"] + row["no"]]
    lettered = [row for row in answers if row["letter_a"] + row["letter_b"]]
    timed = [run for run in yields if run.current and run.rows_per_s]
    with mpl.rc_context(STYLE):
        drawn: list[tuple[str, Figure | None]] = [
            (_ANSWERS_TITLE, _answers(answers) if answers else None),
            ("Share of yes per type, even between 45 and 55 %", _share(polar, "yes", "no") if polar else None),
            ("Share of letter A per type", _share(lettered, "letter_a", "letter_b") if lettered else None),
            (_VALUES_TITLE, _values(values) if values else None),
            ("Distance of objects from the camera, m", _ranges(ranges) if ranges else None),
            ("Rows read per second and stage", _throughput(timed) if timed else None),
        ]
        return [(title, svg(figure, title)) for title, figure in drawn if figure is not None]


def _answers(rows: Sequence[Row]) -> Figure:
    figure, axes = new_axes(10.6, 2.9)
    ordered = sorted(rows, key=lambda row: (row["family"] != "qualitative", row["type_id"]))
    colors = [FIRST if row["family"] == "qualitative" else SECOND for row in ordered]
    bars = axes.bar([row["type_id"] for row in ordered], [row["answers"] for row in ordered], color=colors, width=0.72)
    for bar, row in zip(bars, ordered, strict=True):
        tell(bar, f"{_named(row)}: {row['answers']:,} answers about {row['images']:,} images")
    axes.set_xlabel("question type")
    axes.set_ylabel("answers")
    axes.tick_params(axis="x", rotation=90)
    axes.grid(axis="y")
    _reserve_bars(axes, len(ordered), 24)
    for family, color in (("qualitative", FIRST), ("quantitative", SECOND)):
        total = sum(row["answers"] for row in ordered if row["family"] == family)
        axes.bar([0], [0], color=color, label=f"{family} {total:,}")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False, borderaxespad=0.2, handlelength=1)
    return figure


def _named(row: Row) -> str:
    return f"{row['type_id']} {type_name(row['type_id'])}"


def _share(rows: Sequence[Row], first: str, second: str) -> Figure:
    figure, axes = new_axes(5.2, 2.6)
    names = [row["type_id"] for row in rows]
    shares = [row[first] / (row[first] + row[second]) for row in rows]
    axes.axhspan(_EVEN_LOW, _EVEN_HIGH, color=BAND, linewidth=0)
    axes.vlines(names, 0.5, shares, color=FIRST, linewidth=2)
    for row, name, share in zip(rows, names, shares, strict=True):
        (point,) = axes.plot([name], [share], "o", color=FIRST, markersize=5)
        tell(point, f"{_named(row)}: {share:.0%} of {row[first] + row[second]:,} answers")
    axes.set_xlabel("question type")
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.grid(axis="y")
    axes.tick_params(axis="x", rotation=90)
    _reserve_bars(axes, len(rows), 10)
    return figure


def _reserve_bars(axes: Axes, count: int, min_count: int) -> None:
    axes.set_xlim(-0.6, max(count, min_count) - 0.4)


def _values(rows: Sequence[Row]) -> Figure:
    types = sorted({row["type_id"] for row in rows})
    columns = 4
    lines = math.ceil(len(types) / columns)
    figure = Figure(figsize=(10.6, 1.3 * lines + 0.3), layout="constrained")
    grid: Any = figure.subplots(lines, columns, sharex=True, squeeze=False)
    for index, axes in enumerate(grid.ravel()):
        if index >= len(types):
            axes.set_visible(False)
            continue
        type_rows = [row for row in rows if row["type_id"] == types[index]]
        _log_bars(axes, type_rows, SECOND)
        # The panels share one axis that spans several decades.
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,), numticks=12))
        axes.set_title(f"{types[index]} {type_name(types[index])} ({sum(row['n'] for row in type_rows):,})")
        axes.tick_params(labelbottom=index + columns >= len(types))
    figure.supxlabel("m", color=SOFT, fontsize=9.5)
    figure.supylabel("answers", color=SOFT, fontsize=9.5)
    return figure


def _ranges(rows: Sequence[Row]) -> Figure:
    figure, axes = new_axes(5.2, 2.6)
    _log_bars(axes, rows, FIRST)
    axes.set_xlabel("m")
    axes.set_ylabel("objects")
    axes.grid(axis="y")
    return figure


def _log_bars(axes: Axes, rows: Sequence[Row], color: str) -> None:
    edges = [10.0 ** (row["bin"] / _BINS_PER_DECADE) for row in rows]
    width = 0.94 * (10.0 ** (1 / _BINS_PER_DECADE) - 1.0)
    counts = [row["n"] for row in rows]
    bars = axes.bar(edges, counts, width=[width * edge for edge in edges], align="edge", color=color)
    for bar, edge, count in zip(bars, edges, counts, strict=True):
        tell(bar, f"{edge:.2g} to {edge * 10 ** (1 / _BINS_PER_DECADE):.2g} m: {count:,}")
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    _log_axis(axes, max(edges) / min(edges))


def _log_axis(axes: Axes, spread: float) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if spread > 60 else (1.0, 2.0, 5.0), numticks=12))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _throughput(runs: Sequence[StageYield]) -> Figure:
    figure, axes = new_axes(5.2, 2.6)
    names = [run.stage for run in runs][::-1]
    rates = [run.rows_per_s or 0.0 for run in runs][::-1]
    bars = axes.barh(names, rates, color=FIRST, height=0.62)
    for bar, name, rate in zip(bars, names, rates, strict=True):
        tell(bar, f"{name}: {rate_text(rate)} rows per second")
    axes.set_xlabel("rows per second")
    axes.bar_label(bars, [rate_text(rate) for rate in rates], padding=4, color=SOFT)
    _log_axis(axes, max(rates) / min(rates))
    axes.margins(x=0.12)
    axes.grid(axis="x")
    return figure
