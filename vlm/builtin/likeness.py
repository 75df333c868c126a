"""The filter's head, which separates rooms from other images on the features of a trained network."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scenes.negatives import NEGATIVES, negative
from udfs.experts.families.builtin.network import RoomNetwork
from vlm.builtin.batches import augmented, batch_of
from vlm.builtin.logistic import logistic
from vlm.builtin.pack import Pack

_BATCH = 16
_QUALITY = 92
_MISSED = 0.01


def negatives(each: int, seed: int, width: int, height: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield `each` images of every kind of non-room, rendered larger and JPEG-compressed like crawled images."""
    for kind in NEGATIVES:
        for number in range(each):
            drawn = negative(kind, (2 * width, 2 * height), seed + number)
            _, data = cv2.imencode(".jpg", drawn[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
            decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
            yield kind, np.asarray(cv2.resize(decoded, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@torch.no_grad()
def features(network: RoomNetwork, images: NDArray[np.float32]) -> Tensor:
    """Return the pooled features [n, c] of images [n, h, w, 3] in 0..1."""
    network.eval()
    device = next(network.parameters()).device
    found: list[Tensor] = []
    for start in range(0, len(images), _BATCH):
        rgb = torch.from_numpy(images[start : start + _BATCH].transpose(0, 3, 1, 2)).to(device)
        found.append(network(rgb.contiguous(memory_format=torch.channels_last))["pooled"])
    return torch.cat(found)


@torch.no_grad()
def keep_rooms(network: RoomNetwork, held_out: Pack, first: int, last: int) -> None:
    """Shift the head towards rooms until at most 1 % of the held-out ones, from `first` to `last`, score below 0.5."""
    rooms = batch_of(held_out, np.arange(first, last)).rgb.permute(0, 2, 3, 1).numpy()
    scores = network.likeness(features(network, rooms))
    margin = scores[:, 0] - scores[:, 1:].logsumexp(1)
    network.likeness.bias[0] -= torch.quantile(margin, _MISSED).clamp(max=0)


def fit_likeness(
    network: RoomNetwork, pack: Pack, each: int, seed: int, varied: Sequence[NDArray[np.uint8]] = ()
) -> float:
    """Fit the head by logistic regression on `each` images of every kind of non-room and as many rooms in all.

    `varied` are rooms rendered in other ways, at any size, which are added. Returns the final loss. The rest of the
    network stays unchanged.
    """
    rng = np.random.default_rng(seed)
    kinds, others = zip(*negatives(each, seed, pack.width, pack.height), strict=True)
    chosen = np.sort(rng.permutation(pack.count)[: len(others)])
    rooms = batch_of(pack, chosen).rgb.permute(0, 2, 3, 1).numpy()
    size = pack.width, pack.height
    others = [*(cv2.resize(room, size, interpolation=cv2.INTER_AREA) for room in varied), *others]
    images = np.concatenate([rooms, np.stack(others).astype(np.float32) / 255])
    x = features(network, np.stack([augmented(image, rng) for image in images]))
    names = network.shape.likenesses
    places = [names.index(kind) if kind in names else len(names) - 1 for kind in kinds]
    y = torch.tensor([0] * (len(rooms) + len(varied)) + places, device=x.device)
    mean, spread = x.mean(0), x.std(0).clamp(min=1e-3)
    weight, loss = logistic((x - mean) / spread, y, len(names))
    with torch.no_grad():
        network.likeness.weight.copy_((weight[:-1] / spread[:, None]).T)
        network.likeness.bias.copy_(weight[-1] - (weight[:-1] * (mean / spread)[:, None]).sum(0))
    return loss
