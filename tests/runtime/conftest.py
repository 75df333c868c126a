"""Weights of the brittle family, marked images, and rows of `images` that hold them."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.jobs.image_rows import image_row
from tests.runtime.brittle import network
from udfs.experts.expert import ExpertSpec

FAMILY = "tests.runtime.brittle"


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("weights") / "brittle.safetensors"
    save_file(network().state_dict(), path)
    return str(path)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.txt"


@pytest.fixture
def spec(weights: str, log: Path) -> ExpertSpec:
    return ExpertSpec(family=FAMILY, model=weights, options={"log": str(log)}, timeout_s=20.0)


def png_of(number: int, mark: tuple[int, int, int] | None = None) -> bytes:
    pixels = np.random.default_rng(number).integers(1, 250, (24, 32, 3), dtype=np.uint8)
    if mark is not None:
        pixels[0, 0] = mark
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    return out.getvalue()


def images(count: int, marks: Mapping[int, tuple[int, int, int]], per_shard: int = 64) -> list[dict[str, Any]]:
    """Return `images` rows; `marks` poisons some by number."""
    bare = {"depth": None, "instances": None, "objects": None}
    return [image_row(n, shard=n // per_shard, bytes=png_of(n, marks.get(n)), **bare) for n in range(count)]


def logged(log: Path) -> list[tuple[int, int, str, str]]:
    """Return (process, parent, device, event) of every line of the log, none while there is no log."""
    lines = [line.split(" ", 3) for line in log.read_text().splitlines()] if log.exists() else []
    return [(int(process), int(parent), device, event) for process, parent, device, event in lines]
