"""The network's weights as one safetensors file, with its shape and its calibration."""

import json
from pathlib import Path
from typing import Any

import torch
from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from udfs.experts.families.builtin.decoding import Thresholds
from udfs.experts.families.builtin.namer import NamerShape, ObjectNamer
from udfs.experts.families.builtin.network import NetworkShape, RoomNetwork
from udfs.experts.families.builtin.novelty import NoveltyNotes, NoveltyTest
from udfs.experts.loading import ModelUnavailable
from udfs.experts.pinning import file_digest
from udfs.storage.atomic import written_whole

_NAMER = "namer."
_NOVELTY = "novelty."


class Calibration(BaseModel):
    """Factors from the errors that the network predicts to those measured on held-out images.

    `scale` is for the relative depth error that a whole map shares, `depth` for the rest from object to object, `focal`
    for the focal length and `gravity` for the angle; `edge` is the error of an outline over the square root of its
    area, and `object_probability` the weights of `object_probability_features` and an offset. `pixels` is the number of
    pixels per image. The temperatures divide the namer's logits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    depth: float = 1.0
    scale: float = 1.0
    focal: float = 1.0
    gravity: float = 1.0
    edge: float = 0.1
    # files of weights call it `chance`
    object_probability: tuple[float, float, float] = Field(
        default=(1.0, 0.0, 0.0), validation_alias=AliasChoices("object_probability", "chance")
    )
    pixels: int = 192 * 144
    kind_temperature: float = 1.0
    color_temperature: float = 1.0
    thresholds: Thresholds = Field(default_factory=Thresholds)


def object_probability_features(scores: Tensor, shares: Tensor) -> Tensor:
    """Return the features of the probability that masks show an object [n, 2]: logits of scores, logs of sizes.

    `shares` [n] are the masks' shares of the image.
    """
    return torch.stack([torch.logit(scores, eps=1e-4), shares.clamp(min=1e-6).log() / 2], -1)


Novelty = tuple[NoveltyTest, NoveltyNotes]


def save_network(
    path: Path,
    network: RoomNetwork,
    calibration: Calibration,
    namer: ObjectNamer | None = None,
    novelty: Novelty | None = None,
) -> None:
    """Write a network, with its namer and its novelty test if it has them, in half precision, atomically."""
    state = dict(network.state_dict())
    notes = {"shape": network.shape.model_dump_json(), "calibration": calibration.model_dump_json()}
    if namer is not None:
        state |= {f"{_NAMER}{name}": value for name, value in namer.state_dict().items()}
        notes["namer"] = namer.shape.model_dump_json()
    if novelty is not None:
        state |= {f"{_NOVELTY}{name}": value for name, value in novelty[0].tensors().items()}
        notes["novelty"] = novelty[1].model_dump_json()
    tensors = {name: value.half() if value.dtype.is_floating_point else value for name, value in state.items()}
    with written_whole(path) as draft:
        save_file({name: value.contiguous() for name, value in tensors.items()}, draft, notes)


def load_network(path: Path, device: str = "cpu", revision: str = "none") -> tuple[RoomNetwork, Calibration]:
    """Return the network, ready to predict, and its calibration; `revision` pins the file unless it is "none".

    Raises:
        ModelUnavailable: there is no such file, it is another revision, or it holds no such network.
    """
    if not path.is_file():
        raise ModelUnavailable(f"There are no weights at {path}; train some with `spatiallake train-experts`.")
    found = file_digest(path)
    if revision not in ("none", found):
        raise ModelUnavailable(f"{path} is revision {found}, not {revision}; pin {found}, or restore the weights.")
    try:
        with safe_open(path, "pt", device) as file:
            notes = file.metadata() or {}
            network = RoomNetwork(NetworkShape.model_validate(json.loads(notes["shape"])))
            network.load_state_dict(_tensors(file))
            calibration = Calibration.model_validate(json.loads(notes["calibration"]))
    except Exception as error:
        cause = str(error).splitlines()[0][:200]
        raise ModelUnavailable(
            f"{path} holds no built-in network ({cause}); export one with `spatiallake train-experts`."
        ) from error
    return network.to(device).to(memory_format=torch.channels_last).eval(), calibration


def load_namer(path: Path, device: str = "cpu") -> ObjectNamer | None:
    """Return the namer in a file that `load_network` can read, ready to predict; None where it has none."""
    with safe_open(path, "pt", device) as file:
        notes = file.metadata() or {}
        if "namer" not in notes:
            return None
        namer = ObjectNamer(NamerShape.model_validate_json(notes["namer"]))
        namer.load_state_dict(_tensors(file, _NAMER))
    return namer.to(device).to(memory_format=torch.channels_last).eval()


def network_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of the network in a file of weights, without those of its namer."""
    with safe_open(path, "pt", "cpu") as file:
        return _tensors(file)


def load_novelty(path: Path) -> Novelty | None:
    """Return the novelty test in a file that `load_network` can read; None where it has none."""
    with safe_open(path, "pt", "cpu") as file:
        notes = file.metadata() or {}
        if "novelty" not in notes:
            return None
        test = NoveltyTest.of_tensors(_tensors(file, _NOVELTY))
        return test, NoveltyNotes.model_validate_json(notes["novelty"])


def _tensors(file: Any, part: str | None = None) -> dict[str, Tensor]:
    """Return the tensors of the network itself, or those of a part with this prefix."""
    names = list(file.keys())
    own = [name for name in names if (name.startswith(part) if part else not name.startswith((_NAMER, _NOVELTY)))]
    return {name.removeprefix(part or ""): file.get_tensor(name).to(torch.float32) for name in own}
