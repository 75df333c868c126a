"""Maps that hold known objects are read as these objects."""

import numpy as np
import torch

from tests.experts.builtin_network import small_network
from udfs.experts.families.builtin.decoding import Thresholds, claimed, objects_of
from udfs.experts.families.builtin.naming import named
from udfs.experts.families.builtin.network import positions

H, W = 24, 32


def maps(masks, centres):
    """Return network maps that describe masks [h, w] with centres (column, row) in cells of the mask."""
    grid = positions(torch.zeros(1, 3, H, W))
    mask = torch.zeros(1, 7, H, W)
    mask[:, 0] = -8.0
    heat = torch.full((1, 7, H // 2, W // 2), 0.0)
    heat[:, 0] = -8.0
    for hit, (x, y) in zip(map(torch.from_numpy, masks), centres, strict=True):
        mask[0, 0][hit] = 8.0
        for axis, target in enumerate((grid[0, 0, 0, x], grid[0, 1, y, 0])):
            mask[0, 1 + axis][hit] = target - grid[0, axis][hit]
        heat[0, 0, y // 2, x // 2] = 4.0
    network = small_network()
    out = network(torch.zeros(1, 3, 2 * H, 2 * W)) | {"mask": mask, "centre": heat}
    return network, out, torch.zeros(1, 3, 2 * H, 2 * W)


def square(x0, y0, x1, y1):
    mask = np.zeros((H, W), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def read(masks, centres, **limits):
    with torch.inference_mode():
        network, out, rgb = maps(masks, centres)
        return objects_of(network, out, rgb, Thresholds(**limits))[0]


def test_two_objects_side_by_side():
    masks = [square(2, 4, 12, 20), square(12, 6, 28, 18)]
    found = read(masks, [(7, 12), (20, 12)])
    hard = claimed(found.soft, 0.4).numpy()
    assert len(found.scores) == 2
    assert {tuple(np.flatnonzero(h)) for h in hard} == {tuple(np.flatnonzero(m)) for m in masks}


def test_one_object_with_two_peaks_is_found_once():
    mask = square(4, 4, 24, 20)
    with torch.inference_mode():
        network, out, rgb = maps([mask], [(13, 11)])
        out["centre"][0, 0, 5, 8] = 3.0
        found = objects_of(network, out, rgb, Thresholds())[0]
    assert len(found.scores) == 1


def test_specks_and_unlikely_objects_are_left_out():
    assert len(read([square(4, 4, 6, 6)], [(5, 5)]).scores) == 0
    assert len(read([square(4, 4, 20, 20)], [(11, 11)], score=1.01).scores) == 0


def test_names_leave_out_what_is_unsure():
    shape = small_network().shape
    assert named(np.array([0.9, 0.1]), np.array([0.8, 0.2]), shape) == ("chair", ["red chair", "chair"])
    assert named(np.array([0.1, 0.9]), np.array([0.5, 0.49]), shape) == ("table", ["red table", "table"])
    assert named(np.array([0.1, 0.9]), np.array([0.4, 0.3]), shape) == ("table", ["table"])
