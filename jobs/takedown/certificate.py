"""The certificate of a takedown: what was removed from where, and what is left to do by hand."""

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

from jobs.takedown.similar import NearDuplicate

_MAX_SHOWN = 20


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class TableRecord(_Part):
    """A table before and after; `deleted_files` counts the files of old versions that were deleted, None if none was.

    `action` is removed, redacted, recomputed, kept (no row of it belongs to an image) or unreached (it cannot be told).
    """

    action: str
    version_before: int
    version_after: int
    rows_before: int
    rows_after: int
    deleted_files: int | None = None


class ExportRecord(_Part):
    """A file that was made from the lake; `images` is how many of the removed ones it holds, None: it may hold any."""

    kind: str
    path: str
    made_at: str
    images: int | None


class Certificate(_Part):
    """What a takedown did; times are UTC."""

    takedown_id: str
    lake: str
    criteria: tuple[str, ...]
    engine_version: str
    started_at: str
    finished_at: str
    image_ids: tuple[str, ...]
    entries: int
    old_versions: Literal["kept", "removed"]
    tables: dict[str, TableRecord]
    near_duplicates: tuple[NearDuplicate, ...]
    exports: tuple[ExportRecord, ...]
    crawls: tuple[str, ...]
    not_reached: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield the certificate as a person reads it."""
        yield f"Takedown {self.takedown_id} of {self.lake}, {self.started_at} to {self.finished_at} UTC"
        yield f"Engine: spatiallake {self.engine_version}"
        yield from _listed("Named", self.criteria)
        yield f"Removed: {_count(len(self.image_ids), 'image')}, {_count(self.entries, 'entry', 'entries')} of crawls"
        if not self.image_ids and not self.entries:
            yield "Nothing in the lake has any of this; it is refused from now on."
        yield from _listed("Images", self.image_ids)
        yield f"{'table':<20} {'action':<11} {'rows':>21} {'version':>13} {'old files deleted':>18}"
        for name, table in self.tables.items():
            rows = f"{table.rows_before:,} -> {table.rows_after:,}"
            version = f"{table.version_before} -> {table.version_after}"
            files = "-" if table.deleted_files is None else f"{table.deleted_files:,}"
            yield f"{name:<20} {table.action:<11} {rows:>21} {version:>13} {files:>18}"
        similar = [f"{one.image_id} (near {one.near}, {one.bits} of 64 bits)" for one in self.near_duplicates]
        yield from _listed("Near-duplicates that remain", similar)
        yield from _listed("Files made from this lake, which are not changed", map(_export, self.exports))
        yield from _listed("Crawls, which still hold the images", self.crawls)
        yield from _listed("Not reached", self.not_reached)


def _export(export: ExportRecord) -> str:
    holds = "may hold them" if export.images is None else f"holds {export.images:,} of them"
    return f"{export.kind} {export.path} of {export.made_at}: {holds}"


def _listed(title: str, values: "Iterator[str] | tuple[str, ...] | list[str] | map[str]") -> Iterator[str]:
    found = list(values)
    yield f"{title}: {len(found):,}" if found else f"{title}: none"
    yield from (f"  {value}" for value in found[:_MAX_SHOWN])
    if len(found) > _MAX_SHOWN:
        yield f"  ... and {len(found) - _MAX_SHOWN:,} more in the file of --out"


def _count(number: int, one: str, several: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
