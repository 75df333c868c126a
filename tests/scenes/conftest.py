"""Small crawls of rendered rooms, read without any code of the renderer."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from scenes.crawl import write_crawl


@dataclass(frozen=True)
class Read:
    """One image of a crawl as stored: manifest row, image, depth in m and instance ids."""

    row: dict[str, Any]
    image: np.ndarray
    depth_m: np.ndarray
    instances: np.ndarray

    @property
    def pose(self) -> np.ndarray:
        return np.array(self.row["pose"])

    def points(self) -> np.ndarray:
        """Camera-frame points [h, w, 3] m by the pinhole formula of the crawl format."""
        camera = self.row["camera"]
        v, u = np.mgrid[: self.depth_m.shape[0], : self.depth_m.shape[1]]
        x = (u - camera["cx"]) / camera["fx"] * self.depth_m
        y = (v - camera["cy"]) / camera["fy"] * self.depth_m
        return np.stack([x, y, self.depth_m], -1)


def read_crawl(folder: Path) -> list[Read]:
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    return [
        Read(
            row,
            cv2.imread(str(folder / row["image"])),
            cv2.imread(str(folder / row["depth"]), cv2.IMREAD_UNCHANGED) / 1000.0,
            cv2.imread(str(folder / row["instances"]), cv2.IMREAD_UNCHANGED),
        )
        for row in rows
    ]


@pytest.fixture(scope="session")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> list[Read]:
    """Forty images of 256 x 192."""
    folder = tmp_path_factory.mktemp("rooms")
    write_crawl(str(folder), 40, 7, width=256, height=192, min_object_px=40)
    return read_crawl(folder)


@pytest.fixture(scope="session")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Read]:
    """Four rooms of three frames each."""
    folder = tmp_path_factory.mktemp("paths")
    write_crawl(str(folder), 4, 3, width=256, height=192, frames=3)
    return read_crawl(folder)
