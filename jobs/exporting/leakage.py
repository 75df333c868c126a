"""Checks that no image, near-duplicate or sequence lies in two splits of an export."""

from collections.abc import Iterator

from jobs.engine.delta_log import arrow_of
from jobs.engine.errors import RuleBroken
from jobs.exporting.planning import conditions_of
from jobs.exporting.settings import ExportSettings
from jobs.views.reader import LakeReader, quoted

# Images whose groups are held in memory at a time.
_IMAGES_PER_PASS = 2_000_000
_DIGITS = "0123456789abcdef"


def require_no_leak(lake: LakeReader, settings: ExportSettings, recipe: str, duplicates: str | None) -> None:
    """Check every image, cluster of near-duplicates and sequence; `duplicates` is the recipe of the clusters.

    Raises:
        RuleBroken: one lies in two splits; the message names it.
    """
    for name, text in _checks(lake, settings, recipe, duplicates):
        for found in arrow_of(lake.joined(text, (settings.table, *_tables(lake)))).to_pylist():
            raise RuleBroken(
                f"{name} {found['name']} lies in the splits {found['first']} and {found['last']}, so a model would be"
                " tested on what it was trained on; make the lake's groups anew, see docs/duplicates.md."
            )


def _tables(lake: LakeReader) -> tuple[str, ...]:
    return tuple(name for name in ("images", "near_duplicates") if lake.has(name))


def _checks(
    lake: LakeReader, settings: ExportSettings, recipe: str, duplicates: str | None
) -> Iterator[tuple[str, str]]:
    """Yield what is checked, and a query that returns one that lies in two splits."""
    exported = f'FROM "{settings.table}" WHERE {conditions_of(settings, recipe)}'
    passes = _passes(lake)
    for digits in passes:
        of_pass = f"AND substr(image_id, 1, 1) IN ({quoted(digits)})" if len(passes) > 1 else ""
        yield (
            "Image",
            f"SELECT image_id AS name, min(split) AS first, max(split) AS last {exported} {of_pass}"
            " GROUP BY image_id HAVING min(split) <> max(split) LIMIT 1",
        )
    keys = [("Sequence", "images", "sequence_id", "true")]
    if lake.has("near_duplicates"):
        where = f"recipe = {quoted([duplicates])}" if duplicates else "true"
        keys.append(("Cluster of near-duplicates", "near_duplicates", "cluster_id", where))
    for title, table, key, where in keys:
        for digits in passes:
            of_pass = f"AND substr(md5({key}), 1, 1) IN ({quoted(digits)})" if len(passes) > 1 else ""
            members = f'SELECT image_id, {key} AS name FROM "{table}" WHERE {where} AND {key} IS NOT NULL {of_pass}'
            yield (
                title,
                f"SELECT name, min(split) AS first, max(split) AS last FROM (SELECT image_id, split {exported}) AS e"
                f" JOIN ({members}) AS m USING (image_id) GROUP BY name HAVING min(split) <> max(split) LIMIT 1",
            )


def _passes(lake: LakeReader) -> list[str]:
    count = lake.arrow("images", "SELECT count(*) AS n FROM t")["n"][0].as_py()
    number = min(16, 1 + count // _IMAGES_PER_PASS)
    return [part for start in range(number) if (part := _DIGITS[start::number])]
