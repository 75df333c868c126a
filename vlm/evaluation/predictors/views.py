"""Input ablations of an item: with its image, with a blank one, or without any."""

import hashlib
import io
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from PIL import Image

from vlm.evaluation.items import Item


class View(StrEnum):
    """An ablation; its value is part of the model's name on the leaderboard."""

    WHOLE = ""
    BLANKED = "image blanked"
    TEXT_ONLY = "text only"


@dataclass(frozen=True)
class Shown:
    """A prompt and its encoded images."""

    item_id: str
    prompt: str
    images: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        """Return a hash of prompt and images."""
        parts = hashlib.sha256(self.prompt.encode())
        for image in self.images:
            parts.update(hashlib.sha256(image).digest())
        return parts.hexdigest()


def shown(item: Item, view: View) -> Shown:
    """Return a model's input for an item.

    Raises:
        OSError, ValueError: an image cannot be read.
    """
    images = () if view == View.TEXT_ONLY else tuple(image.read() for image in item.images)
    if view == View.BLANKED:
        images = tuple(blank(image) for image in images)
    return Shown(item.item_id, item.prompt, images)


def blank(image: bytes) -> bytes:
    """Return a PNG of the same size, filled with the mean color of an image.

    Raises:
        OSError: the image cannot be decoded.
    """
    with Image.open(io.BytesIO(image)) as opened:
        rgb = opened.convert("RGB")
    mean = tuple(round(one) for one in np.asarray(rgb, float).mean(axis=(0, 1)))
    held = io.BytesIO()
    Image.new("RGB", rgb.size, mean).save(held, "PNG")
    return held.getvalue()


def row_of(model: str, view: View) -> str:
    """Return a model's name on the leaderboard: "NAME", "NAME (image blanked)"."""
    return f"{model} ({view})" if view else model


def seer_of(row: str, rows: list[str]) -> str | None:
    """Return the model, among `rows`, whose image-ablated run a row belongs to; None for a run with images."""
    for view in (View.BLANKED, View.TEXT_ONLY):
        model = row.removesuffix(f" ({view})")
        if model != row and model in rows:
            return model
    return None
