"""The process wall, without Spark: what it gives back, what it restarts, and that it leaves nothing behind."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import psutil
import pytest

from schemas.reasons import Outcome, Reason
from tests.runtime.brittle import CRASH, DEVICE_LOST
from tests.runtime.conftest import images, logged
from udfs.experts.expert import loaded_expert
from udfs.experts.isolation.guarded import GuardedExpert, guarded_expert, release_experts
from udfs.experts.loading import ModelUnavailable
from udfs.stages.perceive import Perception, perceived, scores_row
from udfs.stages.rows import RowRejected


@pytest.fixture
def guarded(spec) -> Iterator[GuardedExpert]:
    expert = GuardedExpert("filter", spec, "cpu")
    yield expert
    expert.stop()


def batches(rows, size=8):
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def test_gives_what_the_model_gives_in_this_process_and_loads_once(guarded, spec, log):
    rows = images(40, {})
    there = [outcome for part in guarded.predictions(batches(rows), 20.0) for outcome in part]
    assert [list(part) for part in guarded.predictions([rows[:3], [], rows[3:5]], 20.0)] == [there[:3], [], there[3:5]]
    assert [event for *_, event in logged(log) if event == "load"] == ["load"]
    assert there == loaded_expert("filter", spec).predict(rows)


def test_the_first_images_of_every_batch_are_decoded_before_it_is_begun(guarded, log):
    rows = [*images(20, {}), {**images(1, {})[0], "bytes": b"no image"}]
    outcomes = [outcome for part in guarded.predictions([rows[:10], rows[10:18], rows[18:]], 20.0) for outcome in part]
    assert [event for *_, event in logged(log) if "batch" in event] == [
        "batch 10, 8 decoded ahead",
        "batch 8, 8 decoded ahead",
        "batch 3, 2 decoded ahead",
    ]
    assert isinstance(outcomes[20], RowRejected) and "cannot identify image file" in str(outcomes[20])
    assert not any(isinstance(outcome, Exception) for outcome in outcomes[:20])


def test_poisoned_images_of_one_batch_are_rejected_alone(guarded, log):
    rows = images(32, {13: CRASH, 15: DEVICE_LOST})
    outcomes = [outcome for part in guarded.predictions(batches(rows), 30.0) for outcome in part]
    rejected = {n: outcome for n, outcome in enumerate(outcomes) if isinstance(outcome, RowRejected)}
    assert len(outcomes) == 32 and set(rejected) == {13, 15}
    for error, words in ((rejected[13], "died of SIGSEGV"), (rejected[15], "ended with exit code 70")):
        assert (error.outcome, error.reason) == (Outcome.FAILED, Reason.MODEL_CRASHED)
        assert words in str(error) and "spatiallake retry --stage filter" in str(error)
    assert sum(event == "load" for *_, event in logged(log)) == 4


def test_answers_that_nobody_waited_for_are_passed_over(guarded):
    rows = images(24, {})
    abandoned = guarded.predictions(batches(rows), 20.0)
    first = next(abandoned)
    abandoned.close()
    assert list(guarded.predictions([rows[:8]], 20.0)) == [first]


def test_a_model_that_dies_on_everything_is_at_fault_itself(guarded, monkeypatch):
    monkeypatch.setattr("udfs.experts.isolation.guarded._CRASHES_IN_A_ROW", 2)
    rows = images(8, dict.fromkeys(range(8), DEVICE_LOST))
    with pytest.raises(ModelUnavailable, match="died on 2 images in a row"):
        list(guarded.predictions([rows], 30.0))


def test_a_model_that_does_not_load_is_one_sentence(spec):
    lost = spec.model_copy(update={"model": "/nowhere/brittle.safetensors"})
    with pytest.raises(ModelUnavailable, match=r"Model /nowhere/brittle\.safetensors .* does not load: FileNotFound"):
        GuardedExpert("filter", lost, "cpu").load()


def test_a_worker_holds_one_model_at_a_time(spec):
    guarded_expert("filter", spec, "cpu").load()
    guarded_expert("filter", spec, "cuda:1").load()
    held = [
        child for child in psutil.Process().children() if "udfs.experts.isolation.child" in " ".join(child.cmdline())
    ]
    assert len(held) == 1
    guarded_expert("filter", spec, "cuda:1").stop()


def test_a_worker_tells_its_device_once(spec, capfd):
    for tells, lines in ((False, 0), (True, 1), (True, 0)):
        perception = Perception("filter", spec, scores_row, "recipe", tells_device=tells)
        assert [len(rows) for rows in perceived([images(3, {})], perception)] == [3]
        told = [json.loads(line) for line in capfd.readouterr().err.splitlines() if "worker_device" in line]
        assert len(told) == lines
        for one in told:
            assert (one["stage"], one["model"], one["device"]) == ("filter", spec.model, "cpu")
            assert one["process"] == os.getpid() and one["host"] and one["at"]
    release_experts()


def test_the_process_ends_with_its_worker(spec):
    worker = textwrap.dedent(f"""
        import os, psutil, signal
        from udfs.experts.expert import ExpertSpec
        from udfs.experts.isolation.guarded import guarded_expert
        guarded_expert("filter", ExpertSpec.model_validate_json({spec.model_dump_json()!r}), "cpu").load()
        print(psutil.Process().children()[0].pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run([sys.executable, "-c", worker], capture_output=True, text=True, check=False)
    assert done.stdout.strip(), done.stderr
    left = int(done.stdout)
    _, alive = psutil.wait_procs([psutil.Process(left)] if psutil.pid_exists(left) else [], timeout=120)
    assert not alive
