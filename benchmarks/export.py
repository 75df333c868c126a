"""Measures `export`: rows per processor second and peak memory, for lakes of several sizes.

`python -m benchmarks.export --images 2000 20000` renders 50 rooms, runs the engine on them once, and copies their rows
under new image ids, in ingest shards of 256, into lakes of so many images. Each export is a process of its own; its
seconds are those of all its processes, starting Python included, and so is its memory, pages that they share counted
for each.
"""

# Functions of pyarrow.compute are made when it is imported.
# pyright: reportAttributeAccessIssue=false

import argparse
import contextlib
import hashlib
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake

from benchmarks.processor import heading, tree_seconds
from scenes.crawl import write_crawl

_SHARD = 256
_COPIED = ("images", "qa_pairs", "near_duplicates")


def enlarged(base: Path, out: Path, images: int) -> Path:
    """Write a lake of `images` images out of the rows of the base lake, and return it."""
    shutil.copytree(base / "recipes", out / "recipes")
    tables = {name: DeltaTable(str(base / name)).to_pyarrow_table() for name in _COPIED}
    ids = pc.unique(tables["qa_pairs"]["image_id"])
    own = [
        {name: table.filter(pc.equal(table["image_id"], one)).combine_chunks() for name, table in tables.items()}
        for one in ids
    ]
    for first in range(0, images, _SHARD):
        numbers = range(first, min(first + _SHARD, images))
        for name in tables:
            parts = [_copied(own[number % len(own)][name], number) for number in numbers]
            write_deltalake(str(out / name), pa.concat_tables(parts), mode="append")
    _mark_upright(base, out)
    return out


def _copied(own: pa.Table, number: int) -> pa.Table:
    """Return the rows about one image as rows about its copy `number`."""
    copy_id = hashlib.sha256(f"copy {number}".encode()).hexdigest()
    changed = {"image_id": copy_id, "ingest_shard": number // _SHARD, "cluster_id": copy_id, "group_id": copy_id}
    changed |= {"split": "test" if number % 50 == 0 else "train"}
    for name, value in changed.items():
        if name in own.column_names:
            place, field = own.schema.get_field_index(name), own.schema.field(name)
            own = own.set_column(place, field, pa.array([value] * len(own), field.type))
    if "qa_id" in own.column_names:
        keys = [hashlib.blake2b(f"{one} {number}".encode(), digest_size=16).hexdigest() for one in own["qa_id"]]
        own = own.set_column(own.schema.get_field_index("qa_id"), own.schema.field("qa_id"), pa.array(keys))
    return own


def _mark_upright(base: Path, out: Path) -> None:
    """Give the images the table property by which the engine knows that they are upright."""
    properties = DeltaTable(str(base / "images")).metadata().configuration
    DeltaTable(str(out / "images")).alter.set_table_properties(
        {name: value for name, value in properties.items() if name.startswith("spatiallake.")},
        raise_if_not_exists=False,
    )


def measured(command: list[str], log: Path) -> tuple[float, float]:
    """Run a command; return the processor seconds of all its processes, and the most that they hold at once, MB."""
    peak = [0]
    ended = threading.Event()

    def watch() -> None:
        own = psutil.Process()
        while not ended.wait(0.05):
            held = 0
            for process in own.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    held += process.memory_info().rss
            peak[0] = max(peak[0], held)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        seconds = tree_seconds(command, log)
    finally:
        ended.set()
        watching.join()
    return seconds, peak[0] / 1e6


def main() -> None:
    """Make lakes, export and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[2000, 20000])
    parser.add_argument("--formats", nargs="+", default=["llava", "hf_messages", "hf"])
    parser.add_argument("--where", default="none", help="--images of the export")
    parser.add_argument("--rooms", type=int, default=50)
    args = parser.parse_args()
    print(heading())
    print("| format, images | images of the lake | rows | processor s | rows per processor s | peak MB | MB written |")
    print("|---|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_crawl(str(folder / "rooms"), args.rooms, 1, width=640, height=480)
        run = ("run", "--crawl", str(folder / "rooms"), "--lake", str(folder / "base"), "--experts", "sensor")
        subprocess.run([sys.executable, "-m", "spatiallake", *run], check=True, capture_output=True)
        for count in args.images:
            lake = enlarged(folder / "base", folder / f"lake-{count}", count)
            rows = DeltaTable(str(lake / "qa_pairs")).to_pyarrow_dataset().count_rows()
            for name in args.formats:
                out = folder / "out"
                command = [sys.executable, "-m", "spatiallake", "export", "--lake", str(lake), "--out", str(out)]
                command += ["--format", name, "--images", args.where]
                seconds, peak_mb = measured(command, folder / "log")
                written = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
                shutil.rmtree(out)
                told = f"{rows:,} | {seconds:.1f} | {rows / seconds:,.0f} | {peak_mb:,.0f} | {written:,.0f}"
                print(f"| `{name}`, {args.where} | {count:,} | {told} |", flush=True)


if __name__ == "__main__":
    main()
