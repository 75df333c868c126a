import io
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.crawl.layout import LayoutUnclear, layout_of
from udfs.crawl.listing import lines_between
from udfs.storage.files import MissingFile
from udfs.storage.locations import absolute, resolve

CHUNK = 1 << 20


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    ("names", "kind", "pieces", "loose"),
    [
        (["a.jpg", "b/c.png", "notes.txt"], "folder", [], ["a.jpg", "c.png", "notes.txt"]),
        (["a.jpg", ".DS_Store", ".cache/x.jpg", "_MG_1.jpg"], "folder", [], ["_MG_1.jpg", "a.jpg"]),
        (["1.tar", "0.tar", "0.parquet", "0_stats.json"], "img2dataset_tar", ["0.tar", "1.tar", "0.parquet"], []),
        (["00000.tar", "extra.jpg"], "img2dataset_tar", ["00000.tar"], ["extra.jpg"]),
        (["00000/0.jpg", "00000.parquet", "00000_stats.json"], "img2dataset_files", ["00000.parquet"], []),
        (["00000.parquet", "a.jpg"], "folder", [], ["00000.parquet", "a.jpg"]),
        (["manifest.jsonl", "a.jpg", "0.tar"], "manifest", ["manifest.jsonl"], []),
    ],
)
def test_kinds(tmp_path: Path, names: list[str], kind: str, pieces: list[str], loose: list[str]) -> None:
    layout = layout_of(str(write(tmp_path, *names)), CHUNK)
    assert layout.kind == kind
    assert [Path(piece.uri).name for piece in layout.pieces] == pieces
    assert [Path(file.uri).name for file in layout.loose] == loose


def test_a_manifest_can_be_named_or_be_a_folder_of_parts(tmp_path: Path) -> None:
    write(tmp_path, "list.jsonl", "manifest.jsonl/part-1.json", "manifest.jsonl/part-0.json", "manifest.jsonl/_SUCCESS")
    assert layout_of(str(tmp_path / "list.jsonl"), CHUNK).kind == "manifest"
    layout = layout_of(f"{tmp_path}/", CHUNK)
    assert (layout.kind, layout.crawl_uri) == ("manifest", str(tmp_path))
    assert [Path(piece.uri).name for piece in layout.pieces] == ["part-0.json", "part-1.json"]


def test_parquet_manifests_are_cut_at_row_groups(tmp_path: Path) -> None:
    table = pa.table({"image": [f"{number}.jpg" for number in range(10)]})
    pq.write_table(table, tmp_path / "manifest.parquet", row_group_size=4)
    pieces = layout_of(str(tmp_path), CHUNK).pieces
    assert [(piece.start, piece.position) for piece in pieces] == [(0, 0), (1, 4), (2, 8)]


def test_two_manifests_are_unclear(tmp_path: Path) -> None:
    with pytest.raises(LayoutUnclear, match="pass the one"):
        layout_of(str(write(tmp_path, "manifest.jsonl", "manifest.parquet")), CHUNK)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="contains no files"):
        layout_of(str(tmp_path / "absent"), CHUNK)


_LINES = st.lists(st.text(st.characters(exclude_characters="\n\r\ufeff", codec="utf-8"), max_size=12), max_size=20)


@given(_LINES, st.sampled_from(("\n", "\r\n")), st.booleans(), st.integers(1, 40))
def test_chunks_of_any_size_share_and_lose_no_line(lines: list[str], end: str, last: bool, chunk: int) -> None:
    data = (end.join(lines) + (end if last else "")).encode()
    read = [
        line
        for start in range(0, len(data), chunk)
        for line in lines_between(io.BytesIO(data), start, min(start + chunk, len(data)))
    ]
    assert read == [line.strip("\ufeff \t") for line in lines if line.strip("\ufeff \t")]


def test_a_line_without_end_is_cut_and_the_next_is_read() -> None:
    data = b"a" * (17 * 2**20) + b"\n{}\n"
    lines = list(lines_between(io.BytesIO(data), 0, len(data)))
    assert (len(lines[0]), lines[1:]) == (1000, ["{}"])
    assert list(lines_between(io.BytesIO(data), 2**20, len(data))) == ["{}"]


@pytest.mark.parametrize(
    ("folder", "uri", "found"),
    [
        ("/crawl", "a b/ü#1%20.jpg", "/crawl/a b/ü#1%20.jpg"),
        ("/crawl/x", "../a.jpg", "/crawl/a.jpg"),
        ("/crawl", "/data/a.jpg", "/data/a.jpg"),
        ("/crawl", "file:///data/a%20b.jpg", "/data/a b.jpg"),
        ("/crawl", "s3://b/k/a.jpg", "s3://b/k/a.jpg"),
        ("/crawl", "s3a://b/k/a.jpg", "s3://b/k/a.jpg"),
        ("s3://b/crawl", "a b/ü#1%20.jpg", "s3://b/crawl/a b/ü#1%20.jpg"),
        ("s3://b/crawl/x", "../a.jpg", "s3://b/crawl/a.jpg"),
        ("s3://b", "a.jpg", "s3://b/a.jpg"),
        ("s3://b/crawl", "/etc/passwd", "s3://b/etc/passwd"),
        ("s3://b/crawl", "../../../other/a.jpg", "s3://b/other/a.jpg"),
        ("/crawl", "https://example.org/a.jpg", "https://example.org/a.jpg"),
    ],
)
def test_uris_resolve_against_the_manifest(folder: str, uri: str, found: str) -> None:
    assert resolve(folder, uri) == found


def test_relative_crawls_become_absolute() -> None:
    assert absolute("photos/") == f"{os.getcwd()}/photos"
    assert absolute("s3a://b/photos/") == "s3://b/photos"
