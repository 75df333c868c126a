"""Validates depth and instance maps: PNGs of the same size as the stored pixels of the image."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.reasons import Reason
from udfs.crawl.image_file import PngHeader, png_header
from udfs.crawl.part_rejects import PartRejects, first_few
from udfs.crawl.sidecars import Map
from udfs.pixels.maps import decoded_map, encoded_map
from udfs.pixels.orientation import Size
from udfs.stages.rows import Row

_GRAY, _PALETTE = 0, 3


def valid_depth(data: bytes, size: Size, rejects: PartRejects) -> Map | None:
    """Return the depth map if it is a complete single-channel uint16 PNG of `size` (width, height) px; else None."""
    header = png_header(data)
    if header is None or (header.bit_depth, header.color_type) != (16, _GRAY):
        remedy = "write a single-channel uint16 PNG in mm."
        rejects.failed(Reason.DEPTH_UNREADABLE, f"The depth map {_format(header)}; {remedy}")
        return None
    if (header.width, header.height) != size:
        rejects.failed(Reason.DEPTH_SIZE_MISMATCH, _other_size("depth map", (header.width, header.height), size))
        return None
    try:
        return Map(data, decoded_map(data))
    except ValueError as error:
        rejects.failed(Reason.DEPTH_UNREADABLE, f"The depth map is unusable, since {error}; write it again.")
        return None


def valid_instances(
    data: bytes, size: Size, objects: list[Row] | None, rejects: PartRejects
) -> tuple[Map | None, list[Row] | None]:
    """Return the instance map and the objects that have pixels in it.

    Ids without an object stay in the map and are ignored later. A palette PNG is rewritten in gray, because readers
    would expand it to colors. If the map is invalid, the objects are returned unchanged.
    """
    labels = _labels(data, size, rejects)
    if labels is None:
        return None, objects
    ids = set(np.flatnonzero(np.bincount(labels.ravel())).tolist()) - {0}
    object_ids = {item["id"] for item in objects or []}
    if ids - object_ids:
        unlisted = first_few(sorted(ids - object_ids))
        error = f"Mask ids {unlisted} have no object; list them in `objects` or set them to 0."
        rejects.failed(Reason.MASK_WITHOUT_OBJECT, error)
    if object_ids - ids:
        maskless = first_few(sorted(object_ids - ids))
        error = f"Objects {maskless} have no pixel in `instances`; draw their masks or remove them."
        rejects.failed(Reason.OBJECT_WITHOUT_MASK, error)
    kept = [item for item in objects or [] if item["id"] in ids]
    if not ids:
        return None, None
    header = png_header(data)
    gray = header is not None and header.color_type == _GRAY
    return Map(data if gray else encoded_map(labels), labels), kept or None


def _labels(data: bytes, size: Size, rejects: PartRejects) -> NDArray[Any] | None:
    header = png_header(data)
    if header is None or not _holds_ids(header):
        remedy = "write a single-channel PNG of 8 or 16 bits whose values are object ids."
        rejects.failed(Reason.INSTANCES_UNREADABLE, f"The instance map {_format(header)}; {remedy}")
        return None
    if (header.width, header.height) != size:
        error = _other_size("instance map", (header.width, header.height), size)
        rejects.failed(Reason.INSTANCES_SIZE_MISMATCH, error)
        return None
    try:
        return decoded_map(data)
    except ValueError as error:
        rejects.failed(Reason.INSTANCES_UNREADABLE, f"The instance map is unusable, since {error}; write it again.")
        return None


def _format(header: PngHeader | None) -> str:
    return f"has {header.bit_depth} bits, color type {header.color_type}" if header else "is not a PNG"


def _holds_ids(header: PngHeader) -> bool:
    # Readers scale 1, 2 or 4-bit gray to 0..255, which changes the ids.
    return header.color_type == _PALETTE or (header.color_type == _GRAY and header.bit_depth >= 8)


def _other_size(name: str, map_size: Size, image_size: Size) -> str:
    sizes = f"The {name} is {map_size[0]} x {map_size[1]} px, but the image is {image_size[0]} x {image_size[1]} px"
    if map_size == image_size[::-1]:
        return f"{sizes} in its file; turn the {name} by a quarter, since EXIF orientation is applied to it later."
    return f"{sizes}; resample the {name} to the image's size."
