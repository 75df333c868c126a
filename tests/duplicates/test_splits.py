"""Synthesis draws splits from groups, and leaves out what would divide one or is not the image to keep."""

import random
from typing import Any

import pyarrow as pa
import pytest

from tests.questions.shapes import INPUT, OUTPUT
from tests.questions.worlds import solid_scene
from udfs.questions.answering import split_of
from udfs.questions.settings import SynthesizeSettings
from udfs.stages.synthesize import synthesize_batches

HALVES = SynthesizeSettings(test_share=0.5, validation_share=0.0)
NAMES = [f"group {number}" for number in range(20)]
TEST = [name for name in NAMES if split_of(name, HALVES) == "test"]
TRAIN = [name for name in NAMES if split_of(name, HALVES) == "train"]


def synthesized(settings: SynthesizeSettings, **group: Any) -> tuple[set[str], set[str]]:
    """Return the splits and the reasons of one scene whose image has these columns of `near_duplicates`."""
    scene, names = solid_scene(random.Random(4))
    texts = pa.string()
    schema = INPUT
    for name, kind in (("cluster_id", texts), ("group_id", texts), ("other_groups", pa.list_(texts))):
        schema = schema.append(pa.field(name, kind))
    batch = pa.RecordBatch.from_pylist([{**scene, "references": names, **group}], schema=schema)
    made = [row for out in synthesize_batches(iter([batch]), settings, "r", OUTPUT) for row in out.to_pylist()]
    reasons = {reject["reason"] for row in made for reject in row["rejects"]}
    return {row["split"] for row in made if not row["rejects"]}, reasons


@pytest.mark.parametrize("name", NAMES)
def test_the_split_is_that_of_the_group(name: str) -> None:
    alone = {"cluster_id": "x", "group_id": name, "other_groups": []}
    assert synthesized(HALVES, **alone) == ({split_of(name, HALVES)}, set())


def test_groups_of_one_split_may_be_connected_and_those_of_two_may_not() -> None:
    same = {"cluster_id": "x", "group_id": TEST[0], "other_groups": TEST[1:]}
    assert synthesized(HALVES, **same) == ({"test"}, set())
    divided = {"cluster_id": "x", "group_id": TEST[0], "other_groups": [TEST[1], TRAIN[0]]}
    assert synthesized(HALVES, **divided) == (set(), {"divided_duplicates"})


def test_one_image_of_a_cluster_is_kept_where_that_is_asked_for() -> None:
    scene, _ = solid_scene(random.Random(4))
    keep_one = HALVES.model_copy(update={"keep_one_duplicate": True})
    copy = {"cluster_id": "another", "group_id": TRAIN[0], "other_groups": []}
    assert synthesized(HALVES, **copy) == ({"train"}, set())
    assert synthesized(keep_one, **copy) == (set(), {"near_duplicate"})
    first = {**copy, "cluster_id": scene["image_id"]}
    assert synthesized(keep_one, **first) == ({"train"}, set())


def test_the_default_leaves_the_settings_of_a_recipe_as_they_were() -> None:
    assert "keep_one_duplicate" not in HALVES.changes()
    assert HALVES.model_copy(update={"keep_one_duplicate": True}).changes()["keep_one_duplicate"]
