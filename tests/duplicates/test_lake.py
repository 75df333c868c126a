"""Two crawls that arrive at different times: copies lie in the split of what they are copies of, frames in one."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.engine.memory import remembered_settings, stored_book
from jobs.engine.pipeline import run
from jobs.engine.settings import load_settings
from scenes.crawl import write_crawl
from tests.duplicates.copies import cropped, halved, reencoded
from tests.takedown.lakes import table
from tests.takedown.secret_crawl import manifest, write_manifest
from udfs.questions.answering import split_of
from udfs.questions.settings import SynthesizeSettings

HALVES = ["synthesize.test_share=0.5", "synthesize.validation_share=0.0"]
SETTINGS = SynthesizeSettings(test_share=0.5, validation_share=0.0)
ROOMS, SEQUENCES, FRAMES = 6, 2, 2


def engine(spark: SparkSession, lake: Path, crawl: Path | None, *overrides: str) -> None:
    flags = {"lake": str(lake), **({"crawl": str(crawl)} if crawl else {})}
    settings: Any = load_settings(flags, None, [*HALVES, *overrides], remembered_settings(str(lake)))
    run(settings)


def splits(lake: Path) -> dict[str, str]:
    """Return the split of each image that has answers in the live recipe; no image has two."""
    live = stored_book(str(lake)).live()
    found = defaultdict(set)
    for row in table(lake, "qa_pairs"):
        if row["recipe"] == live["synthesize"]:
            found[row["image_id"]].add(row["split"])
    assert all(len(one) == 1 for one in found.values())
    return {image_id: one.pop() for image_id, one in found.items()}


def ids_by_uri(lake: Path) -> dict[str, str]:
    return {row["uri"]: row["image_id"] for row in table(lake, "provenance")}


def reasons(lake: Path) -> dict[str, str]:
    return {row["image_id"]: row["reason"] for row in table(lake, "quarantine") if row["stage"] == "synthesize"}


@pytest.mark.long
def test_copies_and_frames_that_arrive_later_lie_in_one_split(spark: SparkSession, tmp_path: Path) -> None:
    single, moving, later, last, lake = (tmp_path / name for name in ("single", "moving", "later", "last", "lake"))
    write_crawl(str(single), count=ROOMS, seed=31, width=240, height=180)
    write_crawl(str(moving), count=SEQUENCES, seed=35, width=240, height=180, frames=FRAMES)
    engine(spark, lake, single)
    first = splits(lake)
    assert len(first) == ROOMS
    assert first == {image_id: split_of(image_id, SETTINGS) for image_id in first}

    engine(spark, lake, moving)
    by_sequence = {row["image_id"]: row["sequence_id"] for row in table(lake, "images") if row["sequence_id"]}
    frames = {image_id: split for image_id, split in splits(lake).items() if image_id in by_sequence}
    assert len(frames) == SEQUENCES * FRAMES
    assert frames == {image_id: split_of(by_sequence[image_id], SETTINGS) for image_id in frames}

    rows, changed, expected = manifest(single), [], {}
    for number, row in enumerate(rows):
        for change in (reencoded, halved, cropped):
            name = f"{number}-{change.__name__}"
            changed.append(change(single, row, later, name))
            expected[str(later / f"{name}.jpg")] = str(single / row["image"])
    write_manifest(later, changed)
    engine(spark, lake, later)
    # A copy of a room that is said to be a frame of a sequence in the other split connects what lies apart.
    ids = ids_by_uri(lake)
    room, sequence = next(
        (row, sequence)
        for row in rows
        for sequence in sorted(set(by_sequence.values()))
        if first[ids[str(single / row["image"])]] != split_of(sequence, SETTINGS)
    )
    write_manifest(last, [{**reencoded(single, room, last, "between"), "sequence_id": sequence}])
    # It must differ from the other copy in its bytes.
    (last / "between.jpg").write_bytes((last / "between.jpg").read_bytes() + b"-")
    engine(spark, lake, last)

    now, ids = splits(lake), ids_by_uri(lake)
    assert {image_id: now[image_id] for image_id in (*first, *frames)} == {**first, **frames}
    near = {row["image_id"]: row for row in table(lake, "near_duplicates")}
    for copy, original in expected.items():
        assert near[ids[copy]]["cluster_id"] == ids[original], copy
        assert now[ids[copy]] == first[ids[original]], copy
    between = ids[str(last / "between.jpg")]
    assert near[between]["other_groups"] and between not in now
    assert reasons(lake) == {between: "divided_duplicates"}

    engine(spark, lake, None, "synthesize.keep_one_duplicate=true")
    left_out = {image_id for image_id in now if near[image_id]["cluster_id"] != image_id}
    assert left_out >= {ids[copy] for copy in expected}
    assert splits(lake) == {image_id: split for image_id, split in now.items() if image_id not in left_out}
    assert {image_id for image_id, reason in reasons(lake).items() if reason == "near_duplicate"} == left_out
