"""Examples packed once into memory-mapped arrays, so that training reads no picture files."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.builtin.example import Labelled, example_arrays

_INDEX = "index.json"


class Pack:
    """Packed examples: `arrays` by name, each with the examples first."""

    def __init__(self, folder: Path) -> None:
        index = json.loads((folder / _INDEX).read_text())
        self.count: int = index["count"]
        self.width: int = index["width"]
        self.height: int = index["height"]
        self.arrays: dict[str, NDArray[Any]] = {
            name: np.memmap(folder / f"{name}.bin", entry["dtype"], "r", shape=(self.count, *entry["shape"]))
            for name, entry in index["arrays"].items()
        }


def write_pack(folder: Path, photographs: Iterable[Labelled], width: int, height: int) -> Pack:
    """Pack photographs at a working size; a pack that is whole is left as it is.

    Raises:
        ValueError: there is no photograph.
    """
    if (folder / _INDEX).exists():
        return Pack(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, Any] = {}
    entries: dict[str, Any] = {}
    count = 0
    for photograph in photographs:
        for name, array in example_arrays(photograph, width, height).items():
            if name not in files:
                files[name] = (folder / f"{name}.bin").open("wb")
                entries[name] = {"dtype": array.dtype.str, "shape": list(array.shape)}
            files[name].write(array.tobytes())
        count += 1
    for file in files.values():
        file.close()
    if not count:
        raise ValueError(f"No photograph to pack into {folder}; name a crawl or a lake that holds some.")
    index = {"count": count, "width": width, "height": height, "arrays": entries}
    (folder / _INDEX).write_text(json.dumps(index))
    return Pack(folder)
