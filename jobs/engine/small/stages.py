"""Brings a stage's table up to date in a small run, each micro-batch exactly once.

The rows, the rejects and their order are those of a stage in Spark; only who computes them differs. A micro-batch is
numbered after the last one of the same recipe, and one that a killed command left half-done is taken back first.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.engine import commits
from jobs.engine.arrow import conditions_met, output_type
from jobs.engine.batches import StreamOptions, ledger_of, require_few_failures
from jobs.engine.delta_log import opened, transaction_version
from jobs.engine.lake import Lake
from jobs.engine.ledger import BatchReport, Ledger, Rejects
from jobs.engine.recovery import take_back_half_done
from jobs.engine.small.pool import Pool
from jobs.engine.small.work import SmallOutputs, SmallWork
from jobs.engine.stage import Stage
from jobs.engine.stream import StageSummary
from jobs.engine.writing import AppendOncePerKey, ReplaceShards
from schemas.operations import QUARANTINE
from schemas.table import ENGINE_VERSION, Table

# What the rows of one micro-batch may take in memory, judged by their files.
_BATCH_BYTES = 128 * 2**20
_MAX_FILES = 2


def run_small(lake: Lake, stage: Stage, options: StreamOptions, pool: Pool) -> StageSummary:
    """Bring the stage's table up to date with its upstream table, without Spark, and return what was done.

    Raises:
        LakeUnreadable: the upstream table does not exist.
        TooManyFailures: more than `max_failure_rate` of a micro-batch's rows failed (they are in quarantine).
    """
    started_at = time.monotonic()
    summary = StageSummary(stage.name)
    lake.dataset(stage.upstream)
    for table in stage.committed:
        lake.ensure(table)
    ledger = ledger_of(lake, stage, f"small-{stage.recipe}")
    take_back_half_done(lake, stage, ledger.app_id)
    keys = _unseen(lake, stage)
    options.on_rows(len(keys))
    batch_id = _last_batch(lake, stage, ledger) + 1
    for some in _micro_batches(lake, stage, keys):
        report = _Writer(stage.prepared(lake), ledger, options, pool).write(some, batch_id)
        summary.add(report)
        batch_id += 1
    summary.seconds = time.monotonic() - started_at
    return summary


def _last_batch(lake: Lake, stage: Stage, ledger: Ledger) -> int:
    return max(transaction_version(lake.location(table), ledger.app_id) for table in stage.committed)


def _unseen(lake: Lake, stage: Stage) -> pa.Table:
    """Return the keys of upstream rows that have neither rows nor rejects yet; of aggregates, those of grown shards."""
    upstream = _rows(lake, stage.upstream, stage.upstream_recipe, stage.keys)
    if isinstance(stage.writing, ReplaceShards):
        return _of_grown_shards(lake, stage, stage.writing, upstream)
    key, done = stage.keys[0], stage.writing.done or stage.target
    if isinstance(stage.writing, AppendOncePerKey):
        upstream = upstream.group_by(list(stage.keys), use_threads=False).aggregate([])
    dealt = set(_rows(lake, done, stage.recipe, (key,))[key].to_pylist())
    left_out = (ds.field("stage") == stage.name) & (ds.field("recipe") == stage.recipe)
    # With a table of its own for what is done, a key may have rejects of parts besides its row.
    left_out = left_out & ds.field("image_id").is_null() if stage.writing.done else left_out
    dealt |= set(lake.dataset(QUARANTINE).to_table(columns=[key], filter=left_out)[key].to_pylist())
    fresh = pa.array([one not in dealt for one in upstream[key].to_pylist()], pa.bool_())
    return upstream.filter(fresh).sort_by([("ingest_shard", "ascending"), (key, "ascending")])


def _of_grown_shards(lake: Lake, stage: Stage, writing: ReplaceShards, upstream: pa.Table) -> pa.Table:
    counted = writing.counted
    if counted is None:
        return upstream
    held = _rows(lake, stage.target, stage.recipe, ("ingest_shard", counted)).group_by("ingest_shard")
    known = {row["ingest_shard"]: row[f"{counted}_sum"] for row in held.aggregate([(counted, "sum")]).to_pylist()}
    now = Counter(upstream["ingest_shard"].to_pylist())
    grown = [shard for shard, count in now.items() if known.get(shard) != count]
    return upstream.filter(pc.is_in(upstream["ingest_shard"], value_set=pa.array(grown, pa.int64())))


def _rows(lake: Lake, table: Table, recipe: str, columns: tuple[str, ...]) -> pa.Table:
    """Return columns of the rows of a recipe, of all rows where a table has no recipes."""
    chosen = ds.field("recipe") == recipe if "recipe" in table.columns else None
    return lake.dataset(table).to_table(columns=list(columns), filter=chosen)


def _micro_batches(lake: Lake, stage: Stage, keys: pa.Table) -> Iterator[pa.Table]:
    if stage.small is not None and stage.small.together:
        size = max(len(keys), 1)
    else:
        held = opened(lake.location(stage.upstream))
        files = pa.table(held.get_add_actions()) if held else pa.table({"size_bytes": [0], "num_records": [0]})
        rows = pc.sum(files["num_records"]).as_py() or 1
        size = max(int(_BATCH_BYTES / ((pc.sum(files["size_bytes"]).as_py() or 1) / rows)), 1)
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


@dataclass(frozen=True)
class _Writer:
    stage: Stage
    ledger: Ledger
    options: StreamOptions
    pool: Pool

    def write(self, keys: pa.Table, batch_id: int) -> BatchReport:
        """Make the rows of some keys and commit them, the stage's own last."""
        started_at = time.monotonic()
        stage, ledger = self.stage, self.ledger
        transformed = self._transformed(keys)
        outputs = self._outputs(transformed)
        rejected = _rejected(transformed)
        rejects = _counted(rejected)
        seconds = time.monotonic() - started_at
        report = BatchReport(stage.name, len(keys), len(outputs.rows), rejects, seconds)
        ledger.append_run(report, batch_id)
        if rejects:
            self._append(QUARANTINE, _rejects_of(stage, rejected), batch_id)
        for table, rows in (*outputs.sides, (stage.target, outputs.rows)):
            self._commit(table, rows, batch_id, keys)
        self.options.on_batch(report)
        require_few_failures(report, self.options.max_failure_rate)
        return report

    @property
    def _work(self) -> SmallWork:
        if self.stage.small is None:
            raise ValueError(f"Stage {self.stage.name} works in Spark only.")
        return self.stage.small

    def _transformed(self, keys: pa.Table) -> pa.Table:
        work, stage = self._work, self.stage
        rows = work.read(self.ledger.lake, keys)
        schema = to_arrow_schema(output_type(stage.target, work.extra))
        size = max(len(rows), 1) if work.together else stage.arrow_rows
        batches = rows.combine_chunks().to_batches(max_chunksize=size)
        here = work.together or work.in_one_process
        made = [one for some in self.pool.mapped(batches, work.batches, schema, len(rows), here) for one in some]
        return pa.Table.from_batches(made, schema)

    def _outputs(self, transformed: pa.Table) -> SmallOutputs:
        if self._work.split is not None:
            return self._work.split(self.ledger.lake, transformed)
        sound = transformed.filter(pc.equal(pc.list_value_length(transformed["rejects"]), 0))
        return SmallOutputs(sound.select(self.stage.target.columns))

    def _commit(self, table: Table, rows: pa.Table, batch_id: int, keys: pa.Table) -> None:
        if not isinstance(self.stage.writing, ReplaceShards):
            self._append(table, rows, batch_id)
            return
        lake, shards = self.ledger.lake, pc.unique(keys["ingest_shard"])
        old = (ds.field("recipe") == self.ledger.recipe) & ds.field("ingest_shard").isin(shards)
        stored = _storable(rows, table)
        commits.replace(lake.location(table), table, stored, self.ledger.app_id, batch_id, old)

    def _append(self, table: Table, rows: pa.Table, batch_id: int) -> None:
        location, app_id = self.ledger.lake.location(table), self.ledger.app_id

        def checked(conditions: Mapping[str, str]) -> pa.Table:
            return conditions_met(_storable(rows, table), table, conditions)

        commits.append(location, table, checked, app_id, batch_id, _MAX_FILES)


