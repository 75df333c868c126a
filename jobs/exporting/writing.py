"""Writes one shard, in any process: rows and images are read, files are written whole, and a record notes them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.exporting.chunk import Chunk
from jobs.exporting.destination import Destination
from jobs.exporting.layouts import COUNTED, UNKNOWN, ShardFiles, export_format
from jobs.exporting.planning import Shard
from jobs.exporting.reading import ShardReader, Source
from jobs.exporting.settings import ExportSettings

_SHOWN = 3


@dataclass(frozen=True)
class Work:
    """What any process needs to write a shard of an export."""

    source: Source
    settings: ExportSettings
    out: str

    def write(self, shard: Shard) -> dict[str, Any]:
        """Write a shard and its record, and return the record."""
        chosen, destination = export_format(self.settings.format), Destination(self.out)
        reader = ShardReader(self.source, self.settings, chosen.needs_scenes)
        tally = _Tally()
        with destination.drafts() as folder:
            files = ShardFiles(folder, shard.split, shard.number, shard.count, self.settings, self.out)
            chunks = tally.counted(reader.chunks(shard))
            chosen.write(_with_files(chunks, folder) if self.settings.images == "files" else chunks, files)
            placed = destination.put(folder)
        images = {name: held for name, held in placed.items() if name.startswith("images/")}
        record = {
            "split": shard.split,
            "files": {name: held for name, held in placed.items() if name not in images},
            "image_files": {"count": len(images), "sha256": _digest_of(images)} if images else None,
            **tally.as_json(files),
            "left_out": dict(sorted((+(reader.left_out + files.left_out)).items())),
        }
        destination.write_record(shard.place, record)
        return record


@dataclass
class _Tally:
    """Counts what goes into a shard."""

    rows: int = 0
    image_ids: list[str] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in COUNTED})
    shown: list[dict[str, Any]] = field(default_factory=list)

    def counted(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            table = chunk.table
            self.rows += table.num_rows
            self.image_ids += dict.fromkeys(table["image_id"].to_pylist())
            for name, counter in self.counts.items():
                if name in table.column_names:
                    counter.update(one or UNKNOWN for one in table[name].to_pylist())
            if len(self.shown) < _SHOWN:
                (one,) = Chunk(table.slice(0, 1)).examples()
                question, answer = one.turns[0]
                self.shown.append({"image_id": one.image_id, "question": question, "answer": answer})
            yield chunk

    def as_json(self, files: ShardFiles) -> dict[str, Any]:
        counts = {name: counter - files.removed.get(name, Counter()) for name, counter in self.counts.items()}
        return {
            "rows": self.rows - files.left_out.total(),
            "images": len(self.image_ids),
            "counts": {name: dict(sorted(counter.items())) for name, counter in counts.items() if counter},
            "shown": self.shown,
            "image_ids": self.image_ids,
        }


def _with_files(chunks: Iterable[Chunk], folder: Path) -> Iterator[Chunk]:
    """Write the images of each chunk before it is passed on."""
    for chunk in chunks:
        for image in chunk.images.values():
            if image.place and image.data is not None:
                path = folder / image.place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(image.data)
        yield chunk


def _digest_of(images: dict[str, dict[str, Any]]) -> str:
    lines = "".join(f"{held['sha256']} {name}\n" for name, held in sorted(images.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
