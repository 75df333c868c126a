"""Episodes of LeRobot datasets become sequences, with the right frames, states, depth and calibration."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from jobs.engine.errors import CrawlUnreadable, SpatialLakeError, UsageError
from jobs.lerobot.crawl import CrawlOptions, write_crawl
from schemas.manifest import ManifestRow
from tests.command import invoke
from tests.lerobot.recorded import CAMERA, DEPTH, LENGTHS, TASKS, Recorded, depth_mm, pixels, state

pytest.importorskip("av", reason="the extra `robots` is not installed")

CALIBRATION = f"""
{CAMERA}:
  camera: {{fx: 60.0, fy: 60.0, cx: 31.5, cy: 23.5}}
  pose: [[0, 0, 1, 0.5], [-1, 0, 0, 0.0], [0, -1, 0, 0.4], [0, 0, 0, 1]]
  gravity: [0, 1, 0]
"""


def crawled(dataset: Path, out: Path, **options: object) -> list[dict]:
    write_crawl(dataset, str(out), CrawlOptions(**options))  # pyright: ignore[reportArgumentType]
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("version", ["v3.0", "v2.1"])
@pytest.mark.parametrize("as_images", [False, True], ids=["video", "images"])
def test_every_frame_has_its_own_image_state_and_task(tmp_path: Path, version: str, as_images: bool) -> None:
    dataset = Recorded(tmp_path / "arm", version, as_images=as_images).write()
    rows = crawled(dataset, tmp_path / "crawl")
    assert len(rows) == sum(LENGTHS)
    for row in rows:
        episode, frame = int(row["sequence_id"].removeprefix("arm/")), row["frame_index"]
        image = cv2.imread(str(tmp_path / "crawl" / row["image"]))
        assert np.abs(image.astype(int) - pixels(episode, frame)).max() <= 4
        assert row["state"] == pytest.approx(state(episode, frame)) and row["action"] == [frame, 0.5]
        assert row["instruction"] == TASKS[episode]
        ManifestRow.model_validate(row)
    assert [row["frame_index"] for row in rows] == [*range(LENGTHS[0]), *range(LENGTHS[1])]


@pytest.mark.parametrize("depth", ["video", "image"])
def test_depth_and_calibration_of_the_camera_are_carried(tmp_path: Path, depth: str) -> None:
    dataset = Recorded(tmp_path / "arm", depth=depth).write()
    (tmp_path / "cameras.yaml").write_text(f"{CALIBRATION}  depth: {DEPTH}\n")
    for row in crawled(dataset, tmp_path / "crawl", calibration=tmp_path / "cameras.yaml"):
        episode, frame = int(row["sequence_id"].removeprefix("arm/")), row["frame_index"]
        values = cv2.imread(str(tmp_path / "crawl" / row["depth"]), cv2.IMREAD_UNCHANGED)
        assert values.dtype == np.uint16
        # A code of the video is half a millimeter to one.
        assert np.abs(values.astype(int) - depth_mm(episode, frame)).max() <= (1 if depth == "video" else 0)
        assert row["camera"] == {"fx": 60.0, "fy": 60.0, "cx": 31.5, "cy": 23.5}
        assert np.reshape(row["pose"], (4, 4))[:3, 3].tolist() == [0.5, 0.0, 0.4] and row["gravity"] == [0, 1, 0]


def test_the_command_writes_the_crawl_and_prints_where(tmp_path: Path) -> None:
    dataset = Recorded(tmp_path / "arm").write()
    told = invoke("from-lerobot", dataset, "--out", tmp_path / "crawl", "--episodes", "1")
    assert "manifest.jsonl" in told
    rows = (tmp_path / "crawl" / "manifest.jsonl").read_text().splitlines()
    assert {json.loads(row)["sequence_id"] for row in rows} == {"arm/000001"} and len(rows) == LENGTHS[1]


def test_some_episodes_under_another_name(tmp_path: Path) -> None:
    dataset = Recorded(tmp_path / "arm").write()
    rows = crawled(dataset, tmp_path / "crawl", episodes=frozenset({1}), name="lab/arm", licence="CC-BY-4.0")
    assert {row["sequence_id"] for row in rows} == {"lab/arm/000001"} and len(rows) == LENGTHS[1]
    assert {row["licence"] for row in rows} == {"CC-BY-4.0"}


def _truncate_video(folder: Path) -> None:
    video = next((folder / "videos").rglob("*.mp4"))
    video.write_bytes(video.read_bytes()[:300])


def _lose_frames(folder: Path) -> None:
    import pyarrow.parquet as pq

    path = folder / "data/chunk-000/file-000.parquet"
    pq.write_table(pq.read_table(path).slice(2), path)


def _lead_outside(folder: Path) -> None:
    path = folder / "meta/info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "data_path": "../../etc/{chunk_index}"}))


def _old_version(folder: Path) -> None:
    path = folder / "meta/info.json"
    path.write_text(path.read_text().replace("v3.0", "v1.6"))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_truncate_video, "mp4 cannot be decoded"),
        (_lose_frames, "frames of episode 0, which should be 5"),
        (_lead_outside, "leads out of the dataset"),
        (_old_version, "version v1.6"),
        (lambda folder: shutil.rmtree(folder / "meta"), "no meta/info.json"),
        (lambda folder: (folder / "meta/info.json").write_text("{"), "cannot be read"),
        (lambda folder: shutil.rmtree(folder / "meta/episodes"), "table of episodes"),
    ],
)
def test_a_damaged_dataset_is_refused_with_the_reason(tmp_path: Path, damage, told: str) -> None:
    dataset = Recorded(tmp_path / "arm").write()
    damage(dataset)
    with pytest.raises(CrawlUnreadable, match=told):
        write_crawl(dataset, str(tmp_path / "crawl"), CrawlOptions())
    assert not (tmp_path / "crawl" / "manifest.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"camera": "wrist"}, f"its cameras are {CAMERA}"),
        ({"episodes": frozenset({7})}, "no episode 7"),
        ({"calibration": Path("nowhere.yaml")}, "nowhere.yaml cannot be read"),
    ],
)
def test_what_the_dataset_lacks_is_refused(tmp_path: Path, options: dict, told: str) -> None:
    dataset = Recorded(tmp_path / "arm").write()
    with pytest.raises(UsageError, match=told):
        write_crawl(dataset, str(tmp_path / "crawl"), CrawlOptions(**options))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("wrist: {}", "no entry"),
        (CALIBRATION.replace("60.0, fy", "-1, fy"), "camera.fx"),
        (CALIBRATION.replace("[0, 0, 1, 0.5]", "[2, 0, 1, 0.5]"), "orthonormal"),
        (f"{CALIBRATION}  depth: {CAMERA}\n", "no feature"),
        (f"{CALIBRATION}  focus: 3\n", "focus"),
    ],
)
def test_a_calibration_that_cannot_be_used_is_refused(tmp_path: Path, text: str, told: str) -> None:
    dataset = Recorded(tmp_path / "arm").write()
    (tmp_path / "cameras.yaml").write_text(text)
    with pytest.raises(SpatialLakeError, match=told):
        write_crawl(dataset, str(tmp_path / "crawl"), CrawlOptions(calibration=tmp_path / "cameras.yaml"))
