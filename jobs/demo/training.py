"""The demo's training: a few steps of a tiny model on the lake's own examples."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jobs.engine.exports import note_export
from jobs.engine.memory import with_shown_examples

if TYPE_CHECKING:
    from vlm.loop.settings import TrainSettings

STEPS = 10


class Trained(NamedTuple):
    """The losses of a run's steps, in nats per answer token."""

    losses: list[float]


def train_a_little(lake: str, folder: Path, plot: Path, seed: int) -> Trained:
    """Train a tiny model of random weights for a few steps on `training_examples`, and plot the loss of each step.

    The run is logged to the MLflow database of the lake; `folder` gets the models. A run that has ended is not
    repeated.
    """
    from jobs.engine.layers import validated
    from vlm.loop.plots import loss_figure
    from vlm.loop.settings import TrainSettings
    from vlm.loop.training import train
    from vlm.model.tiny import write_tiny_model

    model = folder / "tiny"
    if not (model / "config.json").exists():
        write_tiny_model(model, seed)
    settings = {
        "out": str(folder / "run"),
        "lake": lake,
        "model": {"model": str(model), "freeze_vision_encoder": False},
        "optimizer": {"learning_rate": 3e-3, "warm_up_steps": 2},
        "loop": {"steps": STEPS, "global_batch": 8, "workers": 0, "seed": seed, "samples": 0, "device": "cpu"},
        "tracking": {"uri": f"sqlite:///{lake}/mlflow.db", "registered_model": None, "system_metrics": False},
    }
    chosen = validated(TrainSettings, with_shown_examples(settings))
    note_export(lake, "training run", chosen.out)
    train(chosen, report=lambda _: None)
    losses = _losses(chosen)
    loss_figure({"loss": losses}).savefig(plot, dpi=120)
    return Trained([value for _, value in losses])


def _losses(settings: "TrainSettings") -> list[tuple[int, float]]:
    """Return the loss of each step of the newest run in MLflow."""
    from mlflow import MlflowClient

    client = MlflowClient(settings.tracking_uri)
    experiment = client.get_experiment_by_name(settings.tracking.experiment)
    ids = [experiment.experiment_id] if experiment else []
    (run,) = client.search_runs(ids, order_by=["attributes.start_time DESC"], max_results=1)
    return sorted((one.step, one.value) for one in client.get_metric_history(run.info.run_id, "loss"))
