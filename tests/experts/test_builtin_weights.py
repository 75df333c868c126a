"""The weights in the package, on rooms that they never saw: floors that broken weights fall through."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.builtin import auc, of_rooms
from scenes.crawl import write_crawl
from scenes.negatives import NEGATIVES, negative
from tests.experts.builtin_network import row
from udfs.experts.expert import PROFILES, loaded_expert
from udfs.experts.families.builtin.experts import PACKAGED
from udfs.experts.loading import ModelUnavailable
from udfs.experts.pinning import file_digest

SPEC = PROFILES["builtin"].depth
ROOMS, SEED = 24, 991


@pytest.fixture(scope="module")
def crawl(tmp_path_factory):
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("held_out")
    write_crawl(str(out), ROOMS, SEED, width=320, height=240)
    return out


def images_of(crawl):
    lines = (crawl / "manifest.jsonl").read_text().splitlines()
    return ({"bytes": Path(crawl, json.loads(line)["image"]).read_bytes()} for line in lines)


def test_weights_are_small_enough_to_be_packaged():
    assert PACKAGED.stat().st_size < 30e6


def test_profile_pins_the_packaged_weights():
    assert SPEC.revision == file_digest(PACKAGED)
    with pytest.raises(ModelUnavailable, match="is revision"):
        loaded_expert("depth", SPEC.model_copy(update={"revision": "0" * 12}))


def test_rooms_are_read_far_better_than_by_chance(crawl):
    figures = of_rooms(crawl, SPEC)
    floors = {
        "mask_recall_50": 0.5,
        "mask_precision_50": 0.5,
        "kind_right": 0.2,
        "depth_delta_125": 0.3,
    }
    assert {name: figures[name] for name, least in floors.items() if figures[name] < least} == {}
    assert figures["depth_known_focal_abs_rel"] < figures["baseline_mean_depth_abs_rel"]
    assert figures["gravity_median_deg"] < figures["gravity_level_camera_median_deg"] / 2


def test_filter_keeps_rooms_and_refuses_what_is_none(crawl):
    expert = loaded_expert("filter", SPEC.model_copy(update={"options": {"novelty": False}}))
    rooms = expert.predict([*images_of(crawl)])
    others = expert.predict([row(negative(kind, (320, 240), 77_000 + n)) for kind in NEGATIVES for n in range(4)])
    scores = [np.array([prediction["scores"]["spatial"] for prediction in batch]) for batch in (rooms, others)]
    assert auc(*scores) > 0.9 and (scores[0] >= 0.5).mean() > 0.7
    kept = [not isinstance(one, Exception) for one in loaded_expert("filter", SPEC).predict([*images_of(crawl)])]
    assert sum(kept) >= ROOMS - 2
