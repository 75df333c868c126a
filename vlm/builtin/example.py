"""One training example: an image cropped to the working size, with its labels."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from scenes.colors import NAMED
from scenes.placed_objects import KINDS
from udfs.experts.families.builtin.network import MASK_STRIDE

KIND_NAMES = tuple(KINDS)
COLOR_NAMES = tuple(NAMED)
MAX_OBJECTS = 24
UNNAMED = -1
# Pixels of objects that are too small or too many, which are neither background nor object.
IGNORED = 255
_MIN_PX = 6


@dataclass(frozen=True, eq=False)
class LabeledImage:
    """An image with its labels at full resolution.

    `rgb` [h, w, 3] uint8; `depth_m` [h, w] float32, 0 where unknown; `instances` [h, w] ids; `objects` maps an id to
    its label and captions; `focal_px`; `gravity` [3] unit, camera frame. None where the crawl has no value.
    """

    rgb: NDArray[Any]
    depth_m: NDArray[Any] | None = None
    instances: NDArray[Any] | None = None
    objects: dict[int, tuple[str, tuple[str, ...]]] | None = None
    focal_px: float | None = None
    gravity: list[float] | None = None


def example_arrays(image: LabeledImage, width: int, height: int) -> dict[str, NDArray[Any]]:
    """Return an image as arrays of fixed shape at the working size.

    `rgb` [h, w, 3] uint8; `ids` [h/2, w/2] uint8, 0 background, 1.. the objects by size, 255 neither; `log_depth`
    [h/2, w/2] float16, NaN where unknown; `objects` [24, 4] int16: kind, color (-1 = not named), center column and
    row in cells of the map; `count` [1]; `known` [3] = (log focal length in half diagonals, has objects, 0);
    `gravity` [3], NaN where unknown.
    """
    rgb = _fitted(image.rgb, width, height, cv2.INTER_AREA)
    rows, columns = height // MASK_STRIDE, width // MASK_STRIDE
    ids, objects = np.zeros((rows, columns), np.uint8), np.full((MAX_OBJECTS, 4), UNNAMED, np.int16)
    count = 0
    if image.instances is not None:
        cells = _fitted(image.instances.astype(np.int32), columns, rows, cv2.INTER_NEAREST)
        ids, objects, count = _objects(cells, image.objects or {})
    log_depth = np.full((rows, columns), np.nan, np.float16)
    if image.depth_m is not None:
        depth = _fitted(image.depth_m, columns, rows, cv2.INTER_NEAREST)
        log_depth = np.where(depth > 0, np.log(np.maximum(depth, 1e-3)), np.nan).astype(np.float16)
    gravity = np.full(3, np.nan) if image.gravity is None else np.array(image.gravity)
    return {
        "rgb": rgb,
        "ids": ids,
        "log_depth": log_depth,
        "objects": objects,
        "count": np.array([count], np.int16),
        "known": np.array([_log_focal(image, width, height), image.instances is not None], np.float32),
        "gravity": gravity.astype(np.float32),
    }


def name_codes(label: str, captions: tuple[str, ...]) -> tuple[int, int]:
    """Return the indices of a label in `KIND_NAMES` and of the first caption's color in `COLOR_NAMES`, or -1."""
    kind = KIND_NAMES.index(label) if label in KINDS else UNNAMED
    words = captions[0].removesuffix(label).split() if captions else []
    colors = [COLOR_NAMES.index(word) for word in words if word in NAMED]
    return kind, colors[0] if len(colors) == 1 else UNNAMED


def _fitted(pixels: NDArray[Any], width: int, height: int, interpolation: int) -> NDArray[Any]:
    """Crop the center to the aspect ratio and resize it."""
    y0, x0, rows, columns = _middle(pixels.shape, width, height)
    cut = np.ascontiguousarray(pixels[y0 : y0 + rows, x0 : x0 + columns])
    return cv2.resize(cut, (width, height), interpolation=interpolation)


def _middle(shape: tuple[int, ...], width: int, height: int) -> tuple[int, int, int, int]:
    rows, columns = min(shape[0], round(shape[1] * height / width)), min(shape[1], round(shape[0] * width / height))
    return (shape[0] - rows) // 2, (shape[1] - columns) // 2, max(rows, 1), max(columns, 1)


def _log_focal(image: LabeledImage, width: int, height: int) -> float:
    if image.focal_px is None:
        return float("nan")
    _, _, rows, columns = _middle(image.rgb.shape, width, height)
    return float(np.log(image.focal_px / (0.5 * np.hypot(rows, columns))))


def _objects(
    cells: NDArray[Any], named: dict[int, tuple[str, tuple[str, ...]]]
) -> tuple[NDArray[Any], NDArray[Any], int]:
    """Return the id map, ordered by size, the table of objects and their number."""
    found, counts = np.unique(cells[cells > 0], return_counts=True)
    ids = np.where(cells > 0, IGNORED, 0).astype(np.uint8)
    objects = np.full((MAX_OBJECTS, 4), UNNAMED, np.int16)
    order = [i for i in np.argsort(-counts, kind="stable") if counts[i] >= _MIN_PX][:MAX_OBJECTS]
    for place, index in enumerate(order):
        mask = cells == found[index]
        ids[mask] = place + 1
        y, x = np.nonzero(mask)
        # The object's own pixel nearest to its centroid, so that an occluder never holds the center.
        middle = int(np.argmin((x - x.mean()) ** 2 + (y - y.mean()) ** 2))
        objects[place] = (*name_codes(*named.get(int(found[index]), ("", ()))), x[middle], y[middle])
    return ids, objects, len(order)
