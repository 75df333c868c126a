"""Mosaic MDS: binary shards with an `index.json` per split, columns `image`, `conversation` and what they are of.

A shard is the number of samples, where each begins (both uint32, little-endian), its JSON header, and the samples. A
sample is the sizes of its fields (uint32), in the order of their names, and the fields.
"""

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jobs.exporting.chunk import Chunk, Example
from jobs.exporting.layouts import ExportFormat, ShardFiles, Whole

# Of the samples of one binary file; the usual limit of Mosaic's own writer.
_LIMIT_BYTES = 2**26
_COLUMNS = {"conversation": "json", "image": "jpeg", "image_id": "str", "type_ids": "json"}


def _write(chunks: Iterable[Chunk], files: ShardFiles) -> None:
    columns = {name: kind for name, kind in _COLUMNS.items() if name != "image" or files.settings.images != "none"}
    infos, held, size = [], [], 0
    for sample in _samples(chunks, columns):
        if held and size + len(sample) > _LIMIT_BYTES:
            infos.append(_flush(held, columns, files, len(infos)))
            held, size = [], 0
        held.append(sample)
        size += len(sample)
    if held:
        infos.append(_flush(held, columns, files, len(infos)))
    # Joined to the index of its split once all shards are there, and an index of this shard alone until then.
    path = files.path(f"{files.split}/{files.name}/index.json")
    path.write_text(json.dumps({"version": 2, "shards": infos}, sort_keys=True))


def _samples(chunks: Iterable[Chunk], columns: Mapping[str, str]) -> Iterator[bytes]:
    for chunk in chunks:
        for example in chunk.examples():
            values = _values(example)
            fields = [values[name] for name in columns]
            yield struct.pack(f"<{len(fields)}I", *map(len, fields)) + b"".join(fields)


def _values(example: Example) -> dict[str, bytes]:
    said = [{"question": question, "answer": answer} for question, answer in example.turns]
    return {
        "conversation": json.dumps(said, ensure_ascii=False).encode(),
        "image": (example.image.data if example.image else None) or b"",
        "image_id": example.image_id.encode(),
        "type_ids": json.dumps(example.type_ids).encode(),
    }


def _flush(samples: list[bytes], columns: Mapping[str, str], files: ShardFiles, number: int) -> dict[str, Any]:
    header = {
        "column_encodings": list(columns.values()),
        "column_names": list(columns),
        "column_sizes": [None] * len(columns),
        "compression": None,
        "format": "mds",
        "hashes": [],
        "size_limit": _LIMIT_BYTES,
    }
    head = json.dumps(header, sort_keys=True).encode()
    start = 4 + 4 * (len(samples) + 1) + len(head)
    offsets = [start]
    for sample in samples:
        offsets.append(offsets[-1] + len(sample))
    name = f"shard.{number:05d}.mds"
    path: Path = files.path(f"{files.split}/{files.name}/{name}")
    with path.open("wb") as stream:
        stream.write(struct.pack(f"<{1 + len(offsets)}I", len(samples), *offsets))
        stream.write(head)
        stream.writelines(samples)
    raw = {"basename": name, "bytes": path.stat().st_size, "hashes": {}}
    return {**header, "raw_data": raw, "samples": len(samples), "version": 2, "zip_data": None}


def _whole(whole: Whole) -> dict[str, str]:
    """Return the index of each split, over the binary files of all shards."""
    from jobs.exporting.destination import Destination

    out, shards = Destination(whole.out), {split: [] for split in whole.splits}
    for record in whole.records():
        for place in record["files"]:
            if place.endswith("/index.json"):
                folder = place.split("/")[1]
                for info in json.loads(out.read_text(place))["shards"]:
                    info["raw_data"]["basename"] = f"{folder}/{info['raw_data']['basename']}"
                    shards[record["split"]].append(info)
    return {
        f"{split}/index.json": json.dumps({"version": 2, "shards": infos}, sort_keys=True)
        for split, infos in shards.items()
        if infos
    }


EXPORT = ExportFormat(
    name="mds",
    title="Mosaic MDS shards with an index per split",
    read_by="`mosaicml-streaming`, Databricks' loader",
    write=_write,
    conversations=True,
    whole=_whole,
    images=("inside", "none"),
)
