"""`spatiallake preview`: one self-contained page that shows what the engine made of some photographs."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.errors import UsageError
from jobs.pages.questions import type_counts
from jobs.pages.render import page
from jobs.pages.selection import chosen_images, rows_of
from jobs.pages.sheet import Sheet, sheet_of
from jobs.pages.wording import counted
from jobs.reader import LakeReader, Row
from schemas.table import ENGINE_VERSION

# Photographs are the bulk of a page; this many are held in memory at a time.
_PHOTOGRAPHS_AT_ONCE = 16


@dataclass(frozen=True)
class PreviewSummary:
    """What a preview page holds."""

    path: Path
    photographs: int
    objects: int
    questions: int
    size_bytes: int

    def __str__(self) -> str:
        held = ", ".join(
            counted(number, noun)
            for number, noun in (
                (self.photographs, "photograph"),
                (self.objects, "object"),
                (self.questions, "question"),
            )
        )
        return f"{self.path}: {held}, {self.size_bytes / 1e6:.1f} MB."


def write_preview(
    lake_uri: str, out_path: str | Path, limit: int = 24, seed: int = 0, image_ids: Sequence[str] | None = None
) -> PreviewSummary:
    """Write the preview page of a lake.

    Up to `limit` photographs are chosen by a hash of `seed` and their ids, those that got furthest first, unless
    `image_ids` names them (whole ids or their beginnings). Stages that have not run leave their part of the page out.

    Raises:
        LakeUnreadable: no lake there, or one without photographs.
        UsageError: a photograph that the lake has not, or a limit under 1.
    """
    if limit < 1:
        raise UsageError(f"A preview of {limit} photographs is empty; give --limit 1 or more.")
    lake = LakeReader(lake_uri)
    chosen = chosen_images(lake, limit, seed, image_ids)
    sheets: list[Sheet] = []
    answers: list[Row] = []
    for start in range(0, len(chosen), _PHOTOGRAPHS_AT_ONCE):
        some = chosen[start : start + _PHOTOGRAPHS_AT_ONCE]
        rows = rows_of(lake, some)
        # A takedown may have removed a photograph whose later rows are still there.
        sheets += [sheet_of(rows, image_id) for image_id in some if image_id in rows["images"]]
        answers += [row for held in rows.get("qa_pairs", {}).values() for row in held]
    html = page("preview.html", lake_uri=lake_uri, sheets=sheets, types=type_counts(answers), version=ENGINE_VERSION)
    path = write_page(html, out_path)
    objects = sum(len(sheet.things) for sheet in sheets)
    return PreviewSummary(path, len(sheets), objects, len(answers), path.stat().st_size)


def write_page(html: str, out_path: str | Path) -> Path:
    """Write a page at once or not at all, and return its path."""
    path = Path(out_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(html, encoding="utf-8")
    partial.replace(path)
    return path
