"""The names that the built-in experts declare: what the namer says of crops, as rows of `regions`."""

import numpy as np
import pytest
import torch

from tests.experts.builtin_network import EAGER, row, small_network
from udfs.experts.expert import ExpertSpec, loaded_expert
from udfs.experts.families.builtin.decoding import record_length
from udfs.experts.families.builtin.namer import NamerShape, ObjectNamer
from udfs.experts.families.builtin.naming import declared
from udfs.experts.families.builtin.weights import load_namer, load_network, network_tensors, save_network

SMALL = {"size_px": 16, "widths": (4, 4, 8, 8), "blocks": (1, 1, 1), "hidden": 8}


def small_namer():
    torch.manual_seed(1)
    shape = NamerShape(kinds=2, colors=2, record=record_length(small_network().shape), **SMALL)
    return ObjectNamer(shape).eval()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("weights") / "named.safetensors"
    save_network(path, small_network(), EAGER.model_copy(update={"kind_temperature": 2.0}), small_namer())
    return path


def regions_of(path, rgb):
    spec = ExpertSpec(family="builtin", model=str(path), options={"pixels": 64 * 48})
    return loaded_expert("context", spec).predict([row(rgb)])[0]["regions"]


def noise():
    return np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8)


def test_every_region_declares_names(weights):
    regions = regions_of(weights, noise())
    assert len(regions) > 1
    for region in regions:
        names = region["names"]
        assert [name["probability"] for name in names] == sorted((n["probability"] for n in names), reverse=True)
        nouns = {n["noun"]: n["probability"] for n in names if not n["color"]}
        colors = {n["color"]: n["probability"] for n in names if not n["noun"]}
        assert max(nouns, key=lambda noun: nouns[noun]) == region["label"] and sum(nouns.values()) <= 1
        (both,) = [n for n in names if n["noun"] and n["color"]]
        assert both["probability"] <= min(nouns[both["noun"]], max(colors.values())) + 1e-6


def test_without_a_namer_no_probability_is_declared(tmp_path):
    save_network(tmp_path / "plain.safetensors", small_network(), EAGER)
    assert load_namer(tmp_path / "plain.safetensors") is None
    regions = regions_of(tmp_path / "plain.safetensors", noise())
    assert regions and all(region["names"] is None for region in regions)


def test_network_and_namer_come_back_from_one_file(weights):
    network, calibration = load_network(weights)
    namer = load_namer(weights)
    assert calibration.kind_temperature == 2.0 and namer is not None
    assert set(network_tensors(weights)) == set(network.state_dict())
    for one, other in ((network, small_network()), (namer, small_namer())):
        pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
        assert all(torch.allclose(a.float(), b.float(), atol=1e-3) for a, b in pairs)


def test_improbable_names_are_not_declared_and_nothing_has_no_color():
    shape = small_network().shape
    names = declared(np.array([0.6, 0.01, 0.39]), np.array([0.9, 0.1]), shape)
    found = {(n["noun"], n["color"]): round(n["probability"], 3) for n in names}
    # 0.39 is that the mask shows no single object, which has no color either
    assert found == {
        ("chair", None): 0.6,
        (None, "red"): 0.549,
        ("chair", "red"): 0.54,
        (None, "blue"): 0.061,
    }
