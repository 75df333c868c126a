"""`spatiallake preview`: a self-contained page with the results of the engine on a sample of images."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs.engine.errors import UsageError
from jobs.engine.exports import note_export
from jobs.engine.frames import require_upright
from jobs.views.browsing import Browsed
from jobs.views.pages.questions import noun_counts, type_counts
from jobs.views.pages.render import page
from jobs.views.pages.scope import banner_of
from jobs.views.pages.second_view import SecondView, names_of, sheets_of
from jobs.views.pages.selection import chosen_images, rows_of
from jobs.views.pages.sheet import Sheet, sheet_of
from jobs.views.pages.verdicts import Verdict, VerdictCounts
from jobs.views.pages.wording import counted
from jobs.views.reader import LakeReader, Row
from schemas.table import ENGINE_VERSION
from udfs.storage.atomic import written_whole

# Images are most of a page's bytes; this many are in memory at a time.
_IMAGES_PER_READ = 16


@dataclass(frozen=True)
class PreviewSummary:
    """The content of a preview page; `counts` are the verdicts of the second lake, if there is one."""

    path: Path
    images: int
    objects: int
    questions: int
    size_bytes: int
    counts: VerdictCounts | None = None

    def __str__(self) -> str:
        nouns = ((self.images, "image"), (self.objects, "object"), (self.questions, "question"))
        content = ", ".join(counted(number, noun) for number, noun in nouns)
        compared = f" Compared with the other lake: {self.counts}." if self.counts else ""
        return f"{self.path}: {content}, {self.size_bytes / 1e6:.1f} MB.{compared}"


def write_preview(
    lake_uri: str,
    out_path: str | Path,
    limit: int = 24,
    seed: int = 0,
    image_ids: Sequence[str] | None = None,
    beside_uri: str | None = None,
) -> PreviewSummary:
    """Write the preview page of a lake.

    Shows up to `limit` images, sampled by a hash of `seed` and their ids, those of the latest stage first; or the
    images given by `image_ids` (full ids or prefixes). Parts of stages that have not run are omitted. `beside_uri`
    adds each image's results in a second lake.

    Raises:
        LakeUnreadable: a lake does not exist, has no images, or those that an earlier version did not turn upright.
        UsageError: an image is not in the lake, or the limit is below 1.
    """
    if limit < 1:
        raise UsageError(f"--limit {limit} selects no images; pass --limit 1 or more.")
    lake, other = opened(lake_uri, beside_uri)
    shown = _shown(lake, other, chosen_images(lake, limit, seed, image_ids))
    counts = _counts(shown, other)
    path = write_page(_html(shown, lake, beside_uri, counts), out_path)
    note_export(lake_uri, "preview", str(path), (sheet.image_id for sheet in shown.sheets))
    objects = sum(len(sheet.objects) for sheet in shown.sheets)
    return PreviewSummary(path, len(shown.sheets), objects, len(shown.answers), path.stat().st_size, counts)


def opened(lake_uri: str, beside_uri: str | None) -> tuple[LakeReader, LakeReader | None]:
    """Return a lake and the one to show beside it.

    Raises:
        LakeUnreadable: one does not exist, or has images that an earlier version did not turn upright.
    """
    other = LakeReader(beside_uri) if beside_uri else None
    for uri in filter(None, (lake_uri, beside_uri)):
        require_upright(uri)
    if other is not None:
        other.tables()
    return LakeReader(lake_uri), other


def live_page(lake: LakeReader, other: LakeReader | None, browse: Browsed) -> str:
    """Return the page of `view` with some images of a lake, and what leads to its others."""
    shown = _shown(lake, other, browse.image_ids)
    return _html(shown, lake, other.uri if other else None, _counts(shown, other), browse)


def _counts(shown: "_Shown", other: LakeReader | None) -> VerdictCounts | None:
    if other is None:
        return None
    return VerdictCounts([answer for view in shown.besides if view for answer in view.answers])


def _html(
    shown: "_Shown",
    lake: LakeReader,
    beside_uri: str | None,
    counts: VerdictCounts | None,
    browse: Browsed | None = None,
) -> str:
    # Somebody who turns pages expects the order that they have.
    ranked = _best_first(shown) if browse is None else list(zip(shown.sheets, shown.besides, strict=True))
    return page(
        "preview.html",
        lake_uri=lake.uri,
        beside_uri=beside_uri,
        names=names_of(lake.uri, beside_uri or ""),
        banner=banner_of(lake),
        sheets=[sheet for sheet, _ in ranked],
        besides=[second for _, second in ranked],
        nouns=noun_counts(sheet.questions for sheet in shown.sheets),
        counts=counts,
        types=type_counts(shown.answers),
        browse=browse,
        version=ENGINE_VERSION,
    )


@dataclass(frozen=True)
class _Shown:
    """The sheets in page order, each with the second lake's view of the image, and the rows of all their answers."""

    sheets: list[Sheet] = field(default_factory=list)
    besides: list[SecondView | None] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)


def _best_first(shown: _Shown) -> list[tuple[Sheet, SecondView | None]]:
    """Return the images in page order: those with the most answers that agree in every word, less those that do not.

    Without a second lake, or where that says nothing, it is the number of answers, then of objects.
    """

    def rank(pair: tuple[Sheet, SecondView | None]) -> tuple[int, int, int]:
        sheet, second = pair
        counts = VerdictCounts(second.answers) if second else None
        right = 2 * counts[Verdict.AGREE] - counts.total + counts[Verdict.UNSEEN] if counts else 0
        return -right, -len(sheet.questions), -len(sheet.objects)

    return sorted(zip(shown.sheets, shown.besides, strict=True), key=rank)


def _shown(lake: LakeReader, other: LakeReader | None, chosen: Sequence[str]) -> _Shown:
    shown = _Shown()
    for start in range(0, len(chosen), _IMAGES_PER_READ):
        part = chosen[start : start + _IMAGES_PER_READ]
        rows, others = rows_of(lake, part), rows_of(other, part) if other else None
        # A takedown may have removed an image whose later rows still exist.
        present = [image_id for image_id in part if image_id in rows["images"]]
        views = [sheets_of(rows, others, i) if others is not None else (sheet_of(rows, i), None) for i in present]
        shown.sheets.extend(sheet for sheet, _ in views)
        shown.besides.extend(second for _, second in views)
        shown.answers.extend(row for image_rows in rows.get("qa_pairs", {}).values() for row in image_rows)
    return shown


def write_page(html: str, out_path: str | Path) -> Path:
    """Write a page atomically and return its path."""
    path = Path(out_path)
    with written_whole(path) as draft:
        draft.write_text(html, encoding="utf-8")
    return path
