"""Rendered crawls: files, ids, captions, and reproducible bytes."""

import hashlib
from pathlib import Path

import boto3
import cv2
import numpy as np
import pytest
from moto.server import ThreadedMotoServer
from pyspark.sql import SparkSession

from jobs.views.render import render
from scenes.colors import ANY
from scenes.crawl import write_crawl
from scenes.settings import ROOM_KINDS, RenderSettings
from tests.scenes.conftest import Read, read_crawl


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_ids_in_masks_and_objects_agree(rooms: list[Read]) -> None:
    for room in rooms:
        ids = [entry["id"] for entry in room.row["objects"]]
        assert len(set(ids)) == len(ids)
        assert set(ids) == set(np.unique(room.instances)) - {0}
        assert min(np.bincount(room.instances.ravel())[ids]) >= 40


def test_files_match_in_size_and_depth_is_dense(rooms: list[Read]) -> None:
    for room in rooms:
        assert room.image.shape == (192, 256, 3)
        assert room.depth_m.shape == room.instances.shape == (192, 256)
        assert room.depth_m.min() > 0.15
        assert room.depth_m.max() < 20


def test_every_image_has_three_large_objects(rooms: list[Read]) -> None:
    for room in rooms:
        shares = np.bincount(room.instances.ravel())[1:] / room.instances.size
        assert (shares > 0.003).sum() >= 3


def test_images_are_neither_black_nor_washed_out(rooms: list[Read]) -> None:
    means = [room.image.mean() for room in rooms]
    assert min(means) > 45
    assert max(means) < 220
    assert np.mean([(room.image.max(2) == 255).mean() for room in rooms]) < 0.12
    assert np.mean([room.image.std() for room in rooms]) > 30


def test_captions_name_color_and_kind(rooms: list[Read]) -> None:
    ambiguous = 0
    for room in rooms:
        assert " with " in room.row["alt_text"]
        firsts = []
        for entry in room.row["objects"]:
            assert 1 <= len(entry["captions"]) <= 3
            assert len(set(entry["captions"])) == len(entry["captions"])
            for phrase in entry["captions"]:
                assert phrase.endswith(entry["label"])
                assert not phrase.startswith(("a ", "an ", "the "))
                assert entry["label"] == "orange" or any(color in phrase for color in ANY)
            firsts.append(entry["captions"][0])
        ambiguous += len(set(firsts)) < len(firsts)
    assert 3 <= ambiguous <= len(rooms) - 3


def test_pixels_have_the_color_of_the_caption(rooms: list[Read]) -> None:
    """Red, green and blue objects show more of that channel than of the others, whatever the light."""
    channel = {"blue": 0, "green": 1, "red": 2}
    right = total = 0
    for room in rooms:
        for entry in room.row["objects"]:
            color = entry["captions"][0].split()[0]
            here = room.instances == entry["id"]
            if color in channel and here.sum() > 300:
                right += int(np.median(room.image[here], axis=0).argmax()) == channel[color]
                total += 1
    assert total > 15
    assert right >= 0.85 * total


def test_equal_seeds_give_equal_bytes_for_any_chunk_size(tmp_path: Path) -> None:
    options = {"width": 128, "height": 96, "min_object_px": 20}
    write_crawl(str(tmp_path / "a"), 5, 11, rooms_per_chunk=5, **options)
    write_crawl(str(tmp_path / "b"), 5, 11, rooms_per_chunk=2, **options)
    write_crawl(str(tmp_path / "c"), 5, 12, **options)
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")
    assert not set(_digests(tmp_path / "a").values()) & set(_digests(tmp_path / "c").values())


def test_more_rooms_do_not_change_the_first_ones(tmp_path: Path) -> None:
    options = {"width": 128, "height": 96, "min_object_px": 20}
    write_crawl(str(tmp_path / "few"), 2, 4, **options)
    write_crawl(str(tmp_path / "more"), 4, 4, **options)
    few, more = _digests(tmp_path / "few"), _digests(tmp_path / "more")
    del few["manifest.jsonl"]
    assert few.items() <= more.items()


