"""Compares a file's footer with the statistics that the Delta log keeps of the file."""

from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq

# Delta cuts texts in the log to this length, and then marks the end of a range with a character more.
_LOGGED_CHARS = 32


def differing_column(footer: pq.FileMetaData, action: dict[str, Any]) -> str | None:
    """Return the first column whose smallest or largest value in the file is another one than in the log.

    `action` is an add action of delta-rs, flattened. Columns of which one side has no statistics are left out.
    """
    for name, logged in action.items():
        side, _, column = name.partition(".")
        if side not in ("min", "max") or logged is None:
            continue
        found = _extreme(footer, column, min if side == "min" else max)
        if found is not None and type(found) is type(logged) and not _is_same(found, logged):
            return column
    return None


def _extreme(footer: pq.FileMetaData, column: str, choose: Callable[[list[Any]], Any]) -> Any:
    values = []
    for number in range(footer.num_row_groups):
        statistics = _statistics(footer.row_group(number), column)
        if statistics is None or not statistics.has_min_max:
            return None
        values.append(statistics.min if choose is min else statistics.max)
    return choose(values) if values else None


def _statistics(group: pq.RowGroupMetaData, column: str) -> pq.Statistics | None:
    for number in range(group.num_columns):
        if group.column(number).path_in_schema == column:
            return group.column(number).statistics
    return None


def _is_same(found: Any, logged: Any) -> bool:
    if isinstance(found, str):
        return found[:_LOGGED_CHARS] == logged[:_LOGGED_CHARS]
    # Times and decimals are written in several precisions; whole numbers in one.
    return found == logged or not isinstance(found, int)
