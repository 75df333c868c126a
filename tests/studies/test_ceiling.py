"""What lengths follow from a vision encoder's tokens: the right things are looked at, and what they say is learned."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from jobs.views.reader import LakeReader
from studies.claims.ceiling import Numbers, numbers, predicted, trained
from studies.claims.grow import load_base
from studies.claims.study import BASE
from tests.pages.small_lake import write_lake
from tests.studies.encoders import centers_px
from vlm.examples import decoded
from vlm.model.loading import VisionLanguageModel

IMAGES, THINGS, FEATURES = 400, 6, 8


def made(seed: int, ids: str) -> Numbers:
    """Questions of two kinds: the length of a thing, and how many times as long another is."""
    draws = np.random.default_rng(seed)
    tokens = 0.05 * draws.normal(size=(IMAGES, THINGS, FEATURES))
    asked, logs = [], []
    for image in range(IMAGES):
        for _ in range(4):
            one, other = draws.choice(THINGS, 2, replace=False)
            ratio = bool(draws.integers(2))
            log = tokens[image, one, 3] - ratio * tokens[image, other, 3]
            asked.append((image, int(ratio), int(one), int(other) if ratio else THINGS))
            logs.append(20 * log)
    held = torch.from_numpy(tokens).half()
    return Numbers(held, torch.tensor(asked), torch.tensor(logs).float(), [f"{ids}{n}" for n in range(len(asked))])


def test_what_the_tokens_of_the_things_asked_about_say_is_learned() -> None:
    known, asked = made(0, "a"), made(1, "b")
    said = predicted(trained(known, epochs=20), asked)
    assert list(said) == asked.ids
    errors = torch.tensor([math.log(said[name]) for name in asked.ids]) - asked.logs
    # Logs have a deviation of 1 to 1.4; of another thing than the one asked about nothing would follow.
    assert errors.abs().median() < 0.2


@pytest.fixture(scope="module")
def base() -> VisionLanguageModel:
    return load_base(BASE)


def test_things_are_looked_for_where_their_boxes_are(base: VisionLanguageModel, tmp_path: Path) -> None:
    lake = LakeReader(str(write_lake(tmp_path / "lake")))
    found = numbers(lake, base)
    rows = {row["qa_id"]: row for row in lake.query("qa_pairs", "SELECT * FROM t")}
    wanted = {name for name, row in rows.items() if (row["value_si"] or 0) > 0 and row["unit_si"] != "rad"}
    assert set(found.ids) == wanted
    assert len(wanted) > 10
    regions = {row["image_id"]: row for row in lake.query("regions", "SELECT * FROM t")}
    images = {row["image_id"]: decoded(row["bytes"]) for row in lake.query("images", "SELECT * FROM t")}
    cells, looked = len(found.tokens[0]) - base.vision_encoder.config.objects, 0
    for name, (_, _, *places), log in zip(found.ids, found.asked.tolist(), found.logs.tolist(), strict=True):
        row = rows[name]
        assert log == pytest.approx(math.log(row["value_si"]))
        seen = centers_px(base, images[row["image_id"]])
        for thing, place in zip(row["object_ids"], places, strict=False):
            ((left, top, right, bottom),) = [
                one["bbox_px"] for one in regions[row["image_id"]]["regions"] if one["region_id"] == thing
            ]
            gaps = np.hypot(*(seen - ((left + right) / 2, (top + bottom) / 2)).T)
            assert gaps[place - cells] == pytest.approx(gaps.min(), abs=0.5)
            looked += 1
        assert places[len(row["object_ids"]) :] == [len(found.tokens[0])] * (2 - len(row["object_ids"]))
    assert looked > 10
