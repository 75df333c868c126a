"""JSON files of an export."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jobs.exporting.chunk import Chunk, Example
from jobs.exporting.layouts import ShardFiles


def write_json_list(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON list, a row per line."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write("[")
        for place, row in enumerate(rows):
            stream.write(f"{',' if place else ''}\n{as_json(row)}")
        stream.write("\n]\n")


def write_examples(chunks: Iterable[Chunk], files: ShardFiles, row: Callable[[Example], dict[str, object]]) -> None:
    """Write the conversations of a shard as one JSON list in the folder of their split."""
    rows = (row(example) for chunk in chunks for example in chunk.examples())
    write_json_list(files.path(f"{files.split}/{files.name}.json"), rows)


def write_json_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object per line."""
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{as_json(row)}\n" for row in rows)


def as_json(value: Any) -> str:
    """Return a value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False)
