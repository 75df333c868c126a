"""Quality rules: SQL predicates that the rows of a stage's table have to satisfy, and what is done if they do not.

A rule is checked where a stage writes, before a row is committed. The rules that leave rows out are part of the stage's
recipe; those that warn or end the run change no row, and are not.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, field_validator
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType

from jobs.engine.errors import RuleBroken, UsageError
from jobs.views.sql_guard import condition_fault
from schemas.operations import REJECT
from schemas.reasons import Outcome, Reason
from schemas.settings import Settings
from schemas.table import Table

# Columns of a transformed micro-batch: the names of the rules that a row breaks, null for a row that is not written
# anyway, and the row itself, which goes to `quarantine`.
BROKEN, ROWS_JSON = "broken", "rows_json"
# As for `max_failure_rate`, the share of a few rows says nothing.
_SHARE_NEEDS_ROWS = 50
_OF_THE_TIME = re.compile(r"\b(current_date|current_timestamp|now|localtimestamp|current_time|curdate)\(")


class Action(StrEnum):
    """What a rule does about the rows that break it."""

    WARN = "warn"
    DROP = "drop"
    QUARANTINE = "quarantine"
    FAIL = "fail"


class Rule(Settings):
    """One rule: rows of `table` have to satisfy `predicate`, a SQL condition on the table's columns.

    A row for which it is false or null breaks the rule. `max_share` is the share of a micro-batch's rows that may break
    it; above, the run ends before anything of the micro-batch is written, or, for `warn`, only then is there a warning.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="name, and reason of the rows left out")
    table: str = Field(description="table of a stage")
    predicate: str = Field(description="SQL condition that a sound row satisfies")
    action: Action = Field(description="warn, drop, quarantine or fail")
    max_share: float | None = Field(default=None, ge=0, le=1, description="share of a micro-batch that may break it")

    @field_validator("name")
    @classmethod
    def _is_new(cls, name: str) -> str:
        if name in set(Reason):
            raise ValueError("this is a reason of the engine's own; take another name")
        return name

    @field_validator("predicate")
    @classmethod
    def _is_condition(cls, predicate: str) -> str:
        # Spark would put in what `${env:NAME}` stands for on this machine.
        if not predicate.strip() or "${" in predicate:
            raise ValueError("this is no condition; write one such as width >= 320")
        return predicate.strip()

    @property
    def leaves_out(self) -> bool:
        """Return whether rows that break the rule are left out."""
        return self.action in (Action.DROP, Action.QUARANTINE)

    @property
    def limit(self) -> float | None:
        """Return the share of rows that may break the rule; None: any."""
        return 0.0 if self.action == Action.FAIL and self.max_share is None else self.max_share

    def passes(self) -> Column:
        """Return whether a row satisfies the rule."""
        return F.coalesce(F.expr(self.predicate), F.lit(False))

    def sentence(self) -> str:
        """Return why a row was left out."""
        return f"Rule {self.name} of table {self.table}: {self.predicate} does not hold."

    def is_over(self, broken: int, rows: int) -> bool:
        """Return whether more of a micro-batch's rows break the rule than may."""
        limit = self.limit
        enough = rows >= _SHARE_NEEDS_ROWS or not limit
        return limit is not None and enough and broken > limit * rows


def _from_file(given: Any) -> Any:
    """Return the rules of a YAML file, or what is given if it is no path."""
    if not isinstance(given, str):
        return given
    path = Path(given)
    if not path.is_file():
        raise ValueError("there is no such file; name a YAML file with a list of rules")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f"it is not valid YAML{f', line {mark.line + 1}' if mark else ''}") from None
    if not isinstance(content, list):
        raise ValueError(f"it holds {type(content).__name__}, not a list of rules; begin each with `- name: NAME`")
    return content


