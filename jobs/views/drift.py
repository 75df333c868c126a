"""`spatiallake drift`: what changed between two crawls, days or recipes of a lake, or between two lakes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.table import Table as Grid

from jobs.engine.errors import DriftFound
from jobs.views.reader import LakeReader
from jobs.views.shares import Compared, Sample, adjusted, compared
from jobs.views.sides import Side, category_of, side_of, whole_lake

if TYPE_CHECKING:
    import pandas as pd

_CHANGES_KEPT = 10
# What is compared by answers or objects: the name, the view, its category, and its count.
_SHARES = (
    ("types", "answers_by_type", "type_id", "answers"),
    ("families", "answers_by_type", "family", "answers"),
    ("forms", "answers_by_type", "answer_form", "answers"),
    ("licenses", "answers_by_licence", "licence", "images"),
    ("units", "answers_by_unit", "unit", "answers"),
    ("lengths", "distance_histogram", "from_m", "answers"),
    ("labels", "answers_by_label", "label", "objects"),
    ("object distances", "answers_by_label", "from_m", "objects"),
)
_LENGTHS_OF = "lengths of "
_BALANCES = (("yes or no", ("yes", "no")), ("letters", ("letter_a", "letter_b")))
# Columns of `yield_by_day`, each of which is a part of the one before.
_STEPS = ("listed", "images", "with_regions", "with_depth", "with_scene", "with_references", "with_answers")


@dataclass(frozen=True)
class Drift:
    """Two sides and every comparison between them.

    There is drift in a comparison whose distance is at least `max_distance` and which chance does not explain, at a
    false discovery rate of `alpha` among all comparisons.
    """

    a: str
    b: str
    comparisons: list[Compared]
    max_distance: float
    alpha: float

    def drifted(self, one: Compared) -> bool:
        """Return whether a comparison shows drift."""
        if one.distance is None or one.p_adjusted is None:
            return False
        return one.distance >= self.max_distance and one.p_adjusted < self.alpha

    @property
    def found(self) -> list[str]:
        """Return the names of the comparisons that show drift."""
        return [one.name for one in self.comparisons if self.drifted(one)]

    def verdict(self, one: Compared) -> str:
        """Return a comparison's verdict in a word or two."""
        if one.distance is None or one.p_adjusted is None:
            return "too few"
        if self.drifted(one):
            return "drift"
        return "no drift" if one.p_adjusted >= self.alpha else "small"

    def frame(self) -> "pd.DataFrame":
        """Return the comparisons as pandas, as the command prints them."""
        import pandas as pd

        rows = [
            {
                "what": one.name,
                "A": one.a.total,
                "B": one.b.total,
                "distance": one.distance,
                "p": one.p_adjusted,
                "verdict": self.verdict(one),
                "largest change": _largest(one),
            }
            for one in self.comparisons
        ]
        return pd.DataFrame(rows).set_index("what")

    def shares(self, name: str) -> "pd.DataFrame":
        """Return the share of each category of a comparison on both sides as pandas, the largest change first."""
        import pandas as pd

        (one,) = (one for one in self.comparisons if one.name == name)
        return pd.DataFrame(one.changes, columns=[name, self.a, self.b]).set_index(name)  # pyright: ignore[reportArgumentType]

    def summary(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        return {
            "a": self.a,
            "b": self.b,
            "max_distance": self.max_distance,
            "alpha": self.alpha,
            "drift": self.found,
            "comparisons": [self._as_json(one) for one in self.comparisons],
        }

    def _as_json(self, one: Compared) -> dict[str, Any]:
        changes = [{"value": name, "a": a, "b": b} for name, a, b in one.changes[:_CHANGES_KEPT]]
        return {
            "name": one.name,
            "verdict": self.verdict(one),
            "a": one.a.total,
            "b": one.b.total,
            "distance": one.distance,
            "p": one.p,
            "p_adjusted": one.p_adjusted,
            "changes": changes,
        }

    def require_none(self) -> None:
        """Check that nothing drifted.

        Raises:
            DriftFound: something did; the message names it.
        """
        if self.found:
            raise DriftFound(
                f"From {self.a} to {self.b}, {', '.join(self.found)} drifted by a distance of {self.max_distance:g} or"
                " more; raise --max-distance if that is as it should be."
            )


def drift(a: str, b: str, lake: str | None = None, max_distance: float = 0.1, alpha: float = 0.05) -> Drift:
    """Compare two crawls, days or recipes of `lake`, or, without it, two lakes.

    Raises:
        LakeUnreadable: there is no lake, or it has no statistics.
        UsageError: a name that is no crawl, day or recipe of the lake, or is several.
    """
    if lake is None:
        sides = whole_lake(a), whole_lake(b)
    else:
        reader = LakeReader(lake)
        sides = side_of(reader, a), side_of(reader, b)
    for side in sides:
        side.lake.version("qa_statistics")
    return Drift(a, b, adjusted(_comparisons(*sides)), max_distance, alpha)


def print_drift(found: Drift, out: TextIO) -> None:
    """Print the comparisons as a table; lengths of single types only where they drifted."""
    grid = Grid(title=f"A {found.a}, B {found.b}", title_justify="left", show_edge=False, header_style="bold")
    for name in ("what", "A", "B", "distance", "p", "verdict", "largest change"):
        grid.add_column(name, justify="right" if name in ("A", "B", "distance", "p") else "left")
    shown = [one for one in found.comparisons if found.drifted(one) or not one.name.startswith(_LENGTHS_OF)]
    for one in shown:
        distance = "–" if one.distance is None else f"{one.distance:.3f}"
        p = "–" if one.p_adjusted is None else f"{one.p_adjusted:.2g}"
        counts = (f"{one.a.total:,.0f}", f"{one.b.total:,.0f}")
        style = "bold" if found.drifted(one) else None
        grid.add_row(one.name, *counts, distance, p, found.verdict(one), _largest(one), style=style)
    console = Console(file=out, markup=False, highlight=False)
    # Without a terminal no cell is wrapped, so that each comparison is one line.
    (console if console.is_terminal else Console(file=out, markup=False, width=100_000)).print(grid)
    if len(shown) < len(found.comparisons):
        more = len(found.comparisons) - len(shown)
        console.print(f"Lengths of {more} more types: no drift; --json lists them.")


def _largest(one: Compared) -> str:
    if one.distance is None or not one.changes:
        return ""
    name, a, b = one.changes[0]
    return f"{name}: {a * 100:.1f} % to {b * 100:.1f} %"


def _comparisons(a: Side, b: Side) -> Iterator[Compared]:
    (total_a,), (total_b,) = (
        side.rows("yield_by_day", ", ".join(f"sum({s}) AS {s}" for s in _STEPS)) for side in (a, b)
    )
    images = (total_a["with_answers"] or 0, total_b["with_answers"] or 0)

    def of_answers(name: str, of_a: dict[str, float], of_b: dict[str, float]) -> Compared:
        return compared(name, Sample(of_a, images[0]), Sample(of_b, images[1]))

    for above, step in pairwise(_STEPS):
        yield compared(f"yield: {above} to {step}", _kept(total_a, above, step), _kept(total_b, above, step))
    reasons = [side.counts("drop_reasons", "concat(stage, ': ', reason)", "left_out") for side in (a, b)]
    yield compared("drop reasons", *(Sample(counts, sum(counts.values())) for counts in reasons))
    for name, view, by, count in _SHARES:
        yield of_answers(name, a.counts(view, by, count), b.counts(view, by, count))
    for name, columns in _BALANCES:
        yield of_answers(name, _sums(a, columns), _sums(b, columns))
    lengths_a, lengths_b = _lengths(a), _lengths(b)
    for kind in sorted(lengths_a.keys() & lengths_b.keys()):
        yield of_answers(f"{_LENGTHS_OF}{kind}", lengths_a[kind], lengths_b[kind])


def _kept(totals: Mapping[str, Any], above: str, step: str) -> Sample:
    before, after = totals[above] or 0, totals[step] or 0
    # An image that was found before counts in its first crawl, and an image may be listed twice.
    return Sample({"kept": after, "left out": max(before - after, 0)}, max(before, after))


def _sums(side: Side, columns: tuple[str, ...]) -> dict[str, float]:
    (row,) = side.rows("answers_by_type", ", ".join(f"sum({column}) AS {column}" for column in columns))
    return {column: row[column] for column in columns if row[column]}


def _lengths(side: Side) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in side.rows("distance_histogram", "type_id, from_m, sum(answers) AS n", "type_id, from_m"):
        found.setdefault(row["type_id"], {})[category_of(row["from_m"])] = row["n"]
    return found
