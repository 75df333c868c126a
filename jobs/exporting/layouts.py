"""Export formats: every one is a module of `jobs.exporting.formats`, or of a plugin, that defines `EXPORT`."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jobs.exporting.formats
from jobs.engine.errors import UsageError
from jobs.exporting.chunk import Chunk, Row
from jobs.exporting.settings import TABLES, ExportSettings
from schemas.plugins import modules_with

GROUP = "spatiallake.exports"
# Columns whose values are counted for the card, and how a missing value is called there.
COUNTED = ("type_id", "answer_form", "licence")
UNKNOWN = "unknown"


@dataclass
class ShardFiles:
    """The files of one shard while a format writes them: shard `number` of `count` of a split, both from 0.

    `out` is where the export will be. `left_out` counts rows that the format cannot hold, by a reason in a phrase, and
    `removed` what these rows are by column, which the card does not count.
    """

    folder: Path
    split: str
    number: int
    count: int
    settings: ExportSettings
    out: str
    left_out: Counter[str] = field(default_factory=Counter)
    removed: dict[str, Counter[str]] = field(default_factory=dict)

    def leave_out(self, reason: str, rows: Sequence[Row]) -> None:
        """Note that rows are not written, for a reason in a phrase such as `rows of images without a scene`."""
        self.left_out[reason] += len(rows)
        for column in COUNTED:
            counter = self.removed.setdefault(column, Counter())
            counter.update(row[column] or UNKNOWN for row in rows if column in row)

    @property
    def name(self) -> str:
        """Return the shard's name, such as `train-00000-of-00003`."""
        return f"{self.split}-{self.number:05d}-of-{self.count:05d}"

    def path(self, place: str) -> Path:
        """Return where to write the file that will be at `place`, a relative path in the export."""
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@dataclass(frozen=True)
class Whole:
    """A written export, for the files that describe all of it: what each shard's record says, in order of shards."""

    settings: ExportSettings
    out: str
    records: Callable[[], Iterable[Mapping[str, Any]]]
    splits: tuple[str, ...]


@dataclass(frozen=True)
class ExportFormat:
    """A format by its name; `title` says in a phrase what it is, `read_by` who reads it.

    `write` writes the files of one shard. `whole` returns the texts of further files by their relative path, once every
    shard is written. `images` are the places of images that the format knows, the usual one first, `tables` the tables
    that it takes. With `conversations`, a row may have several turns. `needs_scenes` asks for the scene of each image.
    `hub` returns the pattern of the files of a split, for a data set card that the Hub reads.
    """

    name: str
    title: str
    read_by: str
    write: Callable[[Iterable[Chunk], ShardFiles], None]
    whole: Callable[[Whole], Mapping[str, str]] = lambda _: {}
    images: tuple[str, ...] = ("inside",)
    tables: tuple[str, ...] = TABLES
    conversations: bool = False
    needs_scenes: bool = False
    hub: Callable[[str], str] | None = None


def export_formats() -> dict[str, ExportFormat]:
    """Return all formats by name, those of plugins last."""
    found = (module.EXPORT for module in modules_with("EXPORT", jobs.exporting.formats, GROUP))
    return {one.name: one for one in found}


def export_format(name: str) -> ExportFormat:
    """Return one format.

    Raises:
        UsageError: no format has this name; the message lists the names.
    """
    known = export_formats()
    if name not in known:
        raise UsageError(f"There is no export format {name!r}; choose one of {', '.join(known)}.")
    return known[name]


def exports_table() -> list[str]:
    """Return the lines of the documentation's Markdown table of all formats."""
    rows = ((f"`{one.name}`", one.title, one.read_by, ", ".join(one.images)) for one in export_formats().values())
    return [
        "| `--format` | what it is | read by | `--images` |",
        "|---|---|---|---|",
        *(f"| {' | '.join(cells)} |" for cells in rows),
    ]
