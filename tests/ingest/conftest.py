"""Ingest without Spark as one call."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from udfs.crawl.fetch import fetched
from udfs.crawl.layout import layout_of
from udfs.crawl.limits import IngestSettings
from udfs.crawl.listing import entries_of, loose_entries
from udfs.stages.ingest import ingest_row

Row = dict[str, Any]


@dataclass
class Ingested:
    """What one ingest wrote."""

    entries: list[Row]
    images: list[Row]
    provenance: list[Row]
    quarantine: list[Row]

    def reasons(self) -> dict[str, set[str]]:
        """Reasons by the last part of the URI."""
        found: dict[str, set[str]] = {}
        for row in self.quarantine:
            found.setdefault(row["uri"].rpartition("/")[2], set()).add(row["reason"])
        return found

    def image(self, name: str) -> Row:
        """The image whose provenance ends with `name`."""
        ids = {row["image_id"] for row in self.provenance if row["uri"].endswith(name)}
        (row,) = [row for row in self.images if row["image_id"] in ids]
        return row


def ingest(uri: str | Path, limits: IngestSettings | None = None) -> Ingested:
    """List and ingest a crawl row by row, as one executor would, without removing repeated images."""
    layout = layout_of(str(uri), 32 * 2**20)
    entries = [row for piece in layout.pieces for row in entries_of(piece, layout.crawl_uri)]
    entries += loose_entries(layout)
    allowed = limits or IngestSettings()
    rows = [ingest_row(one, allowed) for one in fetched([{**row, "ingest_shard": 0} for row in entries], allowed)]
    sound = [row for row in rows if "image_id" in row]
    rejects = [{**row, **reject} for row in rows for reject in row["rejects"]]
    return Ingested(entries, sound, [row["provenance"] for row in sound], rejects)
