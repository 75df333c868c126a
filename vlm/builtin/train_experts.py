"""Train the built-in networks: pack, train, fit the filter, calibrate, write the weights."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from udfs.experts.families.builtin.network import NetworkShape
from udfs.experts.families.builtin.weights import (
    Calibration,
    Novelty,
    load_namer,
    load_network,
    load_novelty,
    save_network,
)
from vlm.builtin.calibration import calibrated
from vlm.builtin.example import LabeledImage
from vlm.builtin.likeness import fit_likeness, keep_rooms
from vlm.builtin.measures import measured, outputs
from vlm.builtin.naming_step import Record, calibrated_namer, crop_pack, trained_namer
from vlm.builtin.novelty import Rooms, fit_novelty, varied_image
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
    *("crawls", "lakes", "start", "batch", "seed", "width", "height", "rate", "weight_decay", "replicas", "half"),
    *("names_batch", "crop_pixels"),
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
    if not settings.steps and not (settings.start or "").endswith(".safetensors"):
        raise SettingsUnusable("Without steps there is no network; add --from with a file of weights, or --steps.")
    # The replicas are threads already; those of PyTorch would only spin beside them.
    torch.set_num_threads(1)
    folder = RunFolder(settings.out, _FREE)
    folder.check(settings.model_dump(mode="json"), {})
    with folder.held():
        pack, held_out = _packs(settings, lake_rows)
        training = _resumed(settings, shape, report)
        images = _Images(train=lambda: _images(settings, lake_rows), held_out=lambda: of_crawl(settings.held_out or ""))
        return _trained(training, pack, held_out, images, folder, report)


@dataclass(frozen=True)
class _Images:
    """The images at full size, each time anew."""

    train: Callable[[], Iterable[LabeledImage]]
    held_out: Callable[[], Iterable[LabeledImage]]


def _trained(
    training: Training, pack: Pack, held_out: Pack | None, images: _Images, folder: RunFolder, report: Report
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
        metrics = _finished(training, pack, held_out, images, record)
        # One step further, since the metrics of the last step have been recorded.
        record(
            training.step + training.settings.names_steps + 1,
            {f"final_{name}": value for name, value in metrics.items()},
        )
        run.record_file(folder.folder / WEIGHTS)
        return metrics


def _packs(settings: TrainSettings, lake_rows: LakeRows) -> tuple[Pack, Pack | None]:
    size, folder = (settings.width, settings.height), Path(settings.out)
    pack = write_pack(folder / "examples", _images(settings, lake_rows), size, [*settings.crawls, *settings.lakes])
    if settings.held_out is None:
        return pack, None
    return pack, write_pack(folder / "held_out", of_crawl(settings.held_out), size, [settings.held_out])


def _images(settings: TrainSettings, lake_rows: LakeRows) -> Iterable[LabeledImage]:
    return chain(
        *(of_crawl(crawl) for crawl in settings.crawls),
        *(map(labeled_image, lake_rows(lake)) for lake in settings.lakes),
    )


def _resumed(settings: TrainSettings, shape: NetworkShape | None, report: Report) -> Training:
    training, checkpoint = Training(settings, shape), Path(settings.out) / CHECKPOINT
    if checkpoint.exists():
        training.restore(checkpoint)
        report(f"Resuming from step {training.step}.")
    elif settings.start:
        training.start_from(Path(settings.start))
    return training


def _finished(
    training: Training, pack: Pack, held_out: Pack | None, images: _Images, record: Record
) -> dict[str, float]:
    """Calibrate the network, train and calibrate its namer, write the weights, and return the metrics."""
    settings, folder = training.settings, Path(training.settings.out)
    varied = _varied(settings) if _fits_filter(settings) else []
    calibration, metrics = _calibrated(training, pack, held_out, varied)
    novelty = _novelty(training, images, calibration, varied)
    if novelty is not None:
        metrics |= {"novelty_limit": novelty[1].limit, "novelty_rejected": novelty[1].rejected}
    namer = load_namer(Path(settings.start)) if _keeps_network(settings) and settings.start else None
    if settings.names_steps:
        sources = [*settings.crawls, *settings.lakes]
        crops = crop_pack(folder / "crops", training.mean, images.train, calibration, settings, sources)
        namer = trained_namer(training.mean, crops, settings, folder, record)
        if held_out is not None:
            aside = [settings.held_out]
            crops = crop_pack(folder / "held_out_crops", training.mean, images.held_out, calibration, settings, aside)
            calibration, found = calibrated_namer(namer, crops, calibration)
            metrics |= found
    save_network(folder / WEIGHTS, training.mean, calibration, namer, novelty)
    return metrics


def _keeps_network(settings: TrainSettings) -> bool:
    return not settings.steps and bool(settings.start)


def _fits_filter(settings: TrainSettings) -> bool:
    """Return whether filter and novelty test are fitted, or kept as the weights to start from have them."""
    start = settings.start if _keeps_network(settings) else None
    return start is None or settings.refit_filter or load_novelty(Path(start)) is None


def _varied(settings: TrainSettings) -> list[NDArray[np.uint8]]:
    return [varied_image(settings.seed * 1_000_003 + number) for number in range(settings.novelty // 2)]


def _novelty(
    training: Training, images: _Images, calibration: Calibration, varied: list[NDArray[np.uint8]]
) -> Novelty | None:
    settings = training.settings
    if not _fits_filter(settings):
        return load_novelty(Path(settings.start or ""))
    if not settings.novelty:
        return None
    rooms = (image.rgb for image in images.train())
    held_out = (image.rgb for image in images.held_out()) if settings.held_out else None
    given = Rooms(rooms, held_out, varied)
    return fit_novelty(training.mean, calibration.pixels, given, settings.novelty, settings.seed)


def _calibrated(
    training: Training, pack: Pack, held_out: Pack | None, varied: list[NDArray[np.uint8]]
) -> tuple[Calibration, dict[str, float]]:
    """Fit the filter and the calibration, or keep those of the weights where no step was made."""
    settings, metrics = training.settings, {}
    calibration = Calibration(pixels=settings.width * settings.height)
    if _keeps_network(settings):
        calibration = load_network(Path(settings.start or ""))[1]
    if not _keeps_network(settings) or settings.refit_filter:
        loss = fit_likeness(training.mean, pack, settings.negatives, settings.seed, varied)
        metrics = {"likeness_loss": loss}
        if held_out is not None and held_out.count > 1:
            keep_rooms(training.mean, held_out, 0, held_out.count // 2)
    if held_out is not None and held_out.count > 1:
        half = held_out.count // 2
        if settings.steps:
            calibration = calibrated(training.mean, list(outputs(training.mean, held_out, 0, half)))
        rest = outputs(training.mean, held_out, half, held_out.count)
        metrics |= measured(training.mean, rest, calibration.thresholds)
    return calibration, metrics
