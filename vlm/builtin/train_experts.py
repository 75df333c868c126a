"""Train the built-in networks: pack, train, fit the filter, calibrate, write the weights."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from udfs.experts.families.builtin.network import NetworkShape
from udfs.experts.families.builtin.weights import Calibration, save_network
from vlm.builtin.calibration import calibrated
from vlm.builtin.likeness import fit_likeness
from vlm.builtin.measures import measured, outputs
from vlm.builtin.pack import Pack, write_pack
from vlm.builtin.settings import TrainSettings
from vlm.builtin.sources import labeled_image, of_crawl
from vlm.builtin.training import CHECKPOINT, Training, train
from vlm.errors import SettingsUnusable
from vlm.loop.checkpoint import RunFolder
from vlm.loop.settings import TrackingSettings
from vlm.loop.tracking import Run

WEIGHTS = "builtin.safetensors"
# They may change when a run resumes.
_FREE = frozenset(TrainSettings.model_fields) - {
    *("crawls", "lakes", "start", "batch", "seed", "width", "height", "rate", "weight_decay", "replicas", "half")
}
_TRACKING = TrackingSettings(experiment="train-experts", registered_model=None, system_metrics=False)

Report = Callable[[str], None]
LakeRows = Callable[[str], Iterable[Mapping[str, Any]]]


def _no_lakes(lake: str) -> Iterable[Mapping[str, Any]]:
    raise SettingsUnusable(f"{lake} cannot be read here; pass `lake_rows`, which reads the images of a lake.")


def train_experts(
    settings: TrainSettings, report: Report, shape: NetworkShape | None = None, lake_rows: LakeRows = _no_lakes
) -> dict[str, float]:
    """Train to `settings.steps`, resuming from the folder's checkpoint, and return the held-out metrics.

    Half of the held-out images calibrate, the metrics are of the other half; without any, nothing is calibrated.
    `lake_rows` yields the rows of a lake's `images`.

    Raises:
        SettingsUnusable: there is nothing to learn from, or a file cannot be read.
        RunDiffers: the folder holds a run of other settings.
    """
    if not settings.crawls and not settings.lakes:
        raise SettingsUnusable("There is nothing to learn from; name a --crawl or a --lake.")
    # The replicas are threads already; those of PyTorch would only spin beside them.
    torch.set_num_threads(1)
    folder = RunFolder(settings.out, _FREE)
    folder.check(settings.model_dump(mode="json"), {})
    with folder.held():
        pack, held_out = _packs(settings, lake_rows)
        training = _resumed(settings, shape, report)
        return _trained(training, pack, held_out, folder, report)


def _trained(
    training: Training, pack: Pack, held_out: Pack | None, folder: RunFolder, report: Report
) -> dict[str, float]:
    named = training.settings.model_dump(mode="json")
    known = (folder.begun() or {}).get("mlflow_run")
    with Run(f"sqlite:///{folder.folder / 'mlflow.db'}", _TRACKING, known, report) as run:
        if run.run_id != known:
            run.describe(named, {}, {})
            folder.begin(named, {}, run.run_id)

        def record(step: int, numbers: dict[str, float]) -> None:
            run.record(step, numbers)
            run.flush()
            report(f"step {step}: " + ", ".join(f"{name} {value:.4g}" for name, value in numbers.items()))

        def measure() -> dict[str, float]:
            if held_out is None:
                return {}
            return measured(
                training.mean, outputs(training.mean, held_out, 0, training.settings.measured), Calibration().thresholds
            )

        train(training, pack, measure, record)
        metrics = _finished(training, pack, held_out)
        # One step further, since the metrics of the last step have been recorded.
        record(training.step + 1, {f"final_{name}": value for name, value in metrics.items()})
        run.record_file(folder.folder / WEIGHTS)
        return metrics


def _packs(settings: TrainSettings, lake_rows: LakeRows) -> tuple[Pack, Pack | None]:
    size, folder = (settings.width, settings.height), Path(settings.out)
    images = chain(
        *(of_crawl(crawl) for crawl in settings.crawls),
        *(map(labeled_image, lake_rows(lake)) for lake in settings.lakes),
    )
    pack = write_pack(folder / "examples", images, size, [*settings.crawls, *settings.lakes])
    if settings.held_out is None:
        return pack, None
    return pack, write_pack(folder / "held_out", of_crawl(settings.held_out), size, [settings.held_out])


def _resumed(settings: TrainSettings, shape: NetworkShape | None, report: Report) -> Training:
    training, checkpoint = Training(settings, shape), Path(settings.out) / CHECKPOINT
    if checkpoint.exists():
        training.restore(checkpoint)
        report(f"Resuming from step {training.step}.")
    elif settings.start:
        training.start_from(Path(settings.start))
    return training


def _finished(training: Training, pack: Pack, held_out: Pack | None) -> dict[str, float]:
    settings, path = training.settings, Path(training.settings.out) / WEIGHTS
    loss = fit_likeness(training.mean, pack, settings.negatives, settings.seed)
    calibration, metrics = Calibration(pixels=settings.width * settings.height), {"likeness_loss": loss}
    if held_out is not None and held_out.count > 1:
        half = held_out.count // 2
        calibration = calibrated(training.mean, list(outputs(training.mean, held_out, 0, half)))
        rest = outputs(training.mean, held_out, half, held_out.count)
        metrics |= measured(training.mean, rest, calibration.thresholds)
    save_network(path, training.mean, calibration)
    return metrics
