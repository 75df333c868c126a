"""Train the built-in networks: pack, train, fit the filter, calibrate, write the weights."""

from collections.abc import Callable
from itertools import chain
from pathlib import Path

import torch

from jobs.engine.errors import UsageError
from udfs.experts.families.builtin.network import NetworkShape
from udfs.experts.families.builtin.weights import Calibration, save_network
from vlm.builtin.calibration import calibrated
from vlm.builtin.likeness import fit_likeness
from vlm.builtin.measures import measured, outputs
from vlm.builtin.pack import Pack, write_pack
from vlm.builtin.settings import TrainSettings
from vlm.builtin.sources import of_crawl, of_lake
from vlm.builtin.tracking import record_file, tracked
from vlm.builtin.training import CHECKPOINT, Training, train

WEIGHTS = "builtin.safetensors"


def train_experts(
    settings: TrainSettings, say: Callable[[str], None], shape: NetworkShape | None = None
) -> dict[str, float]:
    """Train to `settings.steps`, going on from the folder's checkpoint, and return the held-out measures.

    Half of the held-out pictures calibrate, the other half is measured on. Without any, nothing is calibrated.
    """
    if not settings.crawls and not settings.lakes:
        raise UsageError("There is nothing to learn from; name a --crawl or a --lake.")
    # the replicas are the threads: those of PyTorch would only spin beside them
    torch.set_num_threads(1)
    folder = Path(settings.out)
    pack, held_out = _packs(settings, folder)
    training = Training(settings, shape)
    if (folder / CHECKPOINT).exists():
        training.restore(folder / CHECKPOINT)
        say(f"Going on from step {training.step}.")
    elif settings.start:
        training.start_from(Path(settings.start))
    with tracked(settings) as record:

        def report(step: int, numbers: dict[str, float]) -> None:
            record(step, numbers)
            say(f"step {step}: " + ", ".join(f"{name} {value:.4g}" for name, value in numbers.items()))

        def measure() -> dict[str, float]:
            if held_out is None:
                return {}
            seen = outputs(training.mean, held_out, 0, settings.measured)
            return measured(training.mean, seen, Calibration().thresholds)

        train(training, pack, measure, report)
        return _finished(training, pack, held_out, report)


def _packs(settings: TrainSettings, folder: Path) -> tuple[Pack, Pack | None]:
    size = settings.width, settings.height
    photographs = chain(*(of_crawl(crawl) for crawl in settings.crawls), *(of_lake(lake) for lake in settings.lakes))
    sources = [*settings.crawls, *settings.lakes]
    pack = write_pack(folder / "examples", photographs, size, sources)
    if settings.held_out is None:
        return pack, None
    return pack, write_pack(folder / "held_out", of_crawl(settings.held_out), size, [settings.held_out])


def _finished(
    training: Training, pack: Pack, held_out: Pack | None, report: Callable[[int, dict[str, float]], None]
) -> dict[str, float]:
    settings, path = training.settings, Path(training.settings.out) / WEIGHTS
    loss = fit_likeness(training.mean, pack, settings.negatives, settings.seed)
    calibration, found = Calibration(pixels=settings.width * settings.height), {"likeness_loss": loss}
    if held_out is not None and held_out.count > 1:
        half = held_out.count // 2
        calibration = calibrated(training.mean, list(outputs(training.mean, held_out, 0, half)))
        rest = outputs(training.mean, held_out, half, held_out.count)
        found |= measured(training.mean, rest, calibration.thresholds)
    save_network(path, training.mean, calibration)
    report(training.step, {f"final_{name}": value for name, value in found.items()})
    record_file(path)
    return found
