"""Whatever names a crawl has: every image is listed under its own name, with exactly the texts of its key."""

import io
import json
import tarfile
import tempfile
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.conftest import Row
from tests.ingest.crawls import add
from udfs.crawl.entries import manifest_row
from udfs.crawl.layout import layout_of
from udfs.crawl.listing import entries_of, loose_entries
from udfs.crawl.names import owners, sample_key, stem_and_suffix
from udfs.stages.rows import RowRejected

IMAGES = ("jpg", "PNG", "webp", "jpeg", "tiff")
_STEMS = ("a", "a.b", "a.b.c", "a.1", "b", "d/a", "d/a.b", "room.22.05", "room.22", "ü x")
_SUFFIXES = (*IMAGES, "json", "json", "json", "cls", "npy", "depth.png", "txt")
_NAMES = st.builds("{}.{}".format, st.sampled_from(_STEMS), st.sampled_from(_SUFFIXES))


def true_metadata(name: str, texts: dict[str, list[int]], time: int, times: int) -> int | None:
    """The number of the json that belongs to an image, by the written rule and not by the engine's code."""
    folder, _, base = name.rpartition("/")
    stem = base[: base.rindex(".")]
    cut = [base, *(stem[: len(stem) - drop] for drop in range(len(stem)) if drop == 0 or stem[-drop] == ".")]
    for one in cut:
        numbers = texts.get(f"{folder}/{one}.json" if folder else f"{one}.json")
        if numbers:
            return numbers[time] if len(numbers) == times else numbers[-1]
    return None


def listed(folder: Path) -> list[Row]:
    layout = layout_of(str(folder), 2**20)
    return [row for piece in layout.pieces for row in entries_of(piece, layout.crawl_uri)] + list(loose_entries(layout))


def number_in(entry: Row) -> int | None:
    """The number that the metadata of an entry carries as its licence; -1 where the entry is rejected by its name."""
    try:
        licence = manifest_row(entry).licence
    except RowRejected:
        return -1
    return None if licence is None else int(licence)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(_NAMES, st.booleans()), min_size=1, max_size=14))
def test_tars_of_any_names(given: list[tuple[str, bool]]) -> None:
    contents = {number: f"image {number}".encode() for number in range(len(given))}
    texts: dict[str, list[int]] = defaultdict(list)
    times: dict[str, int] = defaultdict(int)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number, (name, is_link) in enumerate(given):
            times[name] += 1
            earlier = [one for one, _ in given[:number] if one.rpartition(".")[2] == name.rpartition(".")[2]]
            if name.endswith(".json"):
                texts[name].append(number)
                add(tar, name, json.dumps({"license": str(number)}).encode())
            elif is_link and earlier and earlier[0] != name and times[name] == 1:
                info = tarfile.TarInfo(name)
                info.type, info.linkname = tarfile.LNKTYPE, earlier[0]
                tar.addfile(info)
            else:
                add(tar, name, contents[number])
    data = buffer.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "0.tar").write_bytes(data)
        entries = listed(Path(folder))
    by_member = {entry["member"]: entry for entry in entries}
    assert len(by_member) == len(entries)
    seen: dict[str, int] = defaultdict(int)
    for number, (name, is_link) in enumerate(given):
        seen[name] += 1
        if name.rpartition(".")[2] not in (*IMAGES, "png"):
            continue
        entry = by_member[name if seen[name] == 1 else f"{name}#{seen[name]}"]
        row = json.loads(entry["row_json"])
        if "unlisted" in row:
            assert name.endswith((".depth.png", ".json")) or is_link
            continue
        if not is_link:
            assert data[row["tar_offset"] :][: row["tar_size"]] == contents[number]
        assert number_in(entry) == true_metadata(name, texts, seen[name] - 1, times[name])


@settings(deadline=None, max_examples=80)
@given(st.lists(_NAMES, min_size=1, max_size=14, unique_by=str.lower), st.sets(st.sampled_from(_STEMS)), st.booleans())
def test_folders_and_shards_of_any_names(names: list[str], keys: set[str], is_shard: bool) -> None:
    with tempfile.TemporaryDirectory() as crawl:
        folder = Path(crawl, "00000") if is_shard else Path(crawl)
        texts: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"license": str(number)}))
            if name.endswith(".json"):
                texts[name] = [number]
        folder.mkdir(exist_ok=True)
        if is_shard:
            rows = [{"key": key.rpartition("/")[2], "url": key, "status": None} for key in sorted(keys)]
            rows = rows or [{"key": "none", "url": "none", "status": "failed"}]
            pq.write_table(pa.Table.from_pylist(rows), f"{crawl}/00000.parquet")
        entries = listed(Path(crawl))
        by_uri = {entry["uri"]: entry for entry in entries}
        for name in names:
            suffix = name.rpartition(".")[2]
            if suffix not in ("json", "txt"):
                entry = by_uri.pop(str(folder / name))
                assert number_in(entry) == true_metadata(name, texts, 0, 1)
            elif str(folder / name) in by_uri:  # a text of no image
                assert by_uri.pop(str(folder / name))
        # What is left are rows of a shard whose image is not there.
        assert {entry["kind"] for entry in by_uri.values()} <= {"img2dataset_files"}
        assert all(uri.endswith(".jpg") or ".parquet#row=" in uri for uri in by_uri)


@pytest.mark.parametrize(
    ("name", "stem", "suffix", "key", "texts"),
    [
        ("d/a.b.JPG", "d/a.b", "jpg", "d/a", ["d/a.b.JPG", "d/a.b", "d/a"]),
        ("./a.jpg", "a", "jpg", "a", ["a.jpg", "a"]),
        (".a.b.jpg", ".a.b", "jpg", ".a", [".a.b.jpg", ".a.b", ".a"]),
        ("d.x/a", "d.x/a", "", "d.x/a", ["d.x/a"]),
        (".jpg", ".jpg", "", ".jpg", [".jpg"]),
    ],
)
def test_the_parts_of_names(name: str, stem: str, suffix: str, key: str, texts: list[str]) -> None:
    assert (stem_and_suffix(name), sample_key(name), owners(name)) == ((stem, suffix), key, texts)
