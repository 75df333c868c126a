"""Validates image files: format by magic bytes, size from the header, then a full decode."""

import hashlib
import io
import struct
from dataclasses import dataclass

import imagehash
from PIL import Image

from schemas.reasons import Outcome, Reason
from udfs.crawl.exif import exif_focal
from udfs.crawl.limits import IngestSettings
from udfs.pixels.decoding import orientation_of
from udfs.pixels.orientation import Orientation
from udfs.stages.rows import Row, RowRejected

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_MAGIC = (("jpeg", b"\xff\xd8\xff", 0), ("png", _PNG_MAGIC, 0), ("webp", b"WEBP", 8))
_UNSUPPORTED = (
    ("GIF", b"GIF8", 0),
    ("BMP", b"BM", 0),
    ("TIFF", b"II*\0", 0),
    ("TIFF", b"MM\0*", 0),
    ("AVIF or HEIC", b"ftyp", 4),
    ("PDF", b"%PDF", 0),
)
_OTHER_CONTENT = (
    ("a web page", (b"<!doctype html", b"<html", b"<head", b"<body")),
    ("XML or SVG", (b"<?xml", b"<svg")),
    ("JSON", (b"{", b"[")),
    ("an archive", (b"pk\3\4", b"\x1f\x8b", b"7z\xbc\xaf")),
)
_NEVER_IN_TEXT = frozenset(range(32)) - frozenset(b"\t\n\f\r\x1b")
_SCAN, _MAX_SCANS = b"\xff\xda", 200
_TAIL_BYTES = 1_024
_HASHED_SIDE_PX = 256


@dataclass(frozen=True)
class PngHeader:
    """The fields of an IHDR chunk; `color_type` 0 is gray, 3 is a palette."""

    width: int
    height: int
    bit_depth: int
    color_type: int


def png_header(data: bytes) -> PngHeader | None:
    """Return the header of a PNG; None if `data` is not a PNG."""
    if not data.startswith(_PNG_MAGIC) or data[12:16] != b"IHDR" or len(data) < 26:
        return None
    return PngHeader(*struct.unpack(">IIBB", data[16:26]))


def image_id_of(data: bytes) -> str:
    """Return an image's id: the SHA-256 of its bytes in hex."""
    return hashlib.sha256(data).hexdigest()


def image_columns(data: bytes, limits: IngestSettings) -> Row:
    """Return the columns of `images` that depend on the bytes alone.

    Width, height and perceptual hash are those of the upright image; the bytes and their EXIF orientation stay as they
    are in the file.

    Raises:
        RowRejected: the format is unsupported, there are too many pixels, or the file is truncated or undecodable.
    """
    kind = _sniffed(data)
    try:
        # Pillow allocates the canvas when it opens a WebP, so the size is checked first.
        if kind == "webp":
            _check_pixels(*_webp_size(data), limits)
        _check_scans(data, kind)
        with Image.open(io.BytesIO(data), formats=[kind.upper()]) as image:
            width, height = image.size
            _check_pixels(width, height, limits)
            image.load()
            orientation, focal = orientation_of(image), exif_focal(image)
            phash = _phash(image, orientation)
    except RowRejected:
        raise
    except Exception as error:  # decoders raise arbitrary exceptions on corrupt bytes
        raise _undecodable(data, kind, error) from error
    width, height = orientation.size((width, height))
    return {
        "image_id": image_id_of(data),
        "bytes": data,
        "format": kind,
        "width": width,
        "height": height,
        "exif_orientation": orientation.tag,
        "phash": phash,
        "exif_focal_px": focal.px if focal else None,
        "exif_focal_sigma_rel": focal.sigma_rel if focal else None,
    }


def _sniffed(data: bytes) -> str:
    for kind, magic, at in _MAGIC:
        if data[at : at + len(magic)] == magic:
            return kind
    if not data:
        raise RowRejected(Outcome.FAILED, Reason.TRUNCATED_IMAGE, "The file is empty; download it again.")
    name = next((name for name, magic, at in _UNSUPPORTED if data[at : at + len(magic)] == magic), None)
    # Its bytes are not quoted: a link may lead to any file.
    content = f"is {name}" if name else f"holds {_kind_of(data)}, which is no image"
    error = f"The file {content}; convert it to jpeg, png or webp, or take it out of the crawl."
    raise RowRejected(Outcome.REFUSED, Reason.UNSUPPORTED_FORMAT, error)


def _kind_of(data: bytes) -> str:
    start = data[:_TAIL_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for name, beginnings in _OTHER_CONTENT:
        if start.startswith(beginnings):
            return name
    return "bytes of an unknown format" if set(data[:_TAIL_BYTES]) & _NEVER_IN_TEXT else "text"


def _check_pixels(width: int, height: int, limits: IngestSettings) -> None:
    if width * height > limits.max_pixels:
        error = (
            f"The image has {width} x {height} = {width * height:,} px, over the limit of"
            f" {limits.max_pixels:,}; scale it down or raise ingest.max_pixels."
        )
        raise RowRejected(Outcome.REFUSED, Reason.TOO_MANY_PIXELS, error)


def _check_scans(data: bytes, kind: str) -> None:
    # Fourteen bytes of a progressive JPEG make the decoder go over the whole image once more.
    scans = data.count(_SCAN) if kind == "jpeg" else 0
    if scans > _MAX_SCANS:
        error = f"The jpeg has {scans:,} scans, over the limit of {_MAX_SCANS}; save it again or remove it."
        raise RowRejected(Outcome.REFUSED, Reason.UNREADABLE_IMAGE, error)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height of a WebP (RFC 9649, sections 2.4 to 2.7)."""
    chunk = data[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _phash(image: Image.Image, orientation: Orientation) -> str:
    factor = min(image.size) // _HASHED_SIDE_PX
    gray = orientation.image(image.convert("L"))
    return str(imagehash.phash(gray.reduce(factor) if factor > 1 else gray))


def _undecodable(data: bytes, kind: str, error: Exception) -> RowRejected:
    if "truncated" in str(error).lower() or not _complete(data, kind):
        text = f"The {kind} is truncated after {len(data):,} bytes ({error}); download it again."
        return RowRejected(Outcome.FAILED, Reason.TRUNCATED_IMAGE, text)
    text = f"The {kind} cannot be decoded ({type(error).__name__}: {error}); download it again or remove it."
    return RowRejected(Outcome.FAILED, Reason.UNREADABLE_IMAGE, text)


def _complete(data: bytes, kind: str) -> bool:
    if kind == "webp":
        return len(data) >= 8 + int.from_bytes(data[4:8], "little")
    return (b"\xff\xd9" if kind == "jpeg" else b"IEND") in data[-_TAIL_BYTES:]
