"""Datasets with rewards say what the lake says, and LeRobot's own library reads them back."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.engine.exports import noted_exports
from jobs.lerobot.copied import copy_with_rewards
from jobs.lerobot.crawl import CrawlOptions, write_crawl
from jobs.lerobot.written import IMAGE, write_dataset
from jobs.views.reader import LakeReader
from tests.lerobot.recorded import CAMERA, LENGTHS, TASKS, Recorded, pixels, state
from tests.lerobot.rewarded_lake import write_rewarded_lake
from udfs.lerobot.dataset import open_dataset


@pytest.fixture
def lake(tmp_path: Path) -> LakeReader:
    return LakeReader(str(write_rewarded_lake(tmp_path / "lake")))


def frames_of(root: Path) -> list[dict]:
    return [row for path in sorted((root / "data").rglob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_a_copy_has_the_rewards_and_all_that_it_had(lake: LakeReader, tmp_path: Path) -> None:
    source = Recorded(tmp_path / "arm", as_images=True).write()
    told = str(copy_with_rewards(lake, source, tmp_path / "out"))
    assert "12 frames of 2 episodes; the reward of 12 is known" in told
    before, after = frames_of(source), frames_of(tmp_path / "out")
    assert [{name: row[name] for name in before[0]} for row in after] == before
    first = after[: LENGTHS[0]]
    # The reward of a frame is what the next one shows.
    assert [row["next.reward"] for row in first] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert [row["progress"] for row in first] == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])
    assert [row["distance_m"] for row in first] == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.0])
    assert [row["next.done"] for row in first] == [False, False, False, False, True]
    assert [row["contact"] for row in first] == [False, False, False, False, True]
    second = after[LENGTHS[0] :]
    assert [row["reward_source"] for row in second] == ["measured", "filled", "filled", *["measured"] * 4]
    info = json.loads((tmp_path / "out/meta/info.json").read_text())
    assert info["features"]["next.reward"] == {"dtype": "float32", "shape": [1], "names": None}
    assert info["features"].keys() >= json.loads((source / "meta/info.json").read_text())["features"].keys()
    stats = json.loads((tmp_path / "out/meta/stats.json").read_text())
    assert stats["next.reward"]["max"] == [1.0] and stats["next.reward"]["count"] == [12]
    episodes = pq.read_table(tmp_path / "out/meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert episodes[0]["stats/progress/mean"] == pytest.approx([0.5])
    assert episodes[0]["stats/action/min"] == [0.0, 0.5]
    assert [one.kind for one in noted_exports(lake.uri)] == ["lerobot dataset"]


def test_frames_that_the_lake_lacks_are_unknown(tmp_path: Path) -> None:
    lake = LakeReader(str(write_rewarded_lake(tmp_path / "lake", episodes=1)))
    source = Recorded(tmp_path / "arm", as_images=True).write()
    assert "reward of 5 is known" in str(copy_with_rewards(lake, source, tmp_path / "out"))
    lacking = frames_of(tmp_path / "out")[LENGTHS[0] :]
    assert all(np.isnan(row["next.reward"]) and np.isnan(row["progress"]) for row in lacking)
    assert {row["reward_source"] for row in lacking} == {"unknown"}
    assert not any(row["next.success"] or row["contact"] for row in lacking) and lacking[-1]["next.done"]
    # No statistic is NaN, which JSON does not have.
    stats = json.loads((tmp_path / "out/meta/stats.json").read_text(), parse_constant=pytest.fail)
    assert stats["next.reward"]["count"] == [5]


def test_a_dataset_under_another_name_is_found_by_it(tmp_path: Path) -> None:
    lake = LakeReader(str(write_rewarded_lake(tmp_path / "lake", name="lab/leg")))
    source = Recorded(tmp_path / "arm", as_images=True).write()
    with pytest.raises(LakeUnreadable, match="lab/leg/000000"):
        copy_with_rewards(lake, source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert "12 is known" in str(copy_with_rewards(lake, source, tmp_path / "out", name="lab/leg"))


def test_a_resting_robots_frame_has_the_reward_of_its_image(tmp_path: Path) -> None:
    lake = LakeReader(str(write_rewarded_lake(tmp_path / "lake", kind="difference", resting=True)))
    source = Recorded(tmp_path / "arm", as_images=True).write()
    copy_with_rewards(lake, source, tmp_path / "out")
    second = frames_of(tmp_path / "out")[LENGTHS[0] :]
    assert [row["distance_m"] for row in second] == pytest.approx([0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1])
    assert [row["next.reward"] for row in second] == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0], abs=1e-6)
    assert [row["reward_source"] for row in second][-1] == "measured"


def test_episodes_of_a_lake_become_a_new_dataset(lake: LakeReader, tmp_path: Path) -> None:
    told = str(write_dataset(lake, tmp_path / "out", fps=5))
    assert "12 frames of 2 episodes; the reward of 12 is known" in told
    dataset = open_dataset(tmp_path / "out")
    assert dataset.cameras == [IMAGE] and dataset.fps == 5
    # What was written is a dataset to crawl again.
    write_crawl(tmp_path / "out", str(tmp_path / "crawl"), CrawlOptions(name="again"))
    rows = [json.loads(line) for line in (tmp_path / "crawl/manifest.jsonl").read_text().splitlines()]
    assert [row["instruction"] for row in rows] == [TASKS[0]] * 5 + [TASKS[1]] * 7
    assert rows[6]["state"] == pytest.approx(state(1, 1))
    stats = json.loads((tmp_path / "out/meta/stats.json").read_text())
    own = np.array([state(e, f) for e, length in enumerate(LENGTHS) for f in range(length)])
    assert stats["observation.state"]["mean"] == pytest.approx(own.mean(0).tolist(), abs=1e-6)
    assert stats["observation.state"]["std"] == pytest.approx(own.std(0).tolist(), abs=1e-6)
    assert stats[IMAGE]["max"][0][0][0] == pytest.approx(pixels(1, 6)[0, 0, 0] / 255)


def test_what_cannot_be_written_is_refused(lake: LakeReader, tmp_path: Path) -> None:
    with pytest.raises(LakeUnreadable, match="arm/000000"):
        write_dataset(lake, tmp_path / "out", 5, ["bridge_*"])
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        write_dataset(lake, tmp_path / "full", 5)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    source = Recorded(tmp_path / "arm", "v2.1", as_images=True).write()
    with pytest.raises(UsageError, match=r"version v2\.1"):
        copy_with_rewards(lake, source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def read_back(folder: Path) -> dict:
    """What LeRobot's library reads; it needs Python 3.12 and an environment of its own."""
    python = os.environ.get("SPATIALLAKE_LEROBOT_PYTHON")
    if not python:
        pytest.skip("SPATIALLAKE_LEROBOT_PYTHON names no Python that has lerobot[dataset]")
    script = Path(__file__).with_name("read_back.py")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": "", "HF_HOME": str(folder.parent / "hub")}
    done = subprocess.run(
        [python, script, folder], capture_output=True, text=True, check=False, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_lerobot_reads_a_new_dataset(lake: LakeReader, tmp_path: Path) -> None:
    write_dataset(lake, tmp_path / "out", fps=5)
    read = read_back(tmp_path / "out")
    assert (read["episodes"], read["fps"], len(read["items"])) == (2, 5, 12)
    item = read["items"][6]
    assert item["next.reward"] == pytest.approx(1 - 0.4 / 0.6) and item["task"] == TASKS[1]
    assert item["observation.state"] == pytest.approx(state(1, 1)) and item["reward_source"] == "filled"
    size, pixel = item[IMAGE]
    assert size == [3, 48, 64] and round(pixel[0] * 255) == pixels(1, 1)[0, 0, 0]
    assert read["items"][11]["next.done"] and not read["items"][10]["next.done"]
    assert read["batch"] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert read["stats"]["next.reward"]["max"] == [1.0]
    assert len(read["progress"]) == 12 and read["progress"]["4"] == pytest.approx(1.0)


def test_lerobot_reads_a_copy_with_its_videos(lake: LakeReader, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="the extra `robots` is not installed")
    source = Recorded(tmp_path / "arm").write()
    copy_with_rewards(lake, source, tmp_path / "out")
    read = read_back(tmp_path / "out")
    places = [(episode, frame) for episode, length in enumerate(LENGTHS) for frame in range(length)]
    for item, (episode, frame) in zip(read["items"], places, strict=True):
        assert (item["episode_index"], item["frame_index"]) == (episode, frame)
        assert abs(item[CAMERA][1][0] * 255 - float(pixels(episode, frame)[0, 0, 0])) <= 4
    assert read["items"][0]["next.reward"] == pytest.approx(0.25)
    assert read["stats"]["progress"]["min"] == [0.0]
