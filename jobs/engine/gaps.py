"""Rows that a table lacks although the table that it follows has them, and no checkpoint will bring."""

from collections.abc import Iterable, Mapping

from jobs.engine.backfill import catch_up
from jobs.engine.batches import StreamOptions
from jobs.engine.errors import LakeUnreadable
from jobs.engine.going_live import progress_of, shown_uri
from jobs.engine.lake import Lake
from jobs.engine.progress import Reporter
from jobs.engine.recovery import lacks_rows
from jobs.engine.registry import order_of_stages
from jobs.engine.stage import Stage
from jobs.engine.stream import StageSummary
from jobs.views.reader import LakeReader
from schemas.images import CRAWL, PROVENANCE


def close_gap(lake: Lake, stage: Stage, options: StreamOptions, summary: StageSummary, reporter: Reporter) -> None:
    """Deal with upstream rows that the stage's stream has passed although no table has anything of them."""
    behind = progress_of(LakeReader(lake.uri), stage.definition, stage.recipe, stage.upstream_recipe)
    if behind.complete:
        return
    summary.add(catch_up(lake, stage, options))
    reporter.say(
        f"Stage {stage.name} had neither rows nor reasons for {behind.total - behind.dealt:,} of {behind.total:,} in"
        f" {stage.upstream.name}, and worked on them again."
    )


def require_rows_above(lake: Lake, stages: Mapping[str, Stage], names: Iterable[str]) -> None:
    """Refuse to follow tables that have lost rows, if the stage that makes them is not about to run.

    Raises:
        LakeUnreadable: the message names the table and the way back.
    """
    upstream, above = order_of_stages(), set[str]()
    for name in names:
        place = name
        while upstream[place] != place:
            place = upstream[place]
            above.add(place)
    for name in upstream:
        if name in above and name not in names and lacks_rows(lake, stages[name]):
            raise LakeUnreadable(
                f"Table {stages[name].target.name} of {shown_uri(lake)} has lost a log entry, and with it rows that the"
                f" table before has; `spatiallake run --lake {shown_uri(lake)}` makes them again."
            )


def require_listed(lake: Lake) -> None:
    """Refuse to go on from a `crawl` that has lost entries of which images were ingested.

    Raises:
        LakeUnreadable: the message says how many, and the way back.
    """
    tables = LakeReader(lake.uri)
    if not (tables.exists(CRAWL) and tables.exists(PROVENANCE)):
        return
    query = "SELECT count(*) AS lost FROM {provenance} AS p LEFT ANTI JOIN {crawl} AS c ON p.entry_id = c.entry_id"
    lost = tables.count(query, [CRAWL, PROVENANCE])["lost"]
    if lost:
        uri = shown_uri(lake)
        raise LakeUnreadable(
            f"Table crawl of {uri} has lost {lost:,} entries whose images are in the lake; list their crawl again with"
            f" `spatiallake run --lake {uri} --crawl CRAWL`: the images stay as they are."
        )
