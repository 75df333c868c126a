"""How runs end in MLflow, and what an MLflow that fails costs them."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from tests.loop.mlflow_server import FailingServer, mlflow_server
from tests.loop.tiny import history, settings_of
from vlm.errors import LossDiverged, TrackingUnusable
from vlm.evaluation.scores.interval import Score
from vlm.evaluation.scores.numbers import RANGES
from vlm.loop import attempts
from vlm.loop.attempts import cause_of
from vlm.loop.checkpoint import RunFolder
from vlm.loop.metric_names import metric_name
from vlm.loop.metrics import MetricBuffer, score_metrics
from vlm.loop.settings import TrackingSettings, TrainSettings
from vlm.loop.tracking import Run, log_scores
from vlm.loop.training import train

STEPS = list(range(1, 13))
QUIET = TrackingSettings(system_metrics=False)


def status(settings: TrainSettings) -> str:
    run = json.loads((Path(settings.out) / "run.json").read_text())["mlflow_run"]
    return MlflowClient(settings.tracking_uri).get_run(run).info.status


def assert_whole(settings: TrainSettings) -> None:
    """The run ended well, and MLflow has every step of it once."""
    assert status(settings) == "FINISHED"
    for name in ("loss", "loss/light", "samples_per_s"):
        assert [step for step, _ in history(settings, name)] == STEPS


def at_step(step: int, act: Callable[[], object], lines: list[str] | None = None) -> Callable[[str], None]:
    """A report that acts when a step is reported, and keeps the lines."""

    def report(line: str) -> None:
        if lines is not None:
            lines.append(line)
        if line.startswith(f"step {step}:"):
            act()

    return report


def interrupt() -> None:
    raise KeyboardInterrupt


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def crash() -> None:
    raise OSError("No space left on device")


@pytest.mark.parametrize(
    ("act", "raised", "ended"),
    [(interrupt, KeyboardInterrupt, "KILLED"), (terminate, SystemExit, "KILLED"), (crash, OSError, "FAILED")],
)
def test_a_run_that_dies_does_not_end_well_and_goes_on_in_the_same_run(
    place: Path, act: Callable[[], None], raised: type[BaseException], ended: str
) -> None:
    settings = settings_of(place, f"dies-{act.__name__}")
    with pytest.raises(raised):
        train(settings, at_step(5, act))
    assert status(settings) == ended
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    train(settings)
    assert_whole(settings)


def test_a_loss_that_diverges_fails_the_run(place: Path) -> None:
    settings = settings_of(place, "diverges", optimizer={"learning_rate": 1e30, "warm_up_steps": 0})
    with pytest.raises(LossDiverged):
        train(settings)
    assert status(settings) == "FAILED"


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[FailingServer]:
    with mlflow_server(place) as server:
        yield server


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow is tried again at once."""
    monkeypatch.setattr(attempts, "_REST_S", 0.0)
    monkeypatch.setattr(attempts, "_PAUSES_S", (0.0, 0.0))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def fail(server: FailingServer, path: str | None) -> None:
    server.fails, server.failed = path, 0


@pytest.mark.parametrize("path", ["log-batch", "/api/", "set-tag"])
def test_a_server_that_fails_for_a_while_costs_warnings(place: Path, server: FailingServer, path: str) -> None:
    settings = settings_of(place, f"hiccup{path.strip('/')}", tracking__uri=server.uri, loop__samples=1)
    lines: list[str] = []

    def report(line: str) -> None:
        at_step(5, lambda: fail(server, path), lines)(line)
        at_step(12, lambda: fail(server, None))(line)

    train(settings, report)
    warned = [line for line in lines if line.startswith("Warning: ")]
    assert bool(warned) == (path != "set-tag")
    assert all("\n" not in line and line.endswith("; it is tried again.") for line in warned)
    assert_whole(settings)


def test_a_server_that_stays_down_costs_no_step_and_gets_them_from_the_next_start(
    place: Path, server: FailingServer
) -> None:
    settings = settings_of(place, "down", tracking__uri=server.uri, loop__samples=1, tracking__registered_model="down")
    lines: list[str] = []
    train(settings, at_step(5, lambda: fail(server, "/api/"), lines))
    latest = RunFolder(settings.out).latest()
    assert latest and latest.step == 12
    assert (Path(settings.out) / "model" / "config.json").is_file()
    assert "start the same command again" in lines[-2]
    fail(server, None)
    assert status(settings) == "RUNNING"
    train(settings)
    assert_whole(settings)
    assert MlflowClient(server.uri).search_model_versions("name = 'down'")


