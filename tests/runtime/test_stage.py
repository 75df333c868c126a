"""A learned expert through the real stage and Delta tables: five hundred images, some of them poisoned."""

import os

import pytest
from pyspark.sql import SparkSession

from jobs.engine.errors import ModelFailed, UsageError
from jobs.engine.lake import Lake
from jobs.engine.preflight import model_failures, require_experts
from jobs.engine.resources import task_profile
from jobs.engine.stream import StreamOptions, run_stage
from jobs.stages.filter import STAGE as FILTER
from schemas.images import IMAGES
from schemas.operations import QUARANTINE
from schemas.perception import IMAGE_SCORES
from tests.jobs.image_rows import add_images, ids
from tests.runtime.brittle import CRASH, HANG, NOT_FINITE
from tests.runtime.conftest import images, logged
from udfs.experts.expert import SENSOR, loaded_expert

POISON = {77: CRASH, 222: HANG, 450: NOT_FINITE}


@pytest.fixture
def lake(spark: SparkSession, tmp_path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"), str(tmp_path / "lake" / "_checkpoints"))


def test_poisoned_images_among_five_hundred_are_quarantined_alone(lake, spec, log):
    rows = images(500, POISON)
    add_images(lake, rows)
    patient = spec.model_copy(update={"timeout_s": 5.0})
    stage = FILTER.made(expert=patient)
    assert require_experts(lake, [stage]) == {"filter": "cpu"}
    summary = run_stage(lake, stage, StreamOptions())
    assert (summary.rows_in, summary.rows_out) == (500, 497)
    left_out = {row["image_id"]: row for row in lake.read(QUARANTINE).collect()}
    reasons = {number: left_out[rows[number]["image_id"]]["reason"] for number in POISON}
    assert reasons == {77: "model_crashed", 222: "model_timed_out", 450: "model_output_invalid"}
    assert len(left_out) == 3 and {row["outcome"] for row in left_out.values()} == {"failed"}
    scores = {row["image_id"]: row["scores"] for row in lake.read(IMAGE_SCORES).collect()}
    sound = [row for number, row in enumerate(rows) if number not in POISON]
    assert sorted(scores) == sorted(row["image_id"] for row in sound)
    expected = loaded_expert("filter", spec).predict(sound[:50])
    assert [scores[row["image_id"]] for row in sound[:50]] == [one["scores"] for one in expected]
    loads = [(process, parent) for process, parent, _, event in logged(log) if event == "load"]
    workers = {parent for _, parent in loads} - {os.getppid()}
    # One load for each worker and two more for each image that ended a process; one here, to compare with.
    assert len(loads) - 1 <= len(workers) + 4


def test_a_model_that_does_not_load_stops_the_run_before_it(lake, spec):
    stage = FILTER.made(expert=spec.model_copy(update={"model": "/nowhere/brittle.safetensors"}))
    with pytest.raises(ModelFailed, match=r"Stage filter: Model /nowhere/brittle\.safetensors") as failure:
        require_experts(lake, [stage])
    assert "\n" not in str(failure.value) and "Traceback" not in str(failure.value)


def test_a_model_that_fails_in_the_middle_is_one_sentence(lake, spec):
    add_images(lake, images(4, {}))
    stage = FILTER.made(expert=spec.model_copy(update={"model": "/nowhere/brittle.safetensors"}))
    with pytest.raises(ModelFailed, match=r"does not load: FileNotFoundError: .*settings\.$"), model_failures():
        run_stage(lake, stage, StreamOptions())
    assert ids(lake, IMAGE_SCORES) == []
    assert lake.read(IMAGES).count() == 4


def test_rules_need_no_check_and_gpus_need_executors_that_have_them(lake):
    assert require_experts(lake, [FILTER.made(expert=SENSOR, gpus_per_task=1.0)]) == {}
    assert task_profile(lake.session, None) is None
    with pytest.raises(UsageError, match="gpus_per_task=1 needs executors with GPUs"):
        task_profile(lake.session, 1.0)
