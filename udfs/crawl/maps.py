"""Depth and instance maps: PNGs of the photograph's own size."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from schemas.reasons import Reason
from udfs.crawl.findings import Findings, some_of
from udfs.crawl.photograph import PngHeader, png_header
from udfs.stages.rows import Row

_GREY, _PALETTE = 0, 3
_Size = tuple[int, int]


def sound_depth(data: bytes, size: _Size, findings: Findings) -> bytes | None:
    """Return the depth PNG when it is uint16, one channel, of `size` (width, height) px and whole; else None."""
    header = png_header(data)
    if header is None or (header.bit_depth, header.colour_type) != (16, _GREY):
        found = f"has {header.bit_depth} bits, colour type {header.colour_type}" if header else "is no PNG"
        findings.failed(Reason.DEPTH_UNREADABLE, f"The depth map {found}; write a single-channel uint16 PNG in mm.")
        return None
    if (header.width, header.height) != size:
        findings.failed(Reason.DEPTH_SIZE_MISMATCH, _other_size("depth map", (header.width, header.height), size))
        return None
    try:
        _decoded(data)
    except Exception as error:  # decoders raise anything on hostile bytes
        findings.failed(Reason.DEPTH_UNREADABLE, f"The depth map cannot be decoded ({error}); write it again.")
        return None
    return data


def sound_instances(
    data: bytes, size: _Size, objects: list[Row] | None, findings: Findings
) -> tuple[bytes | None, list[Row] | None]:
    """Return the instance PNG and the objects that have pixels in it.

    Ids without an object stay in the map and are ignored from here on. A palette PNG is written anew in grey, since
    readers would otherwise expand it to colours. An unsound map leaves the objects as they are.
    """
    labels = _labels(data, size, findings)
    if labels is None:
        return None, objects
    ids = set(np.flatnonzero(np.bincount(labels.ravel())).tolist()) - {0}
    known = {one["id"] for one in objects or []}
    if ids - known:
        error = f"Mask ids {some_of(sorted(ids - known))} have no object; list them in `objects` or set them to 0."
        findings.failed(Reason.MASK_WITHOUT_OBJECT, error)
    if known - ids:
        error = f"Objects {some_of(sorted(known - ids))} have no pixel in `instances`; draw their masks or remove them."
        findings.failed(Reason.OBJECT_WITHOUT_MASK, error)
    kept = [one for one in objects or [] if one["id"] in ids]
    if not ids:
        return None, None
    header = png_header(data)
    grey = header is not None and header.colour_type == _GREY
    return (data if grey else _as_grey_png(labels)), kept or None


def _labels(data: bytes, size: _Size, findings: Findings) -> NDArray[Any] | None:
    header = png_header(data)
    if header is None or not _holds_ids(header):
        found = f"has {header.bit_depth} bits, colour type {header.colour_type}" if header else "is no PNG"
        error = f"The instance map {found}; write a single-channel PNG of 8 or 16 bits whose values are object ids."
        findings.failed(Reason.INSTANCES_UNREADABLE, error)
        return None
    if (header.width, header.height) != size:
        error = _other_size("instance map", (header.width, header.height), size)
        findings.failed(Reason.INSTANCES_SIZE_MISMATCH, error)
        return None
    try:
        return _decoded(data)
    except Exception as error:  # decoders raise anything on hostile bytes
        findings.failed(Reason.INSTANCES_UNREADABLE, f"The instance map cannot be decoded ({error}); write it again.")
        return None


def _holds_ids(header: PngHeader) -> bool:
    # Readers stretch grey of 1, 2 or 4 bits to 0..255, which changes the ids.
    return header.colour_type == _PALETTE or (header.colour_type == _GREY and header.bit_depth >= 8)


def _decoded(data: bytes) -> NDArray[Any]:
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        image.load()
        return np.asarray(image)


def _as_grey_png(labels: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(labels).save(buffer, "PNG")
    return buffer.getvalue()


def _other_size(name: str, found: _Size, wanted: _Size) -> str:
    return (
        f"The {name} is {found[0]} x {found[1]} px, the photograph {wanted[0]} x {wanted[1]};"
        f" resample the {name} to the photograph's size."
    )
