"""The last step of `train-experts`: the namer, trained on crops of the images and calibrated on those held out."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from udfs.experts.families.builtin.decoding import record_length
from udfs.experts.families.builtin.namer import NOTHING, NamerShape, ObjectNamer
from udfs.experts.families.builtin.network import RoomNetwork
from udfs.experts.families.builtin.weights import Calibration
from vlm.builtin.example import UNNAMED, LabeledImage
from vlm.builtin.named_crops import named_crops
from vlm.builtin.namer_training import Arrays, NamerTraining, logits_of, train_namer
from vlm.builtin.pack import Pack, write_arrays
from vlm.builtin.settings import TrainSettings

CHECKPOINT = "namer.pt"
_SURE = 0.95
_TEMPERATURES = np.exp(np.linspace(np.log(0.5), np.log(4.0), 61))
# Weights of the room network's own names, added to what training gave them.
_TRUSTS = (0.0, 0.5, 1.0, 1.5, 2.0)

Record = Callable[[int, dict[str, float]], None]
Images = Callable[[], Iterable[LabeledImage]]


def crop_pack(
    folder: Path, network: RoomNetwork, images: Images, calibration: Calibration, settings: TrainSettings, sources: list
) -> Pack:
    """Pack the objects of images for the namer; a complete pack of the same network and sources is reused."""
    limits, pixels, side = calibration.thresholds, calibration.pixels, settings.crop_pixels
    crops = named_crops(network.eval(), images(), limits, pixels, side, settings.seed)
    return write_arrays(folder, crops, (side, side), [*sources, f"network {_digest(network)}"])


def trained_namer(
    network: RoomNetwork, pack: Pack, settings: TrainSettings, folder: Path, record: Record
) -> ObjectNamer:
    """Train a namer to `settings.names_steps`, resuming from the folder's checkpoint; return its running mean."""
    shape = NamerShape(
        kinds=len(network.shape.kinds),
        colors=len(network.shape.colours),
        record=record_length(network.shape),
        size_px=settings.crop_pixels,
    )
    training = NamerTraining(shape, settings.names_steps, settings.names_batch, settings.seed)
    path = folder / CHECKPOINT
    if path.exists():
        training.restore(path)

    def told(step: int, loss: float) -> None:
        record(settings.steps + step, {"name_loss": loss})

    train_namer(training, pack.arrays, path, settings.checkpoint_every, told)
    return training.mean


def calibrated_namer(namer: ObjectNamer, held_out: Pack, calibration: Calibration) -> tuple[Calibration, dict]:
    """Return the calibration with the namer's temperatures, and how often its names are right.

    One half of the images sets the temperatures and how much the namer trusts the room network, which has seen far more
    rooms; the other is measured. Only masks that the network found count.
    """
    arrays: Arrays = {name: np.asarray(array) for name, array in held_out.arrays.items()}
    found = arrays["name"][:, 2] == 1
    former = arrays["image"][:, 0] < np.median(np.unique(arrays["image"][:, 0]))
    first, second = np.flatnonzero(found & former), np.flatnonzero(found & ~former)
    if not len(first) or not len(second):
        return calibration, {}
    fitted: list[float] = []
    for place in (0, 1):
        labels = torch.from_numpy(arrays["name"][first, place].astype(np.int64))
        trust, temperature = _fitted(namer, arrays, first, labels, place)
        with torch.no_grad():
            namer.trust[place] += trust
        fitted.append(temperature)
    update = {"kind_temperature": fitted[0], "color_temperature": fitted[1]}
    logits = logits_of(namer, arrays, second)
    labels = torch.from_numpy(arrays["name"][second].astype(np.int64))
    metrics: dict[str, float] = {}
    for place, name in enumerate(("kind", "color")):
        metrics |= _rightness(name, logits[place] / fitted[place], labels[:, place])
    return calibration.model_copy(update=update), metrics


def _fitted(
    namer: ObjectNamer, arrays: Arrays, examples: np.ndarray, labels: Tensor, place: int
) -> tuple[float, float]:
    """Return the added trust and the temperature with the smallest loss, of kinds (`place` 0) or colors (1)."""
    known = labels != UNNAMED
    if not bool(known.any()):
        return 0.0, 1.0
    logits = logits_of(namer, arrays, examples)[place][known]
    records = torch.from_numpy(arrays["record"][examples].astype(np.float32))[known]
    kinds = namer.shape.kinds
    own = F.pad(records[:, :kinds], (0, 1), value=NOTHING) if place == 0 else records[:, kinds:][:, : logits.shape[1]]
    losses = {
        (trust, float(temperature)): float(F.cross_entropy((logits + trust * own) / float(temperature), labels[known]))
        for trust in _TRUSTS
        for temperature in _TEMPERATURES
    }
    return min(losses, key=lambda pair: losses[pair])


def _rightness(name: str, logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Return the share of right names, the share of sure ones, and the share of right ones among these."""
    known = labels != UNNAMED
    best = logits.softmax(-1).max(-1)
    right = best.indices == labels
    sure = known & (best.values >= _SURE)
    return {
        f"named_{name}_right": float(right[known].float().mean()),
        f"named_{name}_sure": float(sure[known].float().mean()),
        f"named_{name}_sure_right": float(right[sure].float().mean()) if bool(sure.any()) else float("nan"),
    }


def _digest(network: RoomNetwork) -> str:
    """Return what tells the weights of networks apart."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()[:12]
