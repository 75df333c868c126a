"""A file layout: one line per question, with a tab before its answer."""

from collections.abc import Iterable
from pathlib import Path

from vlm.evaluation.items import Item, Rejected
from vlm.evaluation.layouts import Format


def write(items: Iterable[Item], path: Path) -> list[Rejected]:
    path.write_text("".join(f"{item.question}\t{item.answer}\n" for item in items))
    return []


FORMAT = Format(name="plain_lines", title="questions and answers, a line each", write=write)
