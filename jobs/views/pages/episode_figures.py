"""Plots of the page of episodes: distance and progress over time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from jobs.views.pages.drawing import BAND, FIRST, SECOND, STYLE, axes, svg
from jobs.views.reader import Row

if TYPE_CHECKING:
    from jobs.views.episodes import Episode


def episode_figures(episodes: Sequence["Episode"]) -> list[tuple[str, Markup]]:
    """Return the title and the inline SVG of one plot per episode, which must have known distances."""
    with mpl.rc_context(STYLE):
        return [(_title(one), svg(_distances(one), one.name)) for one in episodes]


def _title(one: "Episode") -> str:
    return f"{one.name}: {one.instruction}" if one.instruction else one.name


def _distances(one: "Episode") -> Figure:
    figure, left = axes(5.2, 2.6)
    known = [row for row in one.rows if row["distance_m"] is not None]
    frames = [row["frame_index"] for row in known]
    for row in known:
        if row["contact"]:
            left.axvspan(row["frame_index"] - 0.5, row["frame_index"] + 0.5, color=BAND, linewidth=0)
    left.plot(frames, [100 * row["distance_m"] for row in known], color=FIRST, linewidth=1.8)
    lines: list[Artist] = [*_marks(left, known, "measured", FIRST), *_marks(left, known, "filled", "white")]
    left.set_xlabel("frame")
    left.set_ylabel("distance, cm")
    left.set_ylim(bottom=0)
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    right = left.twinx()
    progress = [row["progress"] for row in known]
    lines += right.plot(frames, progress, color=SECOND, linewidth=1.4, linestyle="--", label="progress")
    right.set_ylim(0, 1.05)
    right.set_ylabel("progress")
    if any(row["contact"] for row in known):
        lines.append(Patch(color=BAND, label="contact"))
    left.legend(handles=lines, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4, frameon=False)
    return figure


def _marks(left: Axes, known: list[Row], source: str, filling: str) -> list[Line2D]:
    """Draw a point per frame of one source; return them for the legend, if there are any."""
    own = [row for row in known if row["source"] == source]
    places, distances = [row["frame_index"] for row in own], [100 * row["distance_m"] for row in own]
    marks = left.plot(
        places, distances, "o", color=FIRST, mfc=filling, markersize=4, clip_on=False, zorder=3, label=source
    )
    return marks if own else []
