"""Episodes with exact distances go through the lake; real ones go through, and what cannot be known is said."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs.views.reader import LakeReader
from scenes.reach import TASKS, Episode, ReachSettings, write_episodes
from tests.command import invoke
from udfs.ranks import spearman

pytestmark = pytest.mark.long

_STATE = "observation.state"
SMALL = ReachSettings(width=240, height=180, approach=9, contact=3)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Episode]]:
    folder = tmp_path_factory.mktemp("reach")
    return folder, write_episodes(str(folder), TASKS, 1, 31, SMALL)


@pytest.fixture(scope="module")
def lake(
    spark: SparkSession,
    rendered: tuple[Path, list[Episode]],
    real_images: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> LakeReader:
    """A lake of the rendered episodes and of the real ones."""
    folder, _ = rendered
    place = tmp_path_factory.mktemp("episodes") / "lake"
    invoke("ingest", "--crawl", real_images / "sequences.jsonl", "--lake", place)
    for stage in ("ingest", "filter", "context", "depth", "lift", "reward"):
        source = ("--crawl", folder) if stage == "ingest" else ("--experts", "sensor")
        invoke(stage, "--lake", place, *source)
    return LakeReader(str(place))


def rows_of(lake: LakeReader, name: str) -> list[dict[str, Any]]:
    return lake.query("rewards", f"SELECT * FROM t WHERE sequence_id = '{name}' ORDER BY frame_index")


def test_rewards_follow_the_true_distance(lake: LakeReader, rendered: tuple[Path, list[Episode]]) -> None:
    for episode in rendered[1]:
        rows = rows_of(lake, episode.name)
        true = [frame.distance_m for frame in episode.frames]
        assert len(rows) == len(true)
        assert {row["object_id"] for row in rows} == {episode.target_id}
        assert {row["gripper_id"] for row in rows} == {episode.gripper_id}
        assert {row["source"] for row in rows} == {"measured"} and not any(row["unknown"] for row in rows)
        assert (spearman([row["distance_m"] for row in rows], true) or 0) >= 0.99
        assert (spearman([row["reward"] for row in rows], true) or 0) <= -0.99
        touched = next(place for place, frame in enumerate(episode.frames) if frame.touches)
        first = next(row["frame_index"] for row in rows if row["contact"])
        assert abs(first - touched) <= 1
        assert [row["success"] for row in rows] == [row["frame_index"] > first for row in rows]
        assert rows[0]["progress"] == 0 and rows[-1]["progress"] == 1
        assert all(abs(row["measured_m"] - one) < 0.02 for row, one in zip(rows, true, strict=True))


def test_real_episodes_go_through_and_say_what_cannot_be_known(lake: LakeReader, real_images: Path) -> None:
    lines = (real_images / "sequences.jsonl").read_text().splitlines()
    expected = {(row["sequence_id"], row["frame_index"]) for row in map(json.loads, lines)}
    rows = [
        row for row in lake.query("rewards", "SELECT * FROM t") if (row["sequence_id"], row["frame_index"]) in expected
    ]
    assert {(row["sequence_id"], row["frame_index"]) for row in rows} == expected
    for row in rows:
        assert row["distance_m"] is None and row["reward"] is None and row["contact"] is None
        bridge = row["sequence_id"].startswith("bridge")
        assert ("no depth and no intrinsics" in row["unknown"]) == bridge
        assert (row["instruction"] is not None) == bridge


def test_the_stage_adds_nothing_when_it_runs_again(lake: LakeReader) -> None:
    before = lake.query("rewards", "SELECT count(*) AS n FROM t")
    invoke("reward", "--lake", lake.uri)
    assert LakeReader(lake.uri).query("rewards", "SELECT count(*) AS n FROM t") == before


def test_a_page_shows_every_episode(lake: LakeReader, rendered: tuple[Path, list[Episode]], tmp_path: Path) -> None:
    out = tmp_path / "episodes.html"
    told = invoke("episodes", "--lake", lake.uri, "--out", out)
    assert "16 episodes, 3 of them with measured distances" in told
    html = out.read_text()
    assert html.count("<figure") == 3
    for episode in rendered[1]:
        assert episode.name in html and episode.instruction in html
    assert "no depth and no intrinsics" in html


def test_episodes_become_a_lerobot_dataset(
    lake: LakeReader, rendered: tuple[Path, list[Episode]], real_images: Path, tmp_path: Path
) -> None:
    """Real episodes too: their frames, states and instructions are written, and every reward is unknown."""
    lines = (real_images / "sequences.jsonl").read_text().splitlines()
    real = [row for row in map(json.loads, lines) if row["sequence_id"].startswith("bridge")]
    told = invoke("to-lerobot", "--lake", lake.uri, "--out", tmp_path / "bridge", "--sequence", "bridge_*")
    assert "the reward of 0 is known" in told
    rows = frames_of(tmp_path / "bridge")
    assert len(rows) == len(real) and {row["reward_source"] for row in rows} == {"unknown"}
    assert all(math.isnan(row["next.reward"]) for row in rows)
    states = [np.sort([row[name] for row in held], axis=0) for held, name in ((rows, _STATE), (real, "state"))]
    assert np.allclose(*states, atol=1e-5)
    episodes = [one.name for one in rendered[1]]
    told = invoke("to-lerobot", "--lake", lake.uri, "--out", tmp_path / "reach", *(f"--sequence={n}" for n in episodes))
    frames = sum(len(one.frames) for one in rendered[1])
    assert f"{frames} frames of {len(episodes)} episodes; the reward of {frames} is known" in told
    for number, _ in enumerate(sorted(episodes)):
        own = [row for row in frames_of(tmp_path / "reach") if row["episode_index"] == number]
        assert own[-1]["next.reward"] == 1 and own[-1]["next.success"] and own[-1]["next.done"]


def frames_of(root: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((root / "data").rglob("*.parquet")) for row in pq.read_table(path).to_pylist()]
