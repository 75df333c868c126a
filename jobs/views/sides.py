"""What a comparison compares: the images of a crawl, of a day, of a recipe or of a whole lake."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.engine.registry import order_of_stages
from jobs.views.reader import LakeReader, quoted
from udfs.storage.locations import UnservedLocation, normalized

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_KINDS = ("crawl", "day", "recipe")
_ALL = "1 = 1"


@dataclass(frozen=True)
class Side:
    """One side of a comparison: images of a lake that a condition on crawl and day chooses, under some recipes."""

    name: str
    lake: LakeReader
    where: str = _ALL
    recipes: Mapping[str, str] | None = None

    def rows(self, view: str, select: str, group: str = "") -> list[dict[str, Any]]:
        """Return aggregates of a view's rows of this side."""
        sql = f"SELECT {select} FROM t WHERE {self.where}{f' GROUP BY {group}' if group else ''}"
        return self.lake.view(view, sql, self.recipes).to_pylist()

    def counts(self, view: str, by: str, count: str) -> dict[str, float]:
        """Return the sums of a count by category."""
        rows = self.rows(view, f"{by} AS category, sum({count}) AS n", by)
        return {category_of(row["category"]): row["n"] for row in rows if row["n"]}


def category_of(value: str | float | None) -> str:
    """Return the name of a category; a number is where a bin begins, in m."""
    return "none" if value is None else value if isinstance(value, str) else f"from {value:.2g} m"


def whole_lake(uri: str) -> Side:
    """Return all images of a lake under its current recipes.

    Raises:
        UsageError: there is no lake.
    """
    reader = LakeReader(uri)
    try:
        reader.tables()
    except LakeUnreadable:
        raise UsageError(
            f"There is no lake at {uri}; name two lakes, or add `--lake LAKE` to compare its crawls, days or recipes."
        ) from None
    return Side(uri, reader)


def side_of(lake: LakeReader, given: str) -> Side:
    """Return the images of a lake that a name stands for: a crawl or the end of it, a day, or a recipe.

    Raises:
        UsageError: it is none of these, or several.
    """
    kind, colon, rest = given.partition(":")
    named, name = (kind, rest) if colon and kind in _KINDS else ("", given)
    places = lake.view("ingest_shards", "SELECT DISTINCT crawl_uri, ingest_day FROM t").to_pylist()
    days = sorted({row["ingest_day"] for row in places if row["ingest_day"]})
    crawls = sorted({row["crawl_uri"] for row in places})
    if named in ("", "day") and _DAY.fullmatch(name):
        return Side(given, lake, f"ingest_day = DATE '{_day_of(name, days)}'")
    matching = [one for one in crawls if one == _location(name) or one.endswith(f"/{name.strip('/')}")]
    if named in ("", "crawl") and len(matching) == 1:
        return Side(given, lake, f"crawl_uri = {quoted(matching)}")
    recipes = {row.recipe for row in lake.recipe_book().rows if name and row.recipe.startswith(name)}
    if named in ("", "recipe") and recipes and not matching:
        return _recipe_side(lake, given, name)
    raise UsageError(
        f"{given!r} names {'several crawls' if matching else 'no crawl, day or recipe'} of {lake.uri}; its crawls are"
        f" {', '.join(crawls) or 'none'}, its days {', '.join(map(str, days)) or 'none'}, and `spatiallake recipes"
        f" --lake {lake.uri}` lists its recipes."
    )


def _recipe_side(lake: LakeReader, given: str, name: str) -> Side:
    book = lake.recipe_book()
    row = book.named(name)
    chain = book.chain_of(row, order_of_stages())
    rows = lake.arrow("qa_statistics", f"SELECT 1 FROM t WHERE recipe = {quoted([chain.get('statistics', '')])}", True)
    if not rows.num_rows:
        raise UsageError(
            f"Recipe {row.recipe[:8]} of stage {row.stage} has no statistics yet; `spatiallake backfill --lake"
            f" {lake.uri} --recipe {row.recipe[:8]}` makes them."
        )
    return Side(given, lake, recipes={**book.current(), **chain})


def _day_of(name: str, days: list[date]) -> date:
    found = [day for day in days if str(day) == name]
    if not found:
        raise UsageError(f"No crawl was listed on {name}; the days of this lake are {', '.join(map(str, days))}.")
    return found[0]


def _location(name: str) -> str:
    try:
        return normalized(name)
    except UnservedLocation:
        return name
