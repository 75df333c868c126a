"""Training of the built-in network: the same weights however often it is killed, and from any labels there are."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scenes.crawl import write_crawl
from tests.experts.builtin_network import SMALL
from tests.pixels import turned
from udfs.experts.families.builtin.network import NetworkShape, RoomNetwork
from udfs.experts.families.builtin.weights import load_network
from vlm.builtin.batches import batch_of, drawn
from vlm.builtin.example import IGNORED, KIND_NAMES, LabeledImage, example_arrays, name_codes
from vlm.builtin.losses import losses, total
from vlm.builtin.pack import write_pack
from vlm.builtin.settings import TrainSettings
from vlm.builtin.sources import of_crawl
from vlm.builtin.train_experts import train_experts
from vlm.errors import RunDiffers, SettingsUnusable

SHAPE = NetworkShape(kinds=KIND_NAMES, colours=("red", "blue"), **SMALL)
TRAINER = """
import sys
from vlm.builtin.settings import TrainSettings
from vlm.builtin.train_experts import train_experts
from udfs.experts.families.builtin.network import NetworkShape
train_experts(TrainSettings.model_validate_json(sys.argv[1]), print, NetworkShape.model_validate_json(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def crawl(tmp_path_factory):
    out = tmp_path_factory.mktemp("crawl")
    write_crawl(str(out), 8, 5, width=96, height=64)
    return str(out)


def settings(crawl, out, **options):
    small = {"steps": 6, "batch": 4, "width": 64, "height": 48, "checkpoint_every": 1, "measure_every": 3}
    small |= {"names_steps": 2, "names_batch": 4, "crop_pixels": 16, "novelty": 8}
    return TrainSettings(out=str(out), crawls=(crawl,), held_out=crawl, negatives=1, **{**small, **options})


def weights(out):
    return load_file(Path(out) / "builtin.safetensors")


def test_killed_training_ends_with_the_same_weights(crawl, tmp_path):
    shape = NetworkShape(kinds=KIND_NAMES, colours=tuple("abcdefghijklm"), **SMALL)
    train_experts(settings(crawl, tmp_path / "whole"), print, shape)
    asked = settings(crawl, tmp_path / "killed")
    command = [sys.executable, "-c", TRAINER, asked.model_dump_json(), shape.model_dump_json()]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    checkpoint = tmp_path / "killed" / "checkpoint.pt"
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed" / "builtin.safetensors").exists()
    step = torch.load(checkpoint, weights_only=True)["step"]
    said: list[str] = []
    train_experts(asked, said.append, shape)
    assert said[0] == f"Resuming from step {step}."
    whole, killed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.equal(whole[name], killed[name]) for name in whole)
    assert json.loads(json.dumps(load_network(tmp_path / "killed" / "builtin.safetensors")[1].model_dump()))


def test_other_settings_do_not_go_on_with_a_checkpoint(crawl, tmp_path):
    shape = NetworkShape(kinds=KIND_NAMES, colours=tuple("abcdefghijklm"), **SMALL)
    train_experts(settings(crawl, tmp_path, steps=1), print, shape)
    with pytest.raises(RunDiffers, match="another"):
        train_experts(settings(crawl, tmp_path, seed=9), print, shape)
    with pytest.raises(RunDiffers, match="another"):
        train_experts(settings(crawl, tmp_path, width=96), print, shape)


def test_nothing_to_learn_from_is_said(tmp_path):
    with pytest.raises(SettingsUnusable, match="--crawl or a --lake"):
        train_experts(TrainSettings(out=str(tmp_path)), print)
    with pytest.raises(SettingsUnusable, match="spatiallake render"):
        list(of_crawl(str(tmp_path)))


def test_every_loss_falls_on_images_seen_often(crawl, tmp_path):
    pack = write_pack(tmp_path / "pack", of_crawl(crawl), (64, 48), [crawl])
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = RoomNetwork(NetworkShape(kinds=KIND_NAMES, colours=tuple("abcdefghijklm"), **SMALL))
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    batch = batch_of(pack, np.arange(8))
    first = {name: float(value.detach()) for name, value in losses(network, batch, (0, 0)).items()}
    for _ in range(60):
        found = losses(network, batch, (0, 0))
        optimizer.zero_grad()
        total(found).backward()
        optimizer.step()
    last = {name: float(value.detach()) for name, value in losses(network, batch, (0, 0)).items()}
    assert all(last[name] < first[name] for name in first), {name: (first[name], last[name]) for name in first}


def test_depth_alone_teaches_depth_alone(crawl, tmp_path):
    bare = [replace(image, instances=None, objects=None, gravity=None) for image in of_crawl(crawl)]
    pack = write_pack(tmp_path / "pack", bare, (64, 48), ["bare"])
    network = RoomNetwork(SHAPE)
    found = losses(network, batch_of(pack, np.arange(4)), (0, 0))
    assert set(found) == {"depth", "edges", "range", "focal"}
    total(found).backward()
    assert network.names[1].weight.grad is None and network.depth.weight.grad.abs().sum() > 0
    nothing = replace(bare[0], depth_m=None, focal_px=None)
    empty = write_pack(tmp_path / "empty", [nothing], (64, 48), ["nothing"])
    assert losses(network, batch_of(empty, np.array([0])), (0, 0)) == {}


def test_mirrored_batches_mirror_every_label(crawl, tmp_path):
    pack = write_pack(tmp_path / "pack", of_crawl(crawl), (64, 48), [crawl])
    plain = batch_of(pack, np.arange(8))
    changed = batch_of(pack, np.arange(8), np.random.default_rng(3))
    mirrored = changed.gravity[:, 0] != plain.gravity[:, 0]
    assert 0 < mirrored.sum() < 8
    for i in range(8):
        turn = (lambda a: a.flip(-1)) if mirrored[i] else (lambda a: a)
        assert torch.equal(changed.ids[i], turn(plain.ids[i]))
        assert torch.allclose(changed.log_depth[i], turn(plain.log_depth[i]), equal_nan=True)
        for number in range(int(changed.present[i].sum())):
            x, y = changed.objects[i, number, 2:]
            assert changed.ids[i, y, x] == number + 1
        assert (changed.rgb[i] - turn(plain.rgb[i])).abs().mean() < 0.15


def test_examples_cut_the_middle_and_keep_the_focal_length():
    rgb = np.zeros((100, 300, 3), np.uint8)
    rgb[:, 75:225] = 200
    wide = example_arrays(LabeledImage(rgb, focal_px=100.0), 96, 64)
    assert wide["rgb"].min() == 200
    # 150 x 100 px are left
    assert np.exp(wide["known"][0]) == pytest.approx(100 / (0.5 * np.hypot(150, 100)))
    assert np.isnan(wide["log_depth"]).all() and np.isnan(wide["gravity"]).all() and wide["known"][1] == 0


def test_examples_put_centres_on_the_objects_and_ignore_specks():
    ids = np.zeros((64, 96), np.int32)
    ids[8:56, 8:40] = 7
    ids[20:44, 16:32] = 0
    ids[60:62, 90:92] = 9
    arrays = example_arrays(
        LabeledImage(np.zeros((64, 96, 3), np.uint8), None, ids, {7: ("chair", ("red chair",))}), 96, 64
    )
    kind, _, x, y = arrays["objects"][0]
    assert arrays["count"][0] == 1 and KIND_NAMES[kind] == "chair" and arrays["ids"][y, x] == 1
    assert set(np.unique(arrays["ids"])) == {0, 1, IGNORED}


@pytest.mark.parametrize(
    ("label", "captions", "expected"),
    [
        ("chair", ("red chair", "small red chair"), ("chair", "red")),
        ("orange", ("orange",), ("orange", None)),
        ("spaceship", ("blue spaceship",), (None, "blue")),
        ("chair", (), ("chair", None)),
        ("chair", ("a chair of wood",), ("chair", None)),
    ],
)
def test_names_of_objects(label, captions, expected):
    from vlm.builtin.example import COLOR_NAMES

    kind, color = name_codes(label, captions)
    assert (KIND_NAMES[kind] if kind >= 0 else None, COLOR_NAMES[color] if color >= 0 else None) == expected


def test_every_example_is_drawn_once_per_epoch():
    steps = [drawn(10, 4, 3, step) for step in range(5)]
    seen = np.concatenate(steps)
    assert sorted(seen[:10]) == list(range(10)) == sorted(seen[10:])
    assert list(seen[:10]) != list(seen[10:]) and all((drawn(10, 4, 3, s) == steps[s]).all() for s in range(5))


@pytest.mark.parametrize("tag", turned.TAGS)
def test_turned_images_are_learned_upright(tmp_path, tag):
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 255, (20, 30, 3), np.uint8)
    depth, ids = np.arange(600, dtype=np.uint16).reshape(20, 30), rng.integers(0, 4, (20, 30)).astype(np.uint8)
    stored = {
        "image.png": turned.file(tag, rgb),
        "depth.png": turned.png(turned.pixels(tag, depth)),
        "ids.png": turned.png(turned.pixels(tag, ids)),
    }
    for name, data in stored.items():
        (tmp_path / name).write_bytes(data)
    manifest = {"image": "image.png", "depth": "depth.png", "instances": "ids.png"}
    gravity = turned.vector(tag, (0.6, 0.8, 0.0))
    (tmp_path / "manifest.jsonl").write_text(json.dumps({**manifest, "gravity": gravity}))
    (found,) = of_crawl(str(tmp_path))
    np.testing.assert_array_equal(found.rgb, rgb)
    np.testing.assert_array_equal(found.depth_m, depth.astype(np.float32) * np.float32(1e-3))
    np.testing.assert_array_equal(found.instances, ids)
    assert found.gravity == [0.6, 0.8, 0.0] and found.focal_px is None
