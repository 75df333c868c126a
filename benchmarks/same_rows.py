"""Compares the rows of two lakes, independent of file and row order: what kills and losses must not change."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jobs.engine.delta_log import opened

COMPARED = (
    *("crawl", "images", "provenance", "near_duplicates", "image_scores", "regions", "depths", "scenes"),
    *("references", "qa_pairs", "qa_statistics", "object_statistics", "training_examples", "rewards"),
    *("fused_frames", "fused_scenes", "sequence_qa_pairs", "quarantine", "stage_runs"),
)
_SUMMED = ("rows_in", "rows_out", "failed", "filtered", "refused")


def rows_of(lake: Path, table: str) -> Counter[str]:
    """Return the multiset of a table's rows, as `differences` compares them."""
    there = opened(str(lake / table))
    if there is None:
        return Counter()
    rows = there.to_pyarrow_table().to_pylist()
    if table == "stage_runs":
        return _sums(rows)
    if table == "quarantine":
        return Counter(row for first in (True, False) for row in _attempts(rows, first))
    return Counter(_digest(row) for row in rows)


def differences(expected: Path, actual: Path) -> list[str]:
    """Return one line per table of `actual` that differs from `expected`.

    Of `stage_runs`, sums over the micro-batches of each stage's recipe are compared, without those of retries. A retry
    that was killed and run again may have tried a row twice: of later attempts, it counts only that they were made.
    """
    lines = []
    for table in COMPARED:
        want, have = rows_of(expected, table), rows_of(actual, table)
        if want != have:
            lost, extra = sum((want - have).values()), sum((have - want).values())
            shown = f": {dict(want)} became {dict(have)}" if table == "stage_runs" else ""
            lines.append(f"{table}: {lost} rows lost, {extra} rows extra of {sum(want.values())}{shown}")
    return lines


def _digest(row: dict[str, Any]) -> str:
    plain = {name: repr(sorted(value)) if name == "scores" else repr(value) for name, value in row.items()}
    return hashlib.sha256(repr(sorted(plain.items())).encode()).hexdigest()


def _attempts(rows: list[dict[str, Any]], first: bool) -> Iterable[str]:
    if first:
        return [_digest(row) for row in rows if row["attempt"] == 1]
    return {_digest({**row, "attempt": 2}) for row in rows if row["attempt"] > 1}


def _sums(rows: list[dict[str, Any]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for row in rows:
        if not row["generation"].startswith("retry-"):
            counts = {**{name: row[name] for name in _SUMMED}, **dict(row["reasons"] or [])}
            for name, value in counts.items():
                sums[f"{row['stage']} {row['recipe'][:8]} {name}"] += value
    return +sums
