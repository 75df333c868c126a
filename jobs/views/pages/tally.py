"""Counts for the report: yield of every stage, what was dropped and why, answers, objects and tables."""

import json
from dataclasses import dataclass, field

from jobs.engine.registry import stage_definitions
from jobs.views.pages.wording import plain
from jobs.views.reader import LakeReader, Row, known_tables, stage_of_table


@dataclass(frozen=True)
class Drop:
    """Rows or objects dropped for one reason: their number, and one example sentence."""

    stage: str
    outcome: str
    reason: str
    count: int
    example: str


@dataclass(frozen=True)
class StageYield:
    """One stage with one recipe: rows read and written, rows to quarantine by outcome, wall time in s."""

    stage: str
    recipe: str
    current: bool
    rows_in: int
    rows_out: int
    failed: int
    filtered: int
    refused: int
    batches: int
    seconds: float
    finished_at: str
    drops: tuple[Drop, ...]

    @property
    def rows_per_s(self) -> float | None:
        """Rows read per second, or None when nothing was timed."""
        return self.rows_in / self.seconds if self.seconds > 0 else None


def rate_text(rows_per_s: float | None) -> str:
    """Return a rate with three digits, or whole where it has more before the point; a dash for none."""
    if not rows_per_s:
        return "–"
    return f"{rows_per_s:,.0f}" if rows_per_s >= 100 else f"{rows_per_s:.3g}"


@dataclass(frozen=True)
class TableState:
    """One Delta table: version, rows of every recipe and of the current one."""

    name: str
    comment: str
    version: int
    rows: int
    current_rows: int


@dataclass(frozen=True)
class Recipe:
    """What a stage's current recipe stands for; `settings` is indented JSON."""

    stage: str
    recipe: str
    upstream: str
    activated_at: str
    settings: str


@dataclass(frozen=True)
class Tally:
    """Everything that a report shows: `answers` one row per type, `values` and `ranges` as histogram bins."""

    yields: tuple[StageYield, ...]
    object_drops: tuple[Drop, ...]
    objects: int
    tables: tuple[TableState, ...]
    recipes: tuple[Recipe, ...]
    answers: list[Row] = field(default_factory=list)
    values: list[Row] = field(default_factory=list)
    ranges: list[Row] = field(default_factory=list)
    quarantined: list[Row] = field(default_factory=list)
    quarantined_count: int = 0


def tally_of(lake: LakeReader, quarantine_limit: int = 200) -> Tally:
    """Count a lake.

    Raises:
        LakeUnreadable: there is no lake.
    """
    names = lake.tables()
    objects = lake.optional("scenes", "SELECT coalesce(sum(cardinality(objects)), 0) AS n FROM t")
    left = lake.optional("quarantine", "SELECT count(*) AS n FROM t")
    return Tally(
        yields=_yields(lake),
        object_drops=_object_drops(lake),
        objects=int(objects[0]["n"]) if objects else 0,
        tables=tuple(_table_state(lake, name) for name in names),
        recipes=_recipes(lake),
        answers=lake.optional("qa_pairs", _ANSWERS),
        values=lake.optional("qa_pairs", _VALUES),
        ranges=lake.optional("scenes", _RANGES),
        quarantined=lake.optional("quarantine", _QUARANTINED.format(limit=quarantine_limit)),
        quarantined_count=left[0]["n"] if left else 0,
    )


_ANSWERS = """
SELECT type_id, family, count(*) AS answers, count(DISTINCT image_id) AS images,
  sum(CASE WHEN answer_bool THEN 1 ELSE 0 END) AS yes, sum(CASE WHEN NOT answer_bool THEN 1 ELSE 0 END) AS no,
  sum(CASE WHEN letter = 'A' THEN 1 ELSE 0 END) AS letter_a, sum(CASE WHEN letter = 'B' THEN 1 ELSE 0 END) AS letter_b
FROM (SELECT *, CASE WHEN answer_form = 'letter'
  THEN substr(regexp_replace(answer, '^[^A-Za-z]*', ''), 1, 1) END AS letter FROM t) AS lettered
GROUP BY type_id, family ORDER BY type_id
"""

