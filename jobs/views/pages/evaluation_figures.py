"""Plots the scores of an evaluation with confidence intervals, by model, question type and distance."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jobs.views.pages.drawing import FIRST, INK, SECOND, SOFT, STYLE, axes, svg
from jobs.views.pages.leaderboard import headline_names, is_share
from vlm.evaluation.scores.interval import Score
from vlm.evaluation.scores.table import ModelScores

_COLORS = (FIRST, SECOND, INK, SOFT)
_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
_MAX_TYPES = 48


def evaluation_figures(
    order: Sequence[ModelScores], main: Mapping[str, Mapping[str, Score]]
) -> list[tuple[str, Markup]]:
    """Return titles and inline SVG; `main` holds the main score of each type, by model."""
    shares = [name for name in headline_names(order) if is_share(name) and name != "unparsed"]
    types = sorted({name for scores in main.values() for name in scores})[:_MAX_TYPES]
    types = [name for name in types if any(name in scores and is_share(scores[name].name) for scores in main.values())]
    shown = [run for run in order if "always" not in run.model or run.fitted_on is None]
    with mpl.rc_context(STYLE):
        drawn: list[tuple[str, Figure | None]] = [
            ("Scores with 95 % intervals", _by_name(order, shares) if shares else None),
            ("By question type", _by_type(shown, types, main) if len(types) > 1 else None),
            ("Numbers in [0.5, 2] of the truth, by distance", _by_distance(order, "in_range[0.5,2]")),
            ("Median relative error by distance", _by_distance(order, "median_abs_rel")),
        ]
        return [(title, svg(figure, title)) for title, figure in drawn if figure is not None]


def _by_name(order: Sequence[ModelScores], names: Sequence[str]) -> Figure:
    figure, plot = axes(5.2, 0.5 + 0.16 * len(order) * len(names) + 0.3)
    for place, run in enumerate(order):
        _dots(
            plot, place, len(order), [(row, score) for row, name in enumerate(names) if (score := run.score(name))], run
        )
    _rows(plot, names)
    _legend(plot, len(order))
    return figure


def _by_type(order: Sequence[ModelScores], types: Sequence[str], main: Mapping[str, Mapping[str, Score]]) -> Figure:
    figure, plot = axes(5.2, 0.6 + (0.1 + 0.11 * len(order)) * len(types))
    for place, run in enumerate(order):
        scores = main[run.model]
        _dots(plot, place, len(order), [(row, scores[name]) for row, name in enumerate(types) if name in scores], run)
    _rows(plot, types)
    _legend(plot, len(order))
    return figure


def _by_distance(order: Sequence[ModelScores], name: str) -> Figure | None:
    bins = list(dict.fromkeys(distance for run in order for distance in run.by_distance))
    series = [(place, run, _along(run, bins, name)) for place, run in enumerate(order)]
    if len(bins) < 2 or not any(points for _, _, points in series):
        return None
    figure, plot = axes(5.2, 2.8)
    for place, run, points in series:
        if not points:
            continue
        shift = (place - (len(order) - 1) / 2) * 0.5 / len(order)
        at = [distance + shift for distance, _ in points]
        scale = 100.0 if is_share(name) else 1.0
        values = [score.value * scale for _, score in points]
        plot.vlines(at, *_ends([score for _, score in points], scale), color=_color(place), linewidth=1.4)
        plot.plot(
            at, values, _MARKERS[place % len(_MARKERS)], color=_color(place), label=run.model, **_face(run, place)
        )
    plot.set_xticks(range(len(bins)), bins)
    plot.set_ylim(bottom=0)
    if is_share(name):
        plot.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    plot.grid(axis="y")
    _legend(plot, len(order))
    return figure


def _along(run: ModelScores, bins: Sequence[str], name: str) -> list[tuple[int, Score]]:
    """Return the named score of every bin that has it, with the index of the bin."""
    scored = [(bins.index(distance), score) for distance, scores in run.by_distance.items() for score in scores]
    return [(place, score) for place, score in scored if score.name == name]


def _dots(plot: Axes, place: int, count: int, points: list[tuple[int, Score]], run: ModelScores) -> None:
    shift = (place - (count - 1) / 2) * 0.7 / count
    rows = [row + shift for row, _ in points]
    scores = [score for _, score in points]
    plot.hlines(rows, *_ends(scores, 100.0), color=_color(place), linewidth=1.4)
    values = [score.value * 100.0 for score in scores]
    plot.plot(values, rows, _MARKERS[place % len(_MARKERS)], color=_color(place), label=run.model, **_face(run, place))


def _ends(scores: Sequence[Score], scale: float) -> tuple[list[float], list[float]]:
    low = [(score.value if score.low is None else score.low) * scale for score in scores]
    high = [(score.value if score.high is None else score.high) * scale for score in scores]
    return low, high


def _color(place: int) -> str:
    return _COLORS[place % len(_COLORS)]


def _face(run: ModelScores, place: int) -> dict[str, Any]:
    """Draw models filled and baselines hollow."""
    return {"markersize": 4.5, "markerfacecolor": "none" if run.fitted_on else _color(place), "linestyle": "none"}


def _rows(plot: Axes, names: Sequence[str]) -> None:
    plot.set_yticks(range(len(names)), [name if len(name) <= 30 else f"{name[:29]}…" for name in names])
    plot.set_ylim(len(names) - 0.5, -0.5)
    plot.set_xlim(-2, 102)
    plot.xaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    plot.grid(axis="x")


def _legend(plot: Axes, count: int) -> None:
    plot.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=min(count, 2), frameon=False, borderaxespad=0.2, handlelength=1
    )
