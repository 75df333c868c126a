"""A frozen tower that sees every picture once: its features are kept on disk, for this run and for others."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from vlm.model.errors import ModelUnsuited
from vlm.model.loading import VisionLanguageModel

_KEY_BYTES = 16
_LARGEST = float(np.finfo(np.float16).max)


@contextmanager
def cached_tower(vlm: VisionLanguageModel, folder: str) -> Iterator[None]:
    """Take features of a model's frozen tower from `folder` and keep new ones there, in half precision.

    Whether features were kept or are new makes no difference: pictures are seen one by one, and what is taken has
    always been rounded. Any number of processes may share a folder: each appends to a file of its own.

    Raises:
        ModelUnsuited: a tower that learns, or a model that does not take one layer of its tower.
    """
    tower, layer = vlm.tower, getattr(vlm.model.config, "vision_feature_layer", None)
    if any(weight.requires_grad for weight in tower.parameters()):
        raise ModelUnsuited("A tower that learns gives new features at every step; freeze it, or drop tower_cache.")
    if not isinstance(layer, int):
        raise ModelUnsuited("tower_cache needs a model that takes one layer of its tower, as LLaVA does; leave it out.")
    features = _Features(tower, layer, folder)
    tower.forward = features.output
    try:
        yield
    finally:
        del tower.forward


class _Features:
    def __init__(self, tower: Any, layer: int, folder: str) -> None:
        self._seen = tower.forward
        self._layer = layer
        self._store = _Store(Path(folder) / _digest(tower, layer))

    @torch.no_grad()
    def output(self, pixel_values: Tensor, **options: Any) -> BaseModelOutput:
        """Return what the tower returns of pictures [b, 3, h, w], but for other layers than the one that is taken."""
        given = {**options, "output_hidden_states": True, "return_dict": True}
        features = torch.stack([self._of_one(picture[None], given) for picture in pixel_values])
        layers = self._layer + 1 if self._layer >= 0 else -self._layer
        return BaseModelOutput(hidden_states=(features,) * layers)

    def _of_one(self, picture: Tensor, options: dict[str, Any]) -> Tensor:
        pixels = picture.float().numpy(force=True)
        key = hashlib.blake2b(pixels.tobytes(), digest_size=_KEY_BYTES).digest()
        kept = self._store.get(key)
        if kept is None:
            with torch.autocast(picture.device.type, enabled=False):
                seen = self._seen(picture, **options).hidden_states[self._layer][0]
            kept = seen.float().clamp(-_LARGEST, _LARGEST).half().numpy(force=True)
            self._store.put(key, kept)
        return torch.from_numpy(kept).to(picture.device, picture.dtype)


class _Store:
    """Arrays of one shape by key; a record that is half written is not read."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._kept: dict[bytes, NDArray[np.float16]] = {}
        self._shape = folder / "shape.txt"
        self._own = folder / f"features-{uuid.uuid4().hex}.bin"
        if self._shape.is_file():
            for path in sorted(folder.glob("features-*.bin")):
                self._read(path)

    def get(self, key: bytes) -> NDArray[np.float16] | None:
        """Return the array of a key, None where there is none."""
        found = self._kept.get(key)
        return None if found is None else found.copy()

    def put(self, key: bytes, features: NDArray[np.float16]) -> None:
        """Keep an array under a key."""
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


def _digest(tower: Any, layer: int) -> str:
    """Return what the features follow from: the tower's configuration and weights, and the layer."""
    found = hashlib.blake2b(f"{layer} {tower.config.to_json_string()}".encode(), digest_size=16)
    for name, value in sorted(tower.state_dict().items()):
        found.update(name.encode())
        found.update(value.float().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
