"""The namer: crops of objects, its training on them, and what its probabilities are worth."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from scenes.crawl import write_crawl
from tests.experts.builtin_network import SMALL
from udfs.experts.families.builtin.crops import CONTEXT, crop_of
from udfs.experts.families.builtin.decoding import Thresholds
from udfs.experts.families.builtin.namer import NamerShape
from udfs.experts.families.builtin.network import NetworkShape, RoomNetwork
from udfs.experts.families.builtin.weights import Calibration
from vlm.builtin.example import COLOR_NAMES, KIND_NAMES, LabeledImage
from vlm.builtin.named_crops import named_crops
from vlm.builtin.namer_training import NamerTraining, crops_of, logits_of, train_namer
from vlm.builtin.naming_step import calibrated_namer
from vlm.builtin.pack import write_arrays
from vlm.builtin.sources import of_crawl

SIZE = 16
NAMES = (2, 3)
TRAINER = """
import sys
from pathlib import Path
from tests.builtin.test_namer import small_training, learned
learned(small_training(int(sys.argv[2])), Path(sys.argv[1]), every=1)
"""


def squares_and_disks(count, seed=0):
    """Return examples of which the kind is a shape that only the mask shows, and the color that of its pixels."""
    rng = np.random.default_rng(seed)
    side = round(1.25 * SIZE)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    shapes = (np.maximum(abs(x), abs(y)) < 7, x**2 + y**2 < 49)
    rows = []
    for number in range(count):
        kind, color = int(rng.integers(2)), int(rng.integers(3))
        crop = rng.integers(90, 120, (side, side, 4)).astype(np.uint8)
        crop[..., 3] = 255 * shapes[kind]
        crop[shapes[kind], color] = 220
        record = np.zeros(5, np.float16)
        rows.append((crop, record, (kind, color, 1), (number,)))
    crops, records, names, images = (np.stack(part) for part in zip(*rows, strict=True))
    return {"crop": crops, "record": records, "name": names.astype(np.int16), "image": images.astype(np.int32)}


def small_training(steps, seed=0):
    torch.set_num_threads(1)
    shape = NamerShape(kinds=2, colors=3, record=5, size_px=SIZE, widths=(8, 8, 16, 16), blocks=(1, 1, 1), hidden=64)
    return NamerTraining(shape, steps, 16, seed)


def learned(training, path, every=1000):
    if path.exists():
        training.restore(path)
    train_namer(training, squares_and_disks(64), path, every, lambda step, loss: None)
    return training


def test_crops_hold_the_object_in_the_middle_with_its_mask():
    rgb = np.zeros((60, 80, 3), np.uint8)
    mask = np.zeros((60, 80), bool)
    mask[20:30, 40:60] = True
    rgb[mask] = 255
    crop = crop_of(rgb, mask, 50, CONTEXT)
    assert crop.shape == (50, 50, 4)
    rows, columns = np.flatnonzero((crop[..., 3] > 127).any(1)), np.flatnonzero((crop[..., 3] > 127).any(0))
    # 20 px of a side of 25 px
    assert (columns[0], columns[-1], rows[0], rows[-1]) == pytest.approx((5, 44, 15, 34), abs=2)
    assert crop[25, 25, :3].tolist() == [255, 255, 255] and crop[2, 2, :3].tolist() == [0, 0, 0]


def test_crops_beyond_the_image_are_gray_and_no_mask():
    rgb = np.zeros((20, 20, 3), np.uint8)
    crop = crop_of(rgb, np.ones((20, 20), bool), 40, 2.0)
    assert crop[0, 0].tolist() == [114, 114, 114, 0] and crop[20, 20].tolist() == [0, 0, 0, 255]
    speck = np.zeros((20, 20), bool)
    speck[0, 0] = True
    assert crop_of(rgb, speck, 40, CONTEXT)[..., 3].max() > 0


def test_a_killed_training_ends_with_the_same_weights(tmp_path):
    whole = learned(small_training(30), tmp_path / "whole.pt")
    path = tmp_path / "killed.pt"
    command = [sys.executable, "-c", TRAINER, str(path), "30"]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    while not path.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    resumed = learned(small_training(30), path)
    for one, other in ((whole.mean, resumed.mean), (whole.namer, resumed.namer)):
        assert all(
            torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
        )


def test_shapes_of_masks_and_colors_of_pixels_are_learned(tmp_path):
    training = learned(small_training(300), tmp_path / "namer.pt")
    fresh = squares_and_disks(60, seed=1)
    kinds, colors = logits_of(training.mean, fresh, np.arange(60))
    assert (kinds.argmax(1).numpy() == fresh["name"][:, 0]).mean() > 0.9
    assert (colors.argmax(1).numpy() == fresh["name"][:, 1]).mean() > 0.9


def test_augmented_crops_keep_their_size_and_range():
    arrays = squares_and_disks(20)
    plain = crops_of(arrays, np.arange(20), SIZE)
    varied = crops_of(arrays, np.arange(20), SIZE, np.random.default_rng(0))
    assert varied.crops.shape == plain.crops.shape == (20, 4, SIZE, SIZE)
    assert float(varied.crops.min()) >= 0 and float(varied.crops.max()) <= 1
    assert torch.equal(varied.kinds, plain.kinds) and not torch.equal(varied.crops, plain.crops)


def test_temperatures_make_overconfident_names_honest(tmp_path):
    training = learned(small_training(60), tmp_path / "namer.pt")
    arrays = squares_and_disks(400, seed=2)
    # a third of the names are wrong, of which the namer knows nothing
    wrong = np.random.default_rng(0).random(400) < 1 / 3
    arrays["name"][wrong, 0] = 1 - arrays["name"][wrong, 0]
    rows = [{name: array[i] for name, array in arrays.items()} for i in range(400)]
    pack = write_arrays(tmp_path / "pack", iter(rows), (SIZE, SIZE), ["drawn"])
    last = training.mean.mix[-1]
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.weight.mul_(4)
    fitted, metrics = calibrated_namer(training.mean, pack, Calibration())
    assert fitted.kind_temperature > 1.5 and metrics["named_kind_right"] < 0.8
    assert metrics["named_kind_sure"] < 0.05


def test_examples_are_of_true_masks_and_of_those_that_the_network_finds(tmp_path):
    write_crawl(str(tmp_path), 3, 5, width=128, height=96)
    torch.manual_seed(0)
    network = RoomNetwork(NetworkShape(kinds=KIND_NAMES, colours=COLOR_NAMES, **SMALL)).eval()
    eager = Thresholds(centre=0.0, pixel=0.01, double=0.9, score=0.0)
    rows = list(named_crops(network, of_crawl(str(tmp_path)), eager, 64 * 48, SIZE, 0))
    names = np.stack([row["name"] for row in rows])
    assert {0, 1} == set(names[:, 2]) and {int(row["image"][0]) for row in rows} == {0, 1, 2}
    assert names[names[:, 2] == 0, 0].max() < len(KIND_NAMES)
    # random weights find masks of nothing
    assert len(KIND_NAMES) in names[names[:, 2] == 1, 0]
    assert all(row["crop"].shape == (20, 20, 4) and row["crop"][..., 3].max() > 0 for row in rows)
    unlabeled = [LabeledImage(np.zeros((48, 64, 3), np.uint8))]
    assert list(named_crops(network, unlabeled, eager, 64 * 48, SIZE, 0)) == []