def test_spark_writes_the_same_bytes_as_one_process(spark: SparkSession, tmp_path: Path) -> None:
    options = {"count": 7, "seed": 2, "width": 128, "height": 96, "min_object_px": 20, "rooms_per_chunk": 2}
    write_crawl(str(tmp_path / "plain"), **options)
    summary = render(RenderSettings(out=str(tmp_path / "spark"), **options), spark)
    assert _digests(tmp_path / "plain") == _digests(tmp_path / "spark")
    assert summary.images == summary.rooms == 7
    assert summary.objects == sum(len(read.row["objects"]) for read in read_crawl(tmp_path / "spark"))


def test_processes_write_the_same_bytes_as_one(tmp_path: Path) -> None:
    options = {"count": 26, "seed": 5, "width": 80, "height": 64, "min_object_px": 20, "rooms_per_chunk": 4}
    write_crawl(str(tmp_path / "plain"), **options)
    summary = render(RenderSettings(out=str(tmp_path / "processes"), **options))
    assert _digests(tmp_path / "plain") == _digests(tmp_path / "processes")
    assert summary.images == summary.rooms == 26


def test_an_object_store_holds_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        store = boto3.client("s3")
        store.create_bucket(Bucket="pictures")
        options = {"width": 128, "height": 96, "min_object_px": 20}
        write_crawl("s3://pictures/crawl", 2, 6, **options)
        write_crawl(str(tmp_path), 2, 6, **options)
        for name, digest in _digests(tmp_path).items():
            body = store.get_object(Bucket="pictures", Key=f"crawl/{name}")["Body"].read()
            assert hashlib.sha256(body).hexdigest() == digest
    finally:
        server.stop()


def test_rooms_can_be_chosen(tmp_path: Path) -> None:
    for kind in ROOM_KINDS:
        folder = tmp_path / kind
        write_crawl(str(folder), 1, 0, rooms=(kind,), width=128, height=96, min_object_px=20)
        assert kind in read_crawl(folder)[0].row["alt_text"].lower()


def test_degraded_crawls_keep_exact_boxes(tmp_path: Path) -> None:
    options = {"width": 256, "height": 192}
    write_crawl(str(tmp_path / "exact"), 3, 5, **options)
    write_crawl(str(tmp_path / "worse"), 3, 5, depth_noise_rel=0.02, mask_bleed_px=2, **options)
    for exact, worse in zip(read_crawl(tmp_path / "exact"), read_crawl(tmp_path / "worse"), strict=True):
        boxes = {entry["id"]: entry["box_3d"] for entry in exact.row["objects"]}
        assert all(boxes[entry["id"]] == entry["box_3d"] for entry in worse.row["objects"])
        np.testing.assert_array_equal(exact.image, worse.image)
        noise = worse.depth_m / exact.depth_m - 1
        assert 0.018 < noise.std() < 0.022
        assert abs(noise.mean()) < 0.001
        assert (worse.instances > 0).sum() > (exact.instances > 0).sum()
        near = cv2.dilate((exact.instances > 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        assert not (worse.instances > 0)[~near].any()


def test_a_broken_run_leaves_no_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"width": 128, "height": 96, "min_object_px": 20, "rooms_per_chunk": 1}
    write_crawl(str(tmp_path), 2, 1, **options)
    monkeypatch.setattr("scenes.crawl.part_name", lambda chunk: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_crawl(str(tmp_path), 2, 1, **options)
    assert not (tmp_path / "manifest.jsonl").exists()


def test_an_image_too_small_for_objects_has_none(tmp_path: Path) -> None:
    write_crawl(str(tmp_path), count=2, seed=3, width=64, height=64, min_object_px=4096)
    rows = [room.row for room in read_crawl(tmp_path)]
    assert [row["objects"] for row in rows] == [[], []]
    assert all(row["alt_text"].removeprefix("A ").removeprefix("An ") in ROOM_KINDS for row in rows)
