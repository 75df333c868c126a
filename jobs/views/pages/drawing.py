"""Draws matplotlib figures as SVG whose colors follow the page's light or dark theme."""

import io
import re
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Placeholder colors; each is replaced by a variable of the page's style sheet.
INK, SOFT, LINE, FIRST, SECOND, BAND = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"
_VARIABLES = {INK: "ink", SOFT: "soft", LINE: "line", FIRST: "accent", SECOND: "second", BAND: "band"}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
}


_TIP = "tip:"
_WITH_TIP = re.compile(rf'<g id="{_TIP}([^"]*)">')


def tell(artist: Artist, text: str) -> None:
    """Let a page show a text while the pointer is on a bar, point or line of a figure."""
    artist.set_gid(_TIP + text)


def axes(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    """Create a figure with one plot; sizes in inches."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    return figure, figure.subplots()


def svg(figure: Figure, title: str) -> Markup:
    """Return a figure as inline SVG; the title, unique on the page, makes its ids unique."""
    buffer = io.StringIO()
    # Ids inside an SVG are global to the page: the salt makes them unique and reproducible.
    with mpl.rc_context({"svg.hashsalt": title}):
        empty = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=empty)
    text = buffer.getvalue()
    text = _WITH_TIP.sub(r"<g><title>\1</title>", text[text.index("<svg") :])
    for color, variable in _VARIABLES.items():
        text = text.replace(color, f"var(--{variable})")
    return Markup(text)
