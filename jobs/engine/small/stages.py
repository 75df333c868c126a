"""Brings a stage's table up to date in a small run, each micro-batch exactly once.

The rows, the rejects and their order are those of a stage in Spark; only who computes them differs. A micro-batch is
numbered after the last one of the same recipe, and one that a killed command left half-done is taken back first.
"""

# Functions of pyarrow.compute are made when it is imported.
# pyright: reportAttributeAccessIssue=false

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.engine import commits
from jobs.engine.arrow import conditions_met, output_type
from jobs.engine.batches import StreamOptions, ledger_of, require_few_failures
from jobs.engine.delta_log import arrow_of, opened, transaction_version
from jobs.engine.lake import Lake
from jobs.engine.ledger import BatchReport, Ledger, Rejects, application
from jobs.engine.recovery import take_back_half_done
from jobs.engine.small.pool import Pool
from jobs.engine.small.work import SmallOutputs, SmallWork
from jobs.engine.stage import Stage
from jobs.engine.stream import StageSummary
from jobs.engine.writing import AppendOncePerKey, ReplaceShards
from schemas.operations import QUARANTINE
from schemas.table import ENGINE_VERSION, Table
from udfs.experts.isolation.guarded import release_experts

# What the rows of one micro-batch may take, judged by the files of the tables that they come from.
_BATCH_BYTES = 128 * 2**20
_FETCHED = 64
_MAX_FILES = 2
_KINDS = ("small", "backfill", "retry")
# A model takes seconds to load, once in each process.
_WORTH_A_MODEL = 96


def run_small(lake: Lake, stage: Stage, options: StreamOptions, pool: Pool) -> StageSummary:
    """Bring the stage's table up to date with its upstream table, without Spark, and return what was done.

    Raises:
        LakeUnreadable: the upstream table does not exist.
        TooManyFailures: more than `max_failure_rate` of a micro-batch's rows failed (they are in quarantine).
    """
    task = _Task("small", lambda: (_unseen(lake, stage, revisits=False), 1))
    return _work_on(lake, stage, options, pool, task)


def backfill_small(lake: Lake, stage: Stage, options: StreamOptions, pool: Pool) -> StageSummary:
    """Write the rows that the stage's table lacks for its upstream rows, except those that failed, without Spark."""
    task = _Task("backfill", lambda: (_unseen(lake, stage, revisits=True), 1))
    return _work_on(lake, stage, options, pool, task)


def retry_small(lake: Lake, stage: Stage, options: StreamOptions, pool: Pool) -> StageSummary:
    """Try the stage's failed rows again, without Spark; those that fail again get the next attempt number."""

    def again() -> tuple[pa.Table, int]:
        columns = [*stage.keys, "attempt"]
        failed = _rejects(lake, stage, columns, ds.field("outcome") == "failed")
        failed = failed.filter(pc.is_valid(failed[stage.keys[0]]))
        attempt = (pc.max(failed["attempt"]).as_py() or 0) + 1
        keys = failed.group_by(list(stage.keys), use_threads=False).aggregate([])
        return _without(keys, stage.keys[0], _done(lake, stage)), attempt

    return _work_on(lake, stage, options, pool, _Task("retry", again))


@dataclass(frozen=True)
class _Task:
    """What is to be done: its kind, one of `_KINDS`, and what returns the keys and the number of the attempt."""

    kind: str
    asked: Callable[[], tuple[pa.Table, int]]


def _work_on(lake: Lake, stage: Stage, options: StreamOptions, pool: Pool, task: _Task) -> StageSummary:
    """Work on keys once nothing is half-done any more."""
    started_at = time.monotonic()
    summary = StageSummary(stage.name)
    lake.require(stage.upstream)
    for table in stage.committed:
        lake.ensure(table)
    generations = {kind: f"{kind}-{stage.recipe}" for kind in _KINDS}
    for generation in generations.values():
        take_back_half_done(lake, stage, application(stage.name, generation))
    keys, attempt = task.asked()
    ledger = ledger_of(lake, stage, generations[task.kind], attempt)
    options.on_rows(len(keys))
    batch_id = max(transaction_version(lake.location(table), ledger.app_id) for table in stage.committed) + 1
    for some in _micro_batches(lake, stage, keys):
        summary.add(_Writer(stage.prepared(lake), ledger, options, pool).write(some, batch_id))
        batch_id += 1
    summary.seconds = time.monotonic() - started_at
    return summary


