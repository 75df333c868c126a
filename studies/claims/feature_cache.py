"""Features of frozen vision encoders, computed once per image and kept on disk for all runs of a study."""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlm.errors import ModelUnsuited

_KEY_BYTES = 16
_LARGEST = float(np.finfo(np.float16).max)


class FeatureCache:
    """Features by image and encoder, rounded to half precision.

    Cached and new features are equal: images are encoded one by one, and every feature returned has been rounded.
    Processes may share the folder, since each appends to a file of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stores: WeakKeyDictionary[Any, _Store] = WeakKeyDictionary()

    @torch.no_grad()
    def features(self, encoder: Any, pixel_values: Tensor, encode: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the features of images [b, 3, h, w]; `encode` computes those that are missing.

        Raises:
            ModelUnsuited: the encoder is being trained, so its features change at every step.
        """
        store = self._stores.get(encoder)
        if store is None:
            if encoder.training and any(weight.requires_grad for weight in encoder.parameters()):
                raise ModelUnsuited("An encoder that is trained cannot be cached; freeze it, or train without a cache.")
            store = self._stores[encoder] = _Store(self._folder / _digest(encoder))
        return torch.stack([_of_one(store, image, encode) for image in pixel_values])


_ACTIVE: ContextVar[FeatureCache | None] = ContextVar("feature_cache", default=None)


@contextmanager
def cached_features(folder: Path | None) -> Iterator[None]:
    """Cache the features of all room encoders in `folder` inside this context; None: no cache."""
    token = _ACTIVE.set(FeatureCache(folder) if folder else None)
    try:
        yield
    finally:
        _ACTIVE.reset(token)


def active_cache() -> FeatureCache | None:
    """Return the cache of the innermost `cached_features`."""
    return _ACTIVE.get()


def _of_one(store: "_Store", image: Tensor, encode: Callable[[Tensor], Tensor]) -> Tensor:
    key = hashlib.blake2b(image.float().numpy(force=True).tobytes(), digest_size=_KEY_BYTES).digest()
    kept = store.get(key)
    if kept is None:
        kept = encode(image[None])[0].float().clamp(-_LARGEST, _LARGEST).half().numpy(force=True)
        store.put(key, kept)
    return torch.from_numpy(kept).to(image.device, image.dtype)


class _Store:
    """Arrays of one shape by key; a half-written record at the end of a file is ignored."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._kept: dict[bytes, NDArray[np.float16]] = {}
        self._shape = folder / "shape.txt"
        self._own = folder / f"features-{uuid.uuid4().hex}.bin"
        if self._shape.is_file():
            for path in sorted(folder.glob("features-*.bin")):
                self._read(path)

    def get(self, key: bytes) -> NDArray[np.float16] | None:
        """Return the array of a key, None where it is missing."""
        kept = self._kept.get(key)
        return None if kept is None else kept.copy()

    def put(self, key: bytes, features: NDArray[np.float16]) -> None:
        """Store an array under a key."""
        if not self._shape.is_file():
            draft = self._own.with_suffix(".part")
            draft.write_text(" ".join(map(str, features.shape)))
            draft.replace(self._shape)
        with self._own.open("ab") as file:
            file.write(key + features.tobytes())
        self._kept[key] = features

    def _read(self, path: Path) -> None:
        shape = tuple(map(int, self._shape.read_text().split()))
        record = np.dtype([("key", f"S{_KEY_BYTES}"), ("features", "<f2", shape)])
        whole = path.stat().st_size // record.itemsize
        records = np.memmap(path, record, "r", shape=(whole,)) if whole else []
        for one in records:
            self._kept[bytes(one["key"]).ljust(_KEY_BYTES, b"\0")] = one["features"]


def _digest(encoder: Any) -> str:
    """Return a digest of the encoder's configuration and weights."""
    digest = hashlib.blake2b(encoder.config.to_json_string().encode(), digest_size=16)
    for name, value in sorted(encoder.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
