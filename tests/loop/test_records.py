"""What a run leaves: a model that answers, and in MLflow the data that it learned from, samples and scores."""

import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient
from PIL import Image
from typer.testing import CliRunner

from jobs.cli.options import app
from jobs.engine.errors import UsageError
from tests.examples_table import RECIPE
from tests.loop.tiny import conversation, history, settings_of
from vlm.errors import SettingsUnusable
from vlm.evaluation.scores.interval import Score
from vlm.feed.snapshot import Snapshot
from vlm.loop.optimizer import rate_at
from vlm.loop.settings import OptimizerSettings, TrainSettings
from vlm.loop.tracking import log_scores
from vlm.loop.training import train


def run_of(settings: TrainSettings) -> str:
    return json.loads((Path(settings.out) / "run.json").read_text())["mlflow_run"]


@pytest.fixture(scope="module")
def learned(place: Path) -> TrainSettings:
    """A run long enough to tell light images from dark ones."""
    settings = settings_of(
        place, "learned", tracking__registered_model="light", tracking__system_metrics=True, loop__steps=120,
        loop__global_batch=12, loop__sample_every=60, loop__samples=3, loop__checkpoint_every=60,
        model__freeze_vision_encoder=False, model__sequence={"independent_turns": True, "bidirectional_image": True},
        optimizer={"learning_rate": 0.01, "warm_up_steps": 10, "vision_encoder_lr_factor": 1.0},
    )  # fmt: skip
    asked = [
        {"id": str(n), "image": f"{n}.png", "type": "light", "conversations": conversation([("Light?", answer)])}
        for n, answer in ((0, "No"), (1, "Yes"), (2, "No"), (3, "Yes"))
    ]
    (place / "asked.json").write_text(json.dumps(asked))
    evaluation = {"format": "llava", "path": str(place / "asked.json"), "max_items": 3, "batch": 2}
    settings = TrainSettings.model_validate({**settings.model_dump(), "evaluation": evaluation})
    train(settings)
    return settings


def test_the_model_looks_and_is_registered_to_be_asked(place: Path, learned: TrainSettings) -> None:
    assert history(learned, "loss/light")[-1][1] < 0.2
    client = MlflowClient(learned.tracking_uri)
    version = client.search_model_versions("name = 'light'")[0]
    assert version.run_id == run_of(learned)
    assert {"engine_version", "transformers_version"} <= version.tags.keys()
    mlflow.set_tracking_uri(learned.tracking_uri)
    asked = pd.DataFrame({"image": [(place / f"{n}.png").read_bytes() for n in range(4)], "question": ["Light?"] * 4})
    answers = mlflow.pyfunc.load_model("models:/light/1").predict(asked)["answer"].tolist()
    assert answers == ["No", "Yes", "No", "Yes"]


def test_samples_scores_settings_and_curves_are_recorded(tmp_path: Path, learned: TrainSettings) -> None:
    client, run = MlflowClient(learned.tracking_uri), run_of(learned)
    params = client.get_run(run).data.params
    assert (params["optimizer.learning_rate"], params["mixture.streams.0.kind"]) == ("0.01", "llava")
    scores = history(learned, "score/qualitative")
    # The first ones are of the model as it came.
    assert [step for step, _ in scores] == [0, 60, 120]
    assert scores[-1][1] == 1.0
    assert [step for step, _ in history(learned, "score/qualitative_blanked")] == [0, 60, 120]
    log_scores(learned.tracking_uri, run, [Score("later", 0.5, 4)], 120)
    assert history(learned, "score/later") == [(120, 0.5)]
    paths = {one.path for one in client.list_artifacts(run)} | {
        one.path for one in client.list_artifacts(run, "samples")
    }
    for name in ("loss.png", "samples/step-000000120.png"):
        assert name in paths
        with Image.open(client.download_artifacts(run, name, str(tmp_path))) as drawn:
            assert min(drawn.size) > 100
    said = json.loads(Path(client.download_artifacts(run, "samples/step-000000120.json", str(tmp_path))).read_text())
    assert [one["target"] for one in said] == [one["prediction"] for one in said]
    experiment = client.get_experiment_by_name("spatiallake")
    artifacts = experiment.artifact_location
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    assert (
        Path(artifacts.removeprefix("file://")).parent.parent
        == Path(learned.tracking_uri.removeprefix("sqlite:///")).parent
    )