def _unseen(lake: Lake, stage: Stage, revisits: bool) -> pa.Table:
    """Return the keys of upstream rows that have neither rows nor rejects yet; of aggregates, those of grown shards.

    With `revisits`, keys with rejects are among them, unless they failed.
    """
    upstream = _rows(lake, stage.upstream, stage.upstream_recipe, stage.keys)
    if isinstance(stage.writing, ReplaceShards):
        return _of_grown_shards(lake, stage, stage.writing, upstream)
    key = stage.keys[0]
    if isinstance(stage.writing, AppendOncePerKey):
        upstream = upstream.group_by(list(stage.keys), use_threads=False).aggregate([])
    chosen = ds.scalar(True)
    if revisits:
        chosen = ds.field("outcome") == "failed"
    elif stage.writing.done:
        # With a table of its own for what is done, a key may have rejects of parts besides its row.
        chosen = ds.field("image_id").is_null()
    left_out = set(_rejects(lake, stage, [key], chosen)[key].to_pylist())
    fresh = _without(upstream, key, _done(lake, stage) | left_out)
    return fresh.sort_by([("ingest_shard", "ascending"), (key, "ascending")])


def _done(lake: Lake, stage: Stage) -> set[str]:
    key = stage.keys[0]
    return set(_rows(lake, stage.writing.done or stage.target, stage.recipe, (key,))[key].to_pylist())


def _rejects(lake: Lake, stage: Stage, columns: list[str], chosen: ds.Expression) -> pa.Table:
    own = (ds.field("stage") == stage.name) & (ds.field("recipe") == stage.recipe)
    return lake.dataset(QUARANTINE).to_table(columns=columns, filter=own & chosen)


def _without(keys: pa.Table, key: str, dealt: set[str]) -> pa.Table:
    return keys.filter(pa.array([one not in dealt for one in keys[key].to_pylist()], pa.bool_()))


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
    size = max(len(keys), 1)
    if stage.definition.is_source:
        # How large the files are that it fetches is not known yet.
        size = _FETCHED
    elif stage.small is not None and not stage.small.is_whole:
        size = max(int(_BATCH_BYTES / sum(_row_bytes(lake, table) for table in stage.definition.reads)), 1)
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _row_bytes(lake: Lake, table: Table) -> float:
    """Return how many bytes a row of a table takes in its files, 1 where nothing is known."""
    held = opened(lake.location(table))
    files = arrow_of(held.get_add_actions()) if held else None
    if files is None or not len(files):
        return 1.0
    return max((pc.sum(files["size_bytes"]).as_py() or 1) / max(pc.sum(files["num_records"]).as_py() or 1, 1), 1.0)


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
        quarantined = self._new_rejects(_rejects_of(stage, rejected, ledger.attempt))
        seconds = time.monotonic() - started_at
        report = BatchReport(stage.name, len(keys), len(outputs.rows), rejects, seconds)
        # A model that works alone has the threads of all cores.
        ledger.append_run(report, batch_id, cores=1 if self._work.together else None)
        if rejects:
            self._append(QUARANTINE, quarantined, batch_id)
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
        batches = self._begun(work.batches_of(rows, stage.arrow_rows))
        here = self._works_here(len(rows))
        if work.loads_a_model and not here:
            release_experts()
        made = [one for some in self.pool.mapped(batches, work.batches, schema, len(rows), here) for one in some]
        return pa.Table.from_batches(made, schema)

    def _begun(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield batch
            self.options.on_begun(batch.num_rows)

    def _works_here(self, rows: int) -> bool:
        return self._work.together or (self._work.loads_a_model and rows < _WORTH_A_MODEL)

    def _outputs(self, transformed: pa.Table) -> SmallOutputs:
        if self._work.split is not None:
            return self._work.split(self.ledger.lake, transformed)
        sound = transformed.filter(pc.equal(pc.list_value_length(transformed["rejects"]), 0))
        return SmallOutputs(sound.select(self.stage.target.columns))

    def _new_rejects(self, rejects: pa.Table) -> pa.Table:
        """Leave out what this attempt has rejected for the same reason before, as when a backfill looks again."""
        key, names = self.stage.keys[0], [self.stage.keys[0], "reason"]
        known = _rejects(self.ledger.lake, self.stage, names, ds.field("attempt") >= self.ledger.attempt)
        pairs = set(zip(known[key].to_pylist(), known["reason"].to_pylist(), strict=True))
        there = zip(rejects[key].to_pylist(), rejects["reason"].to_pylist(), strict=True)
        return rejects.filter(pa.array([pair not in pairs for pair in there], pa.bool_()))

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


def _rejects_of(stage: Stage, rejected: list[dict], attempt: int) -> pa.Table:
    """Return rejects in QUARANTINE's shape, as `jobs.engine.stage.rejects_of` makes them in Spark."""
    retry = f"spatiallake retry --stage {stage.name}"
    rows = [
        {
            "stage": stage.name,
            **{name: row.get(name) for name in ("entry_id", "image_id", "uri", "ingest_shard")},
            **one,
            "attempt": attempt,
            "retry_command": retry if one["outcome"] == "failed" else None,
            "rows_json": None,
            "recipe": stage.recipe,
            "engine_version": ENGINE_VERSION,
        }
        for row in rejected
        for one in row["rejects"]
    ]
    return pa.Table.from_pylist(rows, schema=to_arrow_schema(QUARANTINE.schema))
