"""Examples packed into memory-mapped arrays, so that training reads no image files."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlm.builtin.example import LabeledImage, example_arrays
from vlm.errors import RunDiffers, SettingsUnusable

_INDEX = "index.json"


class Pack:
    """Packed examples: `arrays` by name, with examples as the first axis."""

    def __init__(self, folder: Path) -> None:
        index = json.loads((folder / _INDEX).read_text())
        self.count: int = index["count"]
        self.width: int = index["width"]
        self.height: int = index["height"]
        self.sources: list[str] = index["sources"]
        self.arrays: dict[str, NDArray[Any]] = {
            name: np.memmap(folder / f"{name}.bin", entry["dtype"], "r", shape=(self.count, *entry["shape"]))
            for name, entry in index["arrays"].items()
        }


def write_pack(folder: Path, images: Iterable[LabeledImage], size: tuple[int, int], sources: Sequence[str]) -> Pack:
    """Pack images at a working size (width, height); a complete pack of the same sources is reused.

    Raises:
        SettingsUnusable: the sources hold no image.
        RunDiffers: the folder holds a pack of other sources or of another size.
    """
    return write_arrays(folder, (example_arrays(image, *size) for image in images), size, sources)


def write_arrays(
    folder: Path, examples: Iterable[dict[str, NDArray[Any]]], size: tuple[int, int], sources: Sequence[str]
) -> Pack:
    """Pack examples, each a dictionary of arrays of fixed shapes, as `write_pack` does."""
    width, height = size
    if (folder / _INDEX).exists():
        return _same(folder, size, list(sources))
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, Any] = {}
    entries: dict[str, Any] = {}
    count = 0
    for example in examples:
        for name, array in example.items():
            if name not in files:
                files[name] = (folder / f"{name}.bin").open("wb")
                entries[name] = {"dtype": array.dtype.str, "shape": list(array.shape)}
            files[name].write(array.tobytes())
        count += 1
    for file in files.values():
        file.close()
    if not count:
        raise SettingsUnusable(f"{', '.join(sources)} hold no image; name a crawl or a lake that holds some.")
    index = {"count": count, "width": width, "height": height, "sources": list(sources), "arrays": entries}
    (folder / _INDEX).write_text(json.dumps(index))
    return Pack(folder)


def _same(folder: Path, size: tuple[int, int], sources: list[str]) -> Pack:
    pack = Pack(folder)
    if (pack.width, pack.height) != size or pack.sources != sources:
        packed = f"{', '.join(pack.sources)} at {pack.width} x {pack.height}"
        raise RunDiffers(f"{folder} holds {packed}, not the images asked for; name another --out.")
    return pack