def _named_once(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two rules are called {twice[0]}; rename one")
    return rules


# A list of rules, or the path of a YAML file with one.
Rules = Annotated[tuple[Rule, ...], BeforeValidator(_from_file), AfterValidator(_named_once)]


def of_table(rules: Iterable[Rule], table: Table) -> tuple[Rule, ...]:
    """Return the rules of one table, by name."""
    return tuple(sorted((rule for rule in rules if rule.table == table.name), key=lambda rule: rule.name))


def hashed(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """Return what a recipe holds of a table's rules: those that decide which rows there are."""
    return [rule.model_dump(mode="json", exclude={"table", "max_share"}) for rule in rules if rule.leaves_out]


def ruled(transformed: DataFrame, rules: Sequence[Rule], table: Table, kept_with_rejects: bool) -> DataFrame:
    """Return a transformed micro-batch in which the rows that break a rule are marked, and rejected if it says so.

    With `kept_with_rejects` a row may be written although a part of it was rejected: it is written if it has an
    `image_id`, which a row that is left out loses.
    """
    if not rules:
        return transformed
    written = F.col("image_id").isNotNull() if kept_with_rejects else F.size("rejects") == 0
    names = F.filter(
        F.array(*(F.when(~rule.passes(), F.lit(rule.name)) for rule in rules)), lambda name: name.isNotNull()
    )
    marked = transformed.withColumn(BROKEN, F.when(written, names))
    stored = [field.name for field in table.schema.fields if not isinstance(field.dataType, BinaryType)]
    aside = _breaks(rule.name for rule in rules if rule.action == Action.QUARANTINE)
    rejects = F.concat("rejects", *(_reject(rule) for rule in rules if rule.leaves_out))
    marked = marked.withColumns(
        {
            ROWS_JSON: F.when(aside, F.to_json(F.struct(*stored))),
            "rejects": F.when(written, rejects).otherwise(F.col("rejects")),
        }
    )
    if not kept_with_rejects:
        return marked
    gone = _breaks(rule.name for rule in rules if rule.leaves_out)
    return marked.withColumn("image_id", F.when(~gone, F.col("image_id")))


def _breaks(names: Iterable[str]) -> Column:
    """Return whether a marked row breaks one of the rules."""
    listed = [F.lit(name) for name in names]
    return F.coalesce(F.arrays_overlap(BROKEN, F.array(*listed)), F.lit(False)) if listed else F.lit(False)


def _count_broken(rule: Rule, kept: Column) -> Column:
    broken = F.array_contains(BROKEN, rule.name)
    return F.count_if(broken & kept if rule.action == Action.WARN else broken)


def _reject(rule: Rule) -> Column:
    """Return a list of one REJECT for a row that breaks the rule, of none for others."""
    values = (str(Outcome.FILTERED), rule.name, rule.sentence())
    fields = zip(REJECT.fieldNames(), values, strict=True)
    reject = F.struct(*(F.lit(value).alias(name) for name, value in fields))
    # Arrays of no element take the type of the others.
    return F.filter(F.array(reject), lambda one: F.array_contains(BROKEN, one["reason"]))


def warnings_of(transformed: DataFrame, rules: Sequence[Rule], stage: str) -> dict[str, int]:
    """Return how many rows of a micro-batch break each rule that warns, of those that no other rule leaves out.

    Raises:
        RuleBroken: more rows break a rule than may; nothing of the micro-batch has been written.
        UsageError: a predicate cannot be evaluated for some row.
    """
    if not rules:
        return {}
    kept = ~_breaks(rule.name for rule in rules if rule.leaves_out)
    broken = (_count_broken(rule, kept).alias(rule.name) for rule in rules)
    try:
        (counts,) = transformed.agg(F.count(BROKEN).alias(BROKEN), *broken).collect()
    except PySparkException as error:
        raise _unevaluated(error, rules) from error
    rows = counts[0]
    for rule, count in zip(rules, counts[1:], strict=True):
        if rule.action != Action.WARN and rule.is_over(count, rows):
            raise RuleBroken(
                f"Stage {stage}: {count} of {rows} rows for table {rule.table} break the rule {rule.name}"
                f" ({rule.predicate}), and {100 * (rule.limit or 0):g} % may; nothing of them was written: fix what"
                " makes them, or change the rule in `--set rules=FILE.yaml`."
            )
    warn = [(rule, count) for rule, count in zip(rules, counts[1:], strict=True) if rule.action == Action.WARN]
    return {rule.name: count for rule, count in warn if count and (rule.max_share is None or rule.is_over(count, rows))}


def require_conditions(session: SparkSession, rules: Iterable[Rule], tables: Iterable[Table]) -> None:
    """Check by Spark's own parser that every predicate is a condition on the columns of its table.

    Raises:
        UsageError: one is no valid SQL, names a column that is not there, holds a subquery, calls what does not only
            compute, or depends on the time or on chance.
    """
    by_name = {table.name: table for table in tables}
    for rule in rules:
        if rule.table in by_name:
            fault = _fault_of(session, rule, by_name[rule.table])
            if fault:
                raise UsageError(f"Rule {rule.name} cannot check table {rule.table}: {fault}.")


def _fault_of(session: SparkSession, rule: Rule, table: Table) -> str | None:
    try:
        fault = condition_fault(session, rule.predicate)
        if fault:
            return fault
        rows: Any = session.createDataFrame([], table.schema).where(F.expr(rule.predicate))
        condition = rows._jdf.queryExecution().analyzed().condition()
    except PySparkException as error:
        return str(error).strip().split("\n")[0].split(" SQLSTATE")[0].strip().rstrip(".")
    if not condition.deterministic() or _OF_THE_TIME.search(condition.sql()):
        return f"{rule.predicate} depends on chance or on the time, so that a rerun would keep other rows"
    return None


def _unevaluated(error: PySparkException, rules: Sequence[Rule]) -> Exception:
    """Return what to tell about a failed micro-batch: a predicate's own error, or the error as it is."""
    condition = error.getCondition() or ""
    if not condition.startswith(("DIVIDE_BY_ZERO", "INVALID_ARRAY_INDEX", "CAST_", "ARITHMETIC_OVERFLOW")):
        return error
    names = ", ".join(rule.name for rule in rules)
    return UsageError(
        f"A rule of table {rules[0].table} ({names}) cannot be evaluated for some row: {condition}; write it with"
        " functions that give null instead, such as try_divide, get or try_cast."
    )
