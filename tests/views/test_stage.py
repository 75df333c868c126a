"""Posed sequences go through the lake: exactly once, anew when they grow, and what contradicts is in quarantine."""

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from benchmarks.same_rows import differences
from jobs.engine.memory import remembered_settings
from jobs.engine.pipeline import run
from jobs.engine.settings import load_settings
from jobs.takedown.command import take_down
from scenes.crawl import MANIFEST
from tests.command import invoke
from tests.takedown.lakes import named, opened, table
from tests.views.lake_of_sequences import FRAMES, write_sequences

STAGES = ("ingest", "duplicates", "filter", "context", "depth", "lift")
WRITTEN = ("fused_frames", "fused_scenes", "sequence_qa_pairs", "quarantine", "stage_runs")


def through(lake: Path, crawl: Path) -> None:
    """Run the stages before `fuse`, one by one."""
    for stage in STAGES:
        source = ("--crawl", crawl) if stage == "ingest" else ()
        experts = ("--experts", "sensor") if stage in ("filter", "context", "depth") else ()
        invoke(stage, "--lake", lake, *source, *experts)


def in_spark(spark: SparkSession, lake: Path, stage: str) -> None:
    settings = load_settings({"lake": str(lake)}, None, [], remembered_settings(str(lake)))
    run(settings, [stage], lake=opened(spark, lake))


@pytest.fixture(scope="module")
def lifted(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A lake of the sequences up to `lift`, whose first arrives without its last frame."""
    folder = tmp_path_factory.mktemp("views")
    rows = write_sequences(folder / "crawl")
    manifest = folder / "crawl" / MANIFEST
    manifest.write_text("".join(json.dumps(row) + "\n" for row in [*rows[: FRAMES - 1], *rows[FRAMES:]]))
    through(folder / "lifted", manifest)
    return folder, rows


@pytest.fixture(scope="module")
def filled(lifted: tuple[Path, list[dict[str, Any]]]) -> tuple[Path, list[dict[str, Any]]]:
    """The same lake with fused sequences and rewards, made without Spark."""
    folder, _ = lifted
    shutil.copytree(folder / "lifted", folder / "lake")
    for stage in ("fuse", "reward"):
        invoke(stage, "--lake", folder / "lake")
    return lifted


def test_a_sequence_becomes_one_scene_and_questions(filled: tuple[Path, list[dict[str, Any]]]) -> None:
    lake = filled[0] / "lake"
    scenes = {row["sequence_id"]: row for row in table(lake, "fused_scenes")}
    first, second = sorted(scenes)
    assert scenes[first]["frames"] == [0, 1, 2]
    # The frame with the wrong pose counts for nothing, and quarantine says why.
    assert scenes[second]["frames"] == [0, 1, 3] and scenes[second]["left_out_frames"] == [2]
    (rejected,) = [row for row in table(lake, "quarantine") if row["stage"] == "fuse"]
    assert rejected["reason"] == "views_contradict" and "see through" in rejected["error"]
    frames = table(lake, "fused_frames")
    assert len(frames) == 2 * FRAMES - 2 and not any(row["left_out"] for row in frames)
    assert {row["fusion_id"] for row in frames} == {row["fusion_id"] for row in scenes.values()}
    answers = table(lake, "sequence_qa_pairs")
    assert len({row["qa_id"] for row in answers}) == len(answers) > 10
    splits = defaultdict(set)
    for row in answers:
        scene = scenes[row["sequence_id"]]
        known = dict(zip(scene["frames"], scene["image_ids"], strict=True))
        assert row["fusion_id"] == scene["fusion_id"]
        assert row["image_ids"] == [known[frame] for frame in row["frames"]]
        splits[row["sequence_id"]].add(row["split"])
    assert all(len(found) == 1 for found in splits.values())


def test_a_rerun_changes_nothing(filled: tuple[Path, list[dict[str, Any]]]) -> None:
    lake = filled[0] / "lake"
    before = {name: DeltaTable(str(lake / name)).version() for name in WRITTEN}
    invoke("fuse", "--lake", lake)
    assert {name: DeltaTable(str(lake / name)).version() for name in WRITTEN} == before


def test_rows_are_those_of_spark(spark: SparkSession, filled: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = filled
    lake = folder / "spark"
    shutil.copytree(folder / "lifted", lake)
    for stage in ("fuse", "reward"):
        in_spark(spark, lake, stage)
    assert {name for name in (*WRITTEN, "rewards") if table(lake, name)} == {*WRITTEN, "rewards"}
    assert differences(lake, folder / "lake") == []
    assert not (folder / "lake" / "_checkpoints").exists() and (lake / "_checkpoints").exists()


@pytest.mark.long
def test_a_sequence_that_grows_is_fused_anew_and_a_takedown_leaves_nothing(
    spark: SparkSession, filled: tuple[Path, list[dict[str, Any]]]
) -> None:
    folder, rows = filled
    lake, manifest = folder / "lake", folder / "crawl" / MANIFEST
    held = {row["fusion_id"] for row in table(lake, "fused_scenes")}
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    through(lake, manifest)
    whole = folder / "whole"
    shutil.copytree(lake, whole)
    invoke("fuse", "--lake", lake)
    in_spark(spark, whole, "fuse")
    assert differences(whole, lake) == []
    scenes = table(lake, "fused_scenes")
    (grown,) = [row for row in scenes if row["fusion_id"] not in held]
    assert grown["frames"] == [0, 1, 2, 3] and len(scenes) == 3
    assert {row["fusion_id"] for row in table(lake, "sequence_qa_pairs")} == {row["fusion_id"] for row in scenes}
    gone = grown["image_ids"][1]
    take_down(opened(spark, lake), named(lake, images=[gone]), vacuum=False)
    for name in ("fused_scenes", "sequence_qa_pairs"):
        assert all(gone not in row["image_ids"] for row in table(lake, name))
    assert len(table(lake, "fused_scenes")) == 1
