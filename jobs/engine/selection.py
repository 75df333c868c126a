"""A part of a lake's images: those of a crawl, of days, or of a SQL condition."""

from dataclasses import dataclass
from datetime import date

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.errors import UsageError
from jobs.engine.lake import Lake
from jobs.views.reader import LakeReader, quoted
from schemas.images import CRAWL, IMAGES, PROVENANCE

_BLOBS = ("bytes", "depth", "instances", "objects", "episode_json")
_SHOWN_CRAWLS = 20
SELECTED_FROM = (IMAGES, PROVENANCE, CRAWL)
_OF_CRAWL = ("entry_id", "crawl_uri", "kind", "member", "listed_on")


@dataclass(frozen=True)
class Selection:
    """Which images: of the crawl at this URI, listed on days from `first` to `last` (UTC), and meeting `where`.

    `where` is a SQL condition on the columns of `images` (but blobs), `provenance` and `crawl`. An image that was found
    in several places is in the selection if one of them is.
    """

    crawl: str | None = None
    first: date | None = None
    last: date | None = None
    where: str | None = None

    @property
    def is_everything(self) -> bool:
        """Return whether nothing is left out."""
        return self == Selection()

    def __str__(self) -> str:
        parts = [
            f"of crawl {self.crawl}" if self.crawl else "",
            f"listed from {self.first}" if self.first else "",
            f"{'' if self.first else 'listed '}to {self.last}" if self.last else "",
            f"with {self.where}" if self.where else "",
        ]
        return "images " + " ".join(part for part in parts if part)


def selected_images(lake: Lake, selection: Selection) -> DataFrame:
    """Return the `image_id` of the selected images.

    Raises:
        UsageError: the condition is no SQL or names a column that there is not, or the lake has no such crawl.
    """
    places = lake.read(PROVENANCE).drop("ingest_shard", "engine_version", "licence", "alt_text")
    crawl = lake.read(CRAWL)
    listed = crawl.select(*(c for c in _OF_CRAWL if c in crawl.columns))
    images = lake.read(IMAGES).drop(*_BLOBS, "engine_version")
    rows = images.join(places, "image_id").join(listed, "entry_id")
    if selection.crawl:
        _require_crawl(crawl, selection.crawl)
        rows = rows.where(F.col("crawl_uri") == selection.crawl)
    if selection.first or selection.last:
        _require_days(rows.columns)
        rows = _within_days(rows, selection)
    if selection.where:
        rows = _meeting(rows, selection.where)
    return rows.select("image_id").distinct()


def selected_sql(lake: LakeReader, selection: Selection) -> str:
    """Return what `selected_images` does as a query for `LakeReader.count`, for a selection without `where`.

    It names the tables `SELECTED_FROM`.

    Raises:
        UsageError: the lake has no such crawl, or does not know when its images were listed.
    """
    conditions = []
    if selection.crawl:
        same = f"crawl_uri = {quoted([selection.crawl])}"
        if not lake.query(CRAWL.name, f"SELECT 1 FROM t WHERE {same} LIMIT 1"):
            known = lake.query(CRAWL.name, f"SELECT DISTINCT crawl_uri FROM t LIMIT {_SHOWN_CRAWLS}")
            raise _no_crawl(selection.crawl, [row["crawl_uri"] for row in known])
        conditions.append(f"c.{same}")
    if selection.first or selection.last:
        _require_days(lake.columns(CRAWL.name))
    conditions += [f"c.listed_on >= DATE '{selection.first}'"] if selection.first else []
    conditions += [f"c.listed_on <= DATE '{selection.last}'"] if selection.last else []
    return (
        f"SELECT DISTINCT i.image_id FROM {{{IMAGES.name}}} AS i JOIN {{{PROVENANCE.name}}} AS p"
        f" ON i.image_id = p.image_id JOIN {{{CRAWL.name}}} AS c ON p.entry_id = c.entry_id"
        f" WHERE {' AND '.join(conditions) or 'TRUE'}"
    )


def _require_crawl(crawl: DataFrame, uri: str) -> None:
    known = [row[0] for row in crawl.select("crawl_uri").distinct().limit(_SHOWN_CRAWLS).collect()]
    if uri not in known and crawl.where(F.col("crawl_uri") == uri).isEmpty():
        raise _no_crawl(uri, known)


def _no_crawl(uri: str, known: list[str]) -> UsageError:
    return UsageError(f"This lake has no image of crawl {uri!r}; its crawls are {', '.join(sorted(known))}.")


def _require_days(columns: list[str]) -> None:
    if "listed_on" not in columns:
        raise UsageError(
            "This lake does not know when its images were listed, since an earlier version made it; select them by "
            "--crawl or --where."
        )


def _within_days(rows: DataFrame, selection: Selection) -> DataFrame:
    if selection.first:
        rows = rows.where(F.col("listed_on") >= F.lit(selection.first))
    if selection.last:
        rows = rows.where(F.col("listed_on") <= F.lit(selection.last))
    return rows


def _meeting(rows: DataFrame, condition: str) -> DataFrame:
    try:
        met = rows.where(condition)
        # Analyzed at once, so that a wrong name ends the command here.
        _ = met.schema
    except (AnalysisException, ParseException) as error:
        first = str(error).split("\n", 1)[0]
        raise UsageError(
            f"--where {condition!r} cannot be used: {first} Name columns of images, provenance or crawl: "
            f"{', '.join(sorted(rows.columns))}."
        ) from None
    return met