def _storable(rows: pa.Table, table: Table) -> pa.Table:
    return rows.select(table.columns).cast(to_arrow_schema(table.schema))


def _rejected(transformed: pa.Table) -> list[dict]:
    """Return the keys and the rejects of the rows that have some."""
    names = [
        name for name in ("entry_id", "image_id", "uri", "ingest_shard", "rejects") if name in transformed.column_names
    ]
    some = transformed.filter(pc.greater(pc.list_value_length(transformed["rejects"]), 0))
    return some.select(names).to_pylist()


def _counted(rejected: list[dict]) -> Rejects:
    sets: Counter[tuple[tuple[str, str], ...]] = Counter()
    for row in rejected:
        sets[tuple(sorted({(one["outcome"], one["reason"]) for one in row["rejects"]}))] += 1
    return dict(sets)


def _rejects_of(stage: Stage, rejected: list[dict]) -> pa.Table:
    """Return rejects in QUARANTINE's shape, as `jobs.engine.stage.rejects_of` makes them in Spark."""
    retry = f"spatiallake retry --stage {stage.name}"
    rows = [
        {
            "stage": stage.name,
            **{name: row.get(name) for name in ("entry_id", "image_id", "uri", "ingest_shard")},
            **one,
            "attempt": 1,
            "retry_command": retry if one["outcome"] == "failed" else None,
            "rows_json": None,
            "recipe": stage.recipe,
            "engine_version": ENGINE_VERSION,
        }
        for row in rejected
        for one in row["rejects"]
    ]
    return pa.Table.from_pylist(rows, schema=to_arrow_schema(QUARANTINE.schema))
