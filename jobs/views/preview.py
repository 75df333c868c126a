"""`spatiallake preview`: one self-contained page that shows what the engine made of some photographs."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs.engine.errors import UsageError
from jobs.views.pages.questions import type_counts
from jobs.views.pages.render import page
from jobs.views.pages.second_view import SecondView, names_of, sheets_of
from jobs.views.pages.selection import chosen_images, rows_of
from jobs.views.pages.sheet import Sheet, sheet_of
from jobs.views.pages.verdicts import VerdictCounts
from jobs.views.pages.wording import counted
from jobs.views.reader import LakeReader, Row
from schemas.table import ENGINE_VERSION

# Photographs are the bulk of a page; this many are held in memory at a time.
_PHOTOGRAPHS_AT_ONCE = 16


@dataclass(frozen=True)
class PreviewSummary:
    """What a preview page holds; `counts` are the verdicts of the lake beside, where there is one."""

    path: Path
    photographs: int
    objects: int
    questions: int
    size_bytes: int
    counts: VerdictCounts | None = None

    def __str__(self) -> str:
        held = ", ".join(
            counted(number, noun)
            for number, noun in (
                (self.photographs, "photograph"),
                (self.objects, "object"),
                (self.questions, "question"),
            )
        )
        compared = f" Answers beside: {self.counts}." if self.counts else ""
        return f"{self.path}: {held}, {self.size_bytes / 1e6:.1f} MB.{compared}"


def write_preview(
    lake_uri: str,
    out_path: str | Path,
    limit: int = 24,
    seed: int = 0,
    image_ids: Sequence[str] | None = None,
    beside_uri: str | None = None,
) -> PreviewSummary:
    """Write the preview page of a lake.

    Up to `limit` photographs are chosen by a hash of `seed` and their ids, those that got furthest first, unless
    `image_ids` names them (whole ids or their beginnings). Stages that have not run leave their part of the page out.
    With `beside_uri` each is shown beside what that lake made of the same photograph.

    Raises:
        LakeUnreadable: no lake there, or one without photographs; or no lake to set beside it.
        UsageError: a photograph that the lake has not, or a limit under 1.
    """
    if limit < 1:
        raise UsageError(f"A preview of {limit} photographs is empty; give --limit 1 or more.")
    lake = LakeReader(lake_uri)
    other = LakeReader(beside_uri) if beside_uri else None
    if other is not None:
        other.tables()
    shown = _shown(lake, other, chosen_images(lake, limit, seed, image_ids))
    counts = VerdictCounts([one for beside in shown.besides if beside for one in beside.answers]) if other else None
    html = page(
        "preview.html",
        lake_uri=lake_uri,
        beside_uri=beside_uri,
        names=names_of(lake_uri, beside_uri or ""),
        sheets=shown.sheets,
        besides=shown.besides,
        counts=counts,
        types=type_counts(shown.answers),
        version=ENGINE_VERSION,
    )
    path = write_page(html, out_path)
    objects = sum(len(sheet.objects) for sheet in shown.sheets)
    return PreviewSummary(path, len(shown.sheets), objects, len(shown.answers), path.stat().st_size, counts)


@dataclass(frozen=True)
class _Shown:
    """Photographs in the order of the page, each with the other lake's view of it, and the rows of their answers."""

    sheets: list[Sheet] = field(default_factory=list)
    besides: list[SecondView | None] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)


def _shown(lake: LakeReader, other: LakeReader | None, chosen: Sequence[str]) -> _Shown:
    shown = _Shown()
    for start in range(0, len(chosen), _PHOTOGRAPHS_AT_ONCE):
        some = chosen[start : start + _PHOTOGRAPHS_AT_ONCE]
        rows, others = rows_of(lake, some), rows_of(other, some) if other else None
        # A takedown may have removed a photograph whose later rows are still there.
        there = [image_id for image_id in some if image_id in rows["images"]]
        views = [sheets_of(rows, others, i) if others is not None else (sheet_of(rows, i), None) for i in there]
        shown.sheets.extend(sheet for sheet, _ in views)
        shown.besides.extend(beside for _, beside in views)
        shown.answers.extend(row for held in rows.get("qa_pairs", {}).values() for row in held)
    return shown


def write_page(html: str, out_path: str | Path) -> Path:
    """Write a page at once or not at all, and return its path."""
    path = Path(out_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(html, encoding="utf-8")
    partial.replace(path)
    return path