# Ten bins per decade.
_VALUES = """
SELECT type_id, CAST(floor(log10(value_si) * 10) AS BIGINT) AS bin, count(*) AS n
FROM t WHERE unit_si = 'm' AND value_si > 0 GROUP BY type_id, bin ORDER BY type_id, bin
"""

_RANGES = """
SELECT CAST(floor(log10(range_m) * 10) AS BIGINT) AS bin, count(*) AS n
FROM (SELECT o['range_m'] AS range_m FROM (SELECT unnest(objects) AS o FROM t) AS listed) AS ranges
WHERE range_m > 0 GROUP BY bin ORDER BY bin
"""

_QUARANTINED = """
SELECT stage, outcome, reason, error, attempt, retry_command, coalesce(image_id, uri, entry_id) AS what
FROM t ORDER BY CASE outcome WHEN 'failed' THEN 0 WHEN 'refused' THEN 1 ELSE 2 END, stage, reason, what LIMIT {limit}
"""

_RUNS = """
SELECT stage, recipe, sum(rows_in) AS rows_in, sum(rows_out) AS rows_out, sum(failed) AS failed,
  sum(filtered) AS filtered, sum(refused) AS refused, count(*) AS batches, sum(seconds) AS seconds,
  max(finished_at) AS finished_at FROM t GROUP BY stage, recipe
"""

_DROPS = """
SELECT stage, recipe, outcome, reason, count(*) AS n, min(error) AS example
FROM t GROUP BY stage, recipe, outcome, reason ORDER BY n DESC, reason
"""

_OBJECT_DROPS = """
SELECT r['reason'] AS reason, count(*) AS n, min(r['detail']) AS example
FROM (SELECT unnest(rejected) AS r FROM t) AS listed GROUP BY r['reason'] ORDER BY n DESC, reason
"""


def _yields(lake: LakeReader) -> tuple[StageYield, ...]:
    current = lake.current_recipes()
    drops = lake.optional("quarantine", _DROPS)
    found = []
    for row in lake.optional("stage_runs", _RUNS):
        own = [drop for drop in drops if (drop["stage"], drop["recipe"]) == (row["stage"], row["recipe"])]
        row["finished_at"] = row["finished_at"].strftime("%Y-%m-%d %H:%M:%S")
        row["drops"] = tuple(Drop(d["stage"], d["outcome"], plain(d["reason"]), d["n"], d["example"]) for d in own)
        found.append(StageYield(current=current.get(row["stage"], row["recipe"]) == row["recipe"], **row))
    order = _order()
    found.sort(key=lambda run: (order.get(run.stage, len(order)), not run.current, run.finished_at))
    return tuple(found)


def _object_drops(lake: LakeReader) -> tuple[Drop, ...]:
    found = []
    for stage, table in (("lift", "scenes"), ("disambiguate", "references")):
        for row in lake.optional(table, _OBJECT_DROPS):
            found.append(Drop(stage, "object", plain(row["reason"]), row["n"], row["example"] or ""))
    return tuple(found)


def _table_state(lake: LakeReader, name: str) -> TableState:
    count = "SELECT count(*) AS n FROM t"
    rows = lake.query(name, count, all_recipes=True)[0]["n"]
    current = lake.query(name, count)[0]["n"] if name in stage_of_table() else rows
    return TableState(name, known_tables()[name].comment, lake.version(name), rows, current)


def _recipes(lake: LakeReader) -> tuple[Recipe, ...]:
    book, order = lake.recipe_book(), _order()
    rows = [row for stage, recipe in book.current().items() if (row := book.newest(stage, recipe))]
    return tuple(
        Recipe(
            stage=row.stage,
            recipe=row.recipe,
            upstream=row.upstream_recipe,
            activated_at=row.at.strftime("%Y-%m-%d %H:%M:%S"),
            settings=json.dumps(row.settings, indent=2, ensure_ascii=False, sort_keys=True),
        )
        for row in sorted(rows, key=lambda row: order.get(row.stage, len(order)))
    )


def _order() -> dict[str, int]:
    return {stage: index for index, stage in enumerate(stage_definitions())}
