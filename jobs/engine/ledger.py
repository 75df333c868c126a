"""What one stage has written under one recipe, and the exactly-once commits that add to it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.delta_log import commits_of, count_rows, transaction_version
from jobs.engine.lake import Lake
from schemas.operations import QUARANTINE, STAGE_RUNS
from schemas.table import ENGINE_VERSION, Table

# How many rows have each set of rejects, told as (outcome, reason).
Rejects = dict[tuple[tuple[str, str], ...], int]
# Stands for an outcome where a row breaks a rule and is kept.
WARNED = "warned"


def application(stage: str, generation: str) -> str:
    """Return the Delta application id under which a generation of a stage commits."""
    return f"spatiallake:{stage}:{generation}"


@dataclass
class BatchReport:
    """What one micro-batch did.

    `rejects` says which of its rows were rejected, as a whole or in a part, `warned` how many break each rule that only
    warns.
    """

    stage: str
    rows_in: int
    rows_out: int
    rejects: Rejects
    seconds: float
    warned: dict[str, int] = field(default_factory=dict)

    @property
    def reasons(self) -> dict[tuple[str, str], int]:
        """Return the number of rows by (outcome, reason), `warned` for rows that are kept; a row may have several."""
        found: Counter[tuple[str, str]] = Counter()
        for pairs, count in self.rejects.items():
            found.update(dict.fromkeys(pairs, count))
        found.update({(WARNED, rule): count for rule, count in self.warned.items()})
        return dict(found)

    def rejected(self, outcome: str) -> int:
        """Return the number of rows rejected with this outcome; a row counts once, whatever its reasons."""
        return sum(count for pairs, count in self.rejects.items() if any(kind == outcome for kind, _ in pairs))


@dataclass(frozen=True)
class Ledger:
    """A stage's table under one recipe.

    `generation` is the id of the checkpoint that numbers the micro-batches; `attempt` is 1 at first and grows with
    `spatiallake retry`. With `revisits`, keys that were rejected before are tried again, as a backfill does. `device`
    is where the stage's learned expert was loaded.
    """

    lake: Lake
    stage: str
    recipe: str
    target: Table
    key: str
    generation: str
    attempt: int = 1
    revisits: bool = False
    device: str | None = None

    @property
    def catches_up(self) -> bool:
        """Return whether a catch-up commits, which leaves no trace of keys that give neither a row nor a reject."""
        return self.generation.startswith("catch_up-")

    @property
    def app_id(self) -> str:
        """Return the Delta application id of every commit of this generation."""
        return application(self.stage, self.generation)

    def append(self, table: Table, rows: DataFrame, batch_id: int, is_small: bool = False) -> None:
        """Append rows, unless this micro-batch has already been committed to the table."""
        self.lake.append(table, rows, self.app_id, batch_id, is_small)

    def append_rejects(self, rejects: DataFrame, batch_id: int, is_small: bool = False) -> None:
        """Append rejects at this attempt to `quarantine`."""
        self.append(QUARANTINE, rejects.withColumn("attempt", F.lit(self.attempt)), batch_id, is_small)

    def append_run(self, report: BatchReport, batch_id: int, cores: int | None = None) -> None:
        """Append what a micro-batch did to `stage_runs`; `cores` is how many worked on it, all unless given."""
        reasons = {f"{outcome}:{reason}": count for (outcome, reason), count in report.reasons.items()}
        row = {
            "stage": self.stage,
            "recipe": self.recipe,
            "generation": self.generation,
            "batch_id": batch_id,
            "rows_in": report.rows_in,
            "rows_out": report.rows_out,
            "failed": report.rejected("failed"),
            "filtered": report.rejected("filtered"),
            "refused": report.rejected("refused"),
            "reasons": reasons,
            "seconds": report.seconds,
            "finished_at": datetime.now(UTC),
            "engine_version": ENGINE_VERSION,
            "cores": cores or self.lake.cores,
            "device": self.device,
        }
        self.lake.append_records(STAGE_RUNS, [row], self.app_id, batch_id)

    def rows_of_recipe(self, shards: list[int]) -> DataFrame:
        """Return the rows written under this recipe in the given ingest shards."""
        rows = self.lake.read(self.target)
        return rows.where((F.col("recipe") == self.recipe) & F.col("ingest_shard").isin(shards))

    def has_dealt(self, table: Table, shards: list[int]) -> bool:
        """Return whether a table or `quarantine` has anything of this recipe in some ingest shards, without Spark."""
        inside = f"ingest_shard IN ({', '.join(map(str, shards))})"
        for one, more in ((table, ""), (QUARANTINE, f" AND stage = '{self.stage}'")):
            recipe = f" AND recipe = '{self.recipe}'" if "recipe" in one.columns else ""
            if count_rows(self.lake.location(one), f"{inside}{recipe}{more}"):
                return True
        return False

    def rows_before(self, table: Table, shards: list[int], batch_id: int) -> DataFrame:
        """Return a table's rows of this recipe in some ingest shards, without those that this micro-batch committed.

        A micro-batch that was interrupted is computed again as a whole, so its own rows do not count.
        """
        location, rows = self.lake.location(table), self.lake.read(table)
        if transaction_version(location, self.app_id) >= batch_id:
            own = commits_of(location, self.app_id).get(self.app_id, {}).get(batch_id, [])
            rows = rows.where(~F.col("_metadata.file_name").isin(own)) if own else rows
        rows = rows.where(F.col("ingest_shard").isin(shards))
        return rows.where(F.col("recipe") == self.recipe) if "recipe" in rows.columns else rows

    def rejects_before(self, shards: list[int], batch_id: int) -> DataFrame:
        """Return the stage's rejects at this attempt or a later one, as `rows_before` returns rows."""
        rejected = self.rows_before(QUARANTINE, shards, batch_id).where(F.col("stage") == self.stage)
        return rejected.where(F.col("attempt") >= self.attempt)
