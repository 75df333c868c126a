"""The last step of `train-experts`: the namer, trained on crops of the images and calibrated on those held out."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from udfs.experts.families.builtin.decoding import record_length
from udfs.experts.families.builtin.namer import NamerShape, ObjectNamer
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

    One half of the images sets the temperatures, the other is measured; only masks that the network found count.
    """
    arrays: Arrays = {name: np.asarray(array) for name, array in held_out.arrays.items()}
    found = arrays["name"][:, 2] == 1
    middle = np.median(np.unique(arrays["image"][:, 0]))
    first, second = (np.flatnonzero(found & side) for side in (_until(arrays, middle), ~_until(arrays, middle)))
    if not len(first) or not len(second):
        return calibration, {}
    kinds, colors = logits_of(namer, arrays, first)
    labels = torch.from_numpy(arrays["name"][first].astype(np.int64))
    fitted = calibration.model_copy(
        update={
            "kind_temperature": _temperature(kinds, labels[:, 0]),
            "color_temperature": _temperature(colors, labels[:, 1]),
        }
    )
    kinds, colors = logits_of(namer, arrays, second)
    labels = torch.from_numpy(arrays["name"][second].astype(np.int64))
    metrics = _rightness("kind", (kinds / fitted.kind_temperature)[:, :-1], kinds, labels[:, 0])
    return fitted, metrics | _rightness("color", colors / fitted.color_temperature, colors, labels[:, 1])


def _until(arrays: Arrays, middle: float) -> np.ndarray:
    return arrays["image"][:, 0] < middle


def _temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature with the smallest loss."""
    known = labels != UNNAMED
    if not bool(known.any()):
        return 1.0
    losses = [float(F.cross_entropy(logits[known] / float(t), labels[known])) for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def _rightness(name: str, logits: Tensor, whole: Tensor, labels: Tensor) -> dict[str, float]:
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