def test_a_table_is_pinned_and_named_in_the_run(place: Path, examples_table: str, snapshot: Snapshot) -> None:
    feed = {"table": examples_table, "recipe": RECIPE, "seed": 3}
    settings = settings_of(place, "table", feed=feed, mixture__spatial_share=0.5, loop__workers=2)
    outcome = train(settings)
    assert outcome.tokens["spatial"] / sum(outcome.tokens.values()) == pytest.approx(0.5, abs=0.02)
    run = MlflowClient(settings.tracking_uri).get_run(run_of(settings))
    tags = run.data.tags
    assert tags["delta_version"] == str(snapshot.version)
    assert (tags["delta_table_id"], tags["data_digest"]) == (snapshot.table_id, snapshot.digest)
    assert (tags["data_rows"], int(tags["data_tokens"]) > 0) == (str(snapshot.rows), True)
    assert run.inputs.dataset_inputs[0].dataset.digest == snapshot.digest[:36]
    assert history(settings, "loss/spatial") and history(settings, "loss/light")
    alone = settings_of(place, "alone", feed={**feed, "backend": "pyarrow"}, mixture={}, loop__steps=2)
    assert train(alone).tokens.keys() == {"spatial"}


def test_a_lakes_database_lies_in_the_lake(tmp_path: Path) -> None:
    model = {"model": "m"}
    local = TrainSettings.model_validate({"out": "o", "lake": str(tmp_path), "model": model})
    assert local.tracking_uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert local.feed and local.feed.table == f"{tmp_path}/training_examples"
    remote = TrainSettings.model_validate({"out": str(tmp_path / "o"), "lake": "s3://bucket/lake", "model": model})
    assert remote.tracking_uri == f"sqlite:///{tmp_path}/o/mlflow.db"


def test_the_rate_rises_and_falls() -> None:
    settings = OptimizerSettings(learning_rate=2.0, warm_up_steps=4, min_lr_ratio=0.1)
    assert [rate_at(step, 12, settings) for step in (1, 2, 4)] == [0.5, 1.0, 2.0]
    assert rate_at(8, 12, settings) == pytest.approx(1.1)
    assert rate_at(12, 12, settings) == pytest.approx(0.2)
    constant = settings.model_copy(update={"schedule": "constant", "warm_up_steps": 0})
    assert {rate_at(step, 12, constant) for step in range(1, 13)} == {2.0}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--model m", "nothing to learn from; give `lake`"),
        ("--lake l --vision-encoder t", "give `model`, or both `vision_encoder` and `decoder`"),
        ("--lake nowhere --model m", "There is no Delta table at"),
        ("--lake l --model m --set loop.steps=0", "loop.steps"),
        ("--lake l --model m --set loop.stepz=3", "loop.stepz"),
    ],
)
def test_the_command_says_in_one_sentence_what_cannot_be_used(options: str, said: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["train", "--out", str(tmp_path / "o"), *options.split()])
    assert isinstance(done.exception, UsageError)
    assert said in str(done.exception)
    assert "\n" not in str(done.exception)


def test_a_fault_in_a_loaders_worker_is_one_sentence_too(place: Path) -> None:
    settings = settings_of(place, "short", loop__workers=1, model__sequence={"max_tokens": 12})
    file = place / "short.yaml"
    file.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    done = CliRunner().invoke(app, ["train", "--out", settings.out, "--settings", str(file)])
    assert isinstance(done.exception, UsageError)
    assert str(done.exception).startswith("An image has 17 tokens, but a sequence may have 12")


def test_items_that_cannot_be_asked_are_told_before_anything_is_learned(place: Path, tmp_path: Path) -> None:
    texts = [{"id": "t", "type": "who", "conversations": conversation([("Who?", "A model")])}]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    for path, why in ((tmp_path / "none.json", "none.json"), (tmp_path / "texts.json", "no item with one image")):
        with pytest.raises(SettingsUnusable, match=why):
            train(settings_of(place, "unasked", evaluation={"format": "llava", "path": str(path)}))
    with pytest.raises(SettingsUnusable, match="lava"):
        train(settings_of(place, "unasked", evaluation={"format": "lava", "path": str(tmp_path)}))
