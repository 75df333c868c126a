"""What one stage has written under one recipe, and the exactly-once commits that add to it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from jobs.engine.lake import Lake
from schemas.operations import QUARANTINE, STAGE_RUNS
from schemas.table import ENGINE_VERSION, Table

Reasons = dict[tuple[str, str], int]


@dataclass
class BatchReport:
    """What one micro-batch did; `reasons` counts rejected rows by (outcome, reason)."""

    stage: str
    rows_in: int
    rows_out: int
    reasons: Reasons
    seconds: float

    def rejected(self, outcome: str) -> int:
        """Return the number of rows rejected with this outcome."""
        return sum(count for (kind, _), count in self.reasons.items() if kind == outcome)


@dataclass(frozen=True)
class Ledger:
    """A stage's table under one recipe.

    `generation` is the id of the checkpoint that numbers the micro-batches; `attempt` is 1 at first and grows with
    `spatiallake retry`. With `revisits`, keys that were rejected before are tried again, as a backfill does.
    """

    lake: Lake
    stage: str
    recipe: str
    target: Table
    key: str
    generation: str
    attempt: int = 1
    revisits: bool = False

    @property
    def app_id(self) -> str:
        """Return the Delta application id of every commit of this generation."""
        return f"spatiallake:{self.stage}:{self.generation}"

    def append(self, table: Table, rows: DataFrame, batch_id: int) -> None:
        """Append rows, unless this micro-batch has already been committed to the table."""
        self.lake.append(table, rows, self.app_id, batch_id)

    def append_rejects(self, rejects: DataFrame, batch_id: int) -> None:
        """Append rejects at this attempt to `quarantine`."""
        self.append(QUARANTINE, rejects.withColumn("attempt", F.lit(self.attempt)), batch_id)

    def append_run(self, report: BatchReport, batch_id: int) -> None:
        """Append what a micro-batch did to `stage_runs`."""
        reasons = {f"{outcome}:{reason}": count for (outcome, reason), count in report.reasons.items()}
        row = Row(
            stage=self.stage,
            recipe=self.recipe,
            generation=self.generation,
            batch_id=batch_id,
            rows_in=report.rows_in,
            rows_out=report.rows_out,
            failed=report.rejected("failed"),
            filtered=report.rejected("filtered"),
            refused=report.rejected("refused"),
            reasons=reasons,
            seconds=report.seconds,
            finished_at=datetime.now(UTC),
            engine_version=ENGINE_VERSION,
        )
        self.append(STAGE_RUNS, self.lake.session.createDataFrame([row], STAGE_RUNS.schema), batch_id)

    def rows_of_recipe(self, shards: list[int]) -> DataFrame:
        """Return the rows written under this recipe in the given ingest shards."""
        rows = self.lake.read(self.target)
        return rows.where((F.col("recipe") == self.recipe) & F.col("ingest_shard").isin(shards))

    def has_other_generations(self) -> bool:
        """Return whether micro-batches of another checkpoint were written under this recipe."""
        runs = self.lake.read(STAGE_RUNS).where(self._own & (F.col("generation") != self.generation))
        return not runs.isEmpty()

    def without_rows(self, keys: DataFrame, done: Table | None = None) -> DataFrame:
        """Leave out keys that have rows in the stage's table, or in `done`."""
        rows = self.lake.read(done or self.target)
        if "recipe" in rows.columns:
            rows = rows.where(F.col("recipe") == self.recipe)
        return keys.join(rows.select(self.key).distinct(), self.key, "left_anti")

    def without_rejects(self, keys: DataFrame) -> DataFrame:
        """Leave out keys that were rejected at this attempt or a later one."""
        if self.revisits:
            return keys
        rejected = self.rejects().where(F.col("attempt") >= self.attempt)
        return keys.join(rejected.select(self.key).distinct(), self.key, "left_anti")

    def rejects(self) -> DataFrame:
        """Return the stage's rejects under this recipe."""
        return self.lake.read(QUARANTINE).where(self._own)

    @property
    def _own(self) -> Column:
        return (F.col("stage") == self.stage) & (F.col("recipe") == self.recipe)
