"""Batches of packed examples as tensors: drawn by seed and step, and augmented."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from vlm.builtin.pack import Pack


@dataclass(frozen=True, eq=False)
class Batch:
    """Tensors of `b` examples, described in `example_arrays`.

    `rgb` [b, 3, h, w] in 0..1, `ids` [b, h/2, w/2] int64, `log_depth` [b, h/2, w/2], `objects` [b, n, 4] int64
    (padded), `present` [b, n] bool, `log_focal` [b], `has_objects` [b] bool, `gravity` [b, 3].
    """

    rgb: Tensor
    ids: Tensor
    log_depth: Tensor
    objects: Tensor
    present: Tensor
    log_focal: Tensor
    has_objects: Tensor
    gravity: Tensor


def drawn(count: int, batch: int, seed: int, step: int) -> np.ndarray:
    """Return the examples of a step; every epoch has its own seeded order."""
    places = np.arange(step * batch, (step + 1) * batch)
    epochs = places // count
    orders = {int(e): np.random.default_rng([seed, int(e)]).permutation(count) for e in np.unique(epochs)}
    return np.array([orders[int(e)][place % count] for e, place in zip(epochs, places, strict=True)])


def batch_of(pack: Pack, examples: np.ndarray, rng: np.random.Generator | None = None) -> Batch:
    """Return examples as a batch, augmented if `rng` is given."""
    arrays = {name: np.array(array[examples]) for name, array in pack.arrays.items()}
    rgb = arrays["rgb"].astype(np.float32) / 255
    ids, depth = arrays["ids"].astype(np.int64), arrays["log_depth"].astype(np.float32)
    objects, gravity = arrays["objects"].astype(np.int64), arrays["gravity"]
    if rng is not None:
        rgb = np.stack([augmented(image, rng) for image in rgb])
        mirrored = rng.random(len(examples)) < 0.5
        rgb[mirrored], ids[mirrored], depth[mirrored] = (a[mirrored][:, :, ::-1] for a in (rgb, ids, depth))
        gravity[mirrored, 0] *= -1
        columns = objects[mirrored, :, 2]
        objects[mirrored, :, 2] = np.where(columns >= 0, ids.shape[2] - 1 - columns, columns)
    count = arrays["count"][:, 0]
    maximum = max(int(count.max()), 1)
    present = np.arange(maximum)[None] < count[:, None]
    return Batch(
        rgb=torch.from_numpy(rgb.transpose(0, 3, 1, 2)).contiguous(memory_format=torch.channels_last),
        ids=torch.from_numpy(ids),
        log_depth=torch.from_numpy(depth),
        objects=torch.from_numpy(objects[:, :maximum]),
        present=torch.from_numpy(present),
        log_focal=torch.from_numpy(arrays["known"][:, 0]),
        has_objects=torch.from_numpy(arrays["known"][:, 1] > 0),
        gravity=torch.from_numpy(gravity),
    )


def augmented(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary exposure, contrast, white balance, sharpness and noise, mildly enough that colors keep their names."""
    gains = np.exp(rng.normal(0, 0.08) + rng.normal(0, 0.02, 3)).astype(np.float32)
    changed = np.clip(rgb * gains, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.06)))
    if rng.random() < 0.3:
        changed = cv2.GaussianBlur(changed, (3, 3), float(rng.uniform(0.3, 0.8)))
    if rng.random() < 0.5:
        noise = rng.integers(-127, 128, changed.shape, dtype=np.int8)
        changed = changed + noise * np.float32(rng.uniform(0, 0.02) / 74)
    return np.clip(changed, 0, 1)
