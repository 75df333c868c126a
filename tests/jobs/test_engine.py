"""The whole engine as a user runs it: one command from a crawl to answers, on rendered rooms and on bad input."""

import json
import shutil
import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scenes.crawl import write_crawl
from tests.command import invoke
from tests.jobs.engine import events, spatiallake, table, versions

pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    crawl = tmp_path_factory.mktemp("rooms")
    write_crawl(str(crawl), count=24, seed=5, width=256, height=192)
    return crawl


@pytest.fixture(scope="module")
def lake(rooms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    done = spatiallake("run", "--crawl", str(rooms), "--lake", str(folder), "--experts", "sensor")
    finished = {event["stage"]: event for event in events(done) if event["event"] == "stage_finished"}
    assert finished["ingest"]["rows_out"] == 24
    assert finished["synthesize"]["rows_out"] > 24 * 10
    return folder


def test_every_image_is_answered_or_has_a_reason(lake: Path) -> None:
    images = set(table(lake, "images")["image_id"].to_pylist())
    assert len(images) == 24
    answered = set(table(lake, "qa_pairs")["image_id"].to_pylist())
    left_out = set(table(lake, "quarantine")["image_id"].to_pylist())
    assert answered | left_out == images
    assert not answered & left_out


def test_a_second_run_adds_no_row_and_no_version(rooms: Path, lake: Path) -> None:
    before = versions(lake)
    invoke("run", "--crawl", rooms, "--lake", lake, "--experts", "sensor")
    assert versions(lake) == before


def test_statistics_are_the_counts_of_the_answers(lake: Path) -> None:
    answers = table(lake, "qa_pairs").to_pylist()
    statistics = table(lake, "qa_statistics").to_pylist()
    counted = Counter()
    for row in statistics:
        counted[row["type_id"]] += row["answers"]
    assert counted == Counter(row["type_id"] for row in answers)
    assert sum(row["yes"] for row in statistics) == sum(row["answer_bool"] is True for row in answers)
    sums = sum(row["value_sum"] or 0.0 for row in statistics)
    assert sums == pytest.approx(sum(row["value_si"] or 0.0 for row in answers))


def test_no_answer_id_and_no_expression_is_used_twice(lake: Path) -> None:
    answers = table(lake, "qa_pairs")["qa_id"].to_pylist()
    assert len(set(answers)) == len(answers)
    for row in table(lake, "references").to_pylist():
        expressions = [reference["expression"] for reference in row["references"]]
        assert len(set(expressions)) == len(expressions)


def test_sql_reads_every_table(lake: Path) -> None:
    printed = invoke("sql", "SELECT count(*) AS n FROM qa_pairs", "--lake", lake, "--format", "json")
    assert json.loads(printed) == {"n": table(lake, "qa_pairs").num_rows}


@pytest.mark.long
def test_a_grown_crawl_adds_only_what_is_new_also_when_checkpoints_were_lost(
    rooms: Path, lake: Path, tmp_path: Path
) -> None:
    lake = Path(shutil.copytree(lake, tmp_path / "lake"))
    shutil.rmtree(lake / "_checkpoints", ignore_errors=True)
    more = tmp_path / "more"
    write_crawl(str(more), count=3, seed=77, width=256, height=192)
    old = [json.loads(line) for line in (rooms / "manifest.jsonl").read_text().splitlines()[:5]]
    for row in old:
        row["crawl_id"] = "again"
        for name in ("image", "depth", "instances"):
            row[name] = str(rooms / row[name])
    with (more / "manifest.jsonl").open("a") as manifest:
        manifest.writelines(json.dumps(row) + "\n" for row in old)
    answers = table(lake, "qa_pairs").num_rows
    roots = f"ingest.allowed_roots={json.dumps([str(rooms)])}"
    invoke("run", "--crawl", more, "--lake", lake, "--experts", "sensor", "--set", roots)
    assert table(lake, "images").num_rows == 27
    assert table(lake, "provenance").num_rows == 24 + 3 + 5
    assert table(lake, "scenes").num_rows == 27
    assert table(lake, "qa_pairs").num_rows > answers


def bomb() -> bytes:
    """A valid PNG header of 60,000 x 60,000 pixels with next to no data."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    packed = (struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d)) for kind, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.long
def test_bad_rows_are_quarantined_alone_with_a_reason_each(tmp_path: Path) -> None:
    crawl, lake = tmp_path / "crawl", tmp_path / "lake"
    write_crawl(str(crawl), count=200, seed=9, width=96, height=72)
    rows = [json.loads(line) for line in (crawl / "manifest.jsonl").read_text().splitlines()]
    assert len(rows) == 200
    truncated = crawl / rows[10]["image"]
    truncated.write_bytes(truncated.read_bytes()[:-900])
    (crawl / rows[20]["image"]).write_bytes(bomb())
    empty = crawl / rows[30]["instances"]
    mask = np.asarray(Image.open(empty)).copy()
    first = rows[30]["objects"][0]["id"]
    Image.fromarray(np.where(mask == first, 0, mask).astype(mask.dtype)).save(empty)
    rows[40]["pose"][0][0] = float("nan")
    Image.fromarray(np.full((10, 10), 1500, np.uint16)).save(crawl / rows[50]["depth"])
    (crawl / rows[60]["image"]).unlink()
    (crawl / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    invoke("run", "--crawl", crawl, "--lake", lake, "--experts", "sensor")

    ingest = [row for row in table(lake, "quarantine").to_pylist() if row["stage"] == "ingest"]
    by_uri = {Path(row["uri"]).name: (row["outcome"], row["reason"]) for row in ingest}
    assert by_uri == {
        Path(rows[10]["image"]).name: ("failed", "truncated_image"),
        Path(rows[20]["image"]).name: ("refused", "too_many_pixels"),
        Path(rows[30]["image"]).name: ("failed", "object_without_mask"),
        Path(rows[40]["image"]).name: ("failed", "bad_pose"),
        Path(rows[50]["image"]).name: ("failed", "depth_size_mismatch"),
        Path(rows[60]["image"]).name: ("failed", "missing_file"),
    }
    images = {row["image_id"]: row for row in table(lake, "images").to_pylist()}
    assert len(images) == 197
    scenes = set(table(lake, "scenes")["image_id"].to_pylist())
    later = {row["image_id"] for row in table(lake, "quarantine").to_pylist() if row["stage"] != "ingest"}
    assert scenes | later >= set(images)
    assert sum(row["depth"] is None for row in images.values()) == 1
    assert sum(row["pose"] is None for row in images.values()) == 1