def test_a_server_that_fails_at_the_start_is_one_sentence(place: Path, server: FailingServer) -> None:
    settings = settings_of(place, "no-start", tracking__uri=server.uri)
    fail(server, "/api/")
    with pytest.raises(TrackingUnusable, match=r"MLflow cannot open a run .*; correct tracking\.uri") as caught:
        train(settings)
    assert "\n" not in str(caught.value)
    assert server.failed == 3
    fail(server, None)
    train(settings)
    # A resumed run does not become another one because the server fails.
    fail(server, "runs/get")
    with pytest.raises(TrackingUnusable):
        train(settings)
    fail(server, None)
    assert_whole(settings)


def test_an_evaluation_that_fails_costs_a_warning(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*given: object) -> list[object]:
        raise RuntimeError("out of memory\nTry something")

    monkeypatch.setattr("vlm.loop.training.answers", failing)
    settings, lines = settings_of(place, "unevaluated", loop__samples=1, loop__sample_every=4), []
    checkpoints: list[int] = []

    def report(line: str) -> None:
        lines.append(line)
        if line.startswith("Warning"):
            latest = RunFolder(settings.out).latest()
            checkpoints.append(latest.step if latest else 0)

    train(settings, report)
    failed = [f"Warning: the evaluation of step {step} failed (out of memory)" for step in (0, 4, 8, 12)]
    assert [line.split(";")[0] for line in lines if line.startswith("Warning")] == failed
    # Each was preceded by a checkpoint of its step.
    assert checkpoints == [0, 4, 8, 12]
    assert_whole(settings)


NAMES = [
    "score/in_range[0.5,2]",
    "score/in_range[2/3,1.5]_blanked",
    "loss/LLaVA 1.5 (mix), 5 %",
    "loss/椅子",
    "loss/..",
]


@pytest.mark.parametrize("store", ["sqlite", "server"])
def test_every_name_comes_back_from_mlflow_under_its_documented_form(
    place: Path, server: FailingServer, store: str
) -> None:
    uri = f"sqlite:///{place}/mlflow.db" if store == "sqlite" else server.uri
    numbers = {name: float(place) for place, name in enumerate(NAMES)}
    with Run(uri, QUIET, None) as run:
        run.record(1, numbers)
    log_scores(uri, run.run_id, [Score(name, 0.5, 3) for name in RANGES], 2)
    found = MlflowClient(uri).get_run(run.run_id)
    named = {metric_name(name): value for name, value in numbers.items()}
    later = {metric_name(f"score/{name}"): 0.5 for name in RANGES}
    assert found.data.metrics == {**named, **later}
    assert len(named) == len(NAMES)
    assert list(later) == ["score/in_range_0.5_2", "score/in_range_2_3_1.5", "score/in_range_0.9_1.1"]
    assert found.info.status == "FINISHED"


def test_a_name_that_needs_no_other_keeps_its_own() -> None:
    for name in ("loss", "loss/spatial", "score/number_rate_low", "learning_rate", "score/rmse 1-3 m", "_x/_y"):
        assert metric_name(name) == name
    assert score_metrics([Score("a", 0.5, 2, 0.4, 0.6)]) == {"score/a": 0.5, "score/a_low": 0.4, "score/a_high": 0.6}


def test_a_name_that_a_server_refuses_costs_only_itself(place: Path) -> None:
    class Picky(MlflowClient):
        def log_batch(self, run_id: str, metrics: Any = (), **given: Any) -> None:
            if any(one.key == "bad" for one in metrics):
                raise MlflowException("No bad names.", INVALID_PARAMETER_VALUE)
            super().log_batch(run_id, metrics, **given)

    uri = f"sqlite:///{place}/mlflow.db"
    with Run(uri, QUIET, None) as run:
        warned: list[str] = []
        buffer = MetricBuffer(Picky(uri), run.run_id, warned.append)
        for step in (1, 2):
            buffer.add(step, {"good": step, "bad": step})
            buffer.send()
    assert warned == ["Warning: MLflow refuses the metric bad (No bad names); it is left out."]
    assert MlflowClient(uri).get_run(run.run_id).data.metrics == {"good": 2.0}


def test_errors_are_told_without_passwords() -> None:
    said = cause_of(RuntimeError("API request to https://me:secret@host/api failed.\nTraceback"))
    assert said == "API request to https://host/api failed"
