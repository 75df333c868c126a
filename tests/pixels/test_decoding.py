"""Where orientation is read from, and where it is not; files that every decoder shows upright."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from tests.pixels import turned
from udfs.pixels.decoding import has_exif, orientation_of, upright_file, upright_rgb
from udfs.pixels.maps import decoded_map, encoded_map

RGB = np.random.default_rng(5).integers(0, 256, (5, 7, 3), np.uint8)
SMOOTH = np.asarray(Image.fromarray(RGB).resize((70, 50), Image.Resampling.BICUBIC))
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def tag_of(data: bytes) -> int:
    with Image.open(io.BytesIO(data)) as image:
        return orientation_of(image).tag


def saved(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, kind, **options)
    return buffer.getvalue()


def exif_with(tag: int, field_type: int, value: bytes, count: int = 1) -> bytes:
    """Return a big-endian EXIF block with one field."""
    return b"Exif\0\0MM\0*" + struct.pack(">IHHHI", 8, 1, tag, field_type, count) + value.ljust(4, b"\0") + bytes(4)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("tag", turned.TAGS)
def test_every_format_is_decoded_as_it_is_seen(kind: str, tag: int) -> None:
    data = turned.file(tag, RGB, kind)
    with Image.open(io.BytesIO(data)) as image:
        assert orientation_of(image).tag == tag
        assert np.array_equal(np.asarray(upright_rgb(image)), RGB)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("exif", "tag"),
    [
        (exif_with(0x0112, 3, struct.pack(">H", 6)), 6),
        (exif_with(0x0112, 3, struct.pack(">H", 0)), 1),
        (exif_with(0x0112, 3, struct.pack(">H", 9)), 1),
        (exif_with(0x0112, 4, struct.pack(">I", 8)), 8),
        (exif_with(0x0112, 3, struct.pack(">H", 65535)), 1),
        (exif_with(0x0112, 2, b"6\0", 2), 1),
        (exif_with(0x010F, 2, b"me\0", 3), 1),
        (b"Exif\0\0MM\0*garbage", 1),
        (b"Exif\0\0", 1),
    ],
)
def test_a_tag_that_exif_does_not_define_is_upright(kind: str, exif: bytes, tag: int) -> None:
    assert tag_of(saved(kind, exif=exif)) == tag


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_xmp_does_not_turn_an_image(kind: str) -> None:
    data = saved(kind, xmp=XMP)
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif().get(0x0112) == 6, "Pillow itself reads XMP"
    assert tag_of(data) == 1
    assert tag_of(saved(kind, xmp=XMP, exif=exif_with(0x0112, 3, struct.pack(">H", 3)))) == 3


def test_xmp_does_not_turn_a_png() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    assert tag_of(saved("PNG", pnginfo=info)) == 1


def test_png_may_carry_exif_behind_its_pixels_or_as_imagemagick_writes_it() -> None:
    exif = exif_with(0x0112, 3, struct.pack(">H", 8))
    plain = saved("PNG")
    behind = plain[:-12] + chunk(b"eXIf", exif[6:]) + plain[-12:]
    assert tag_of(behind) == 8 and has_exif(behind)
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", f"\nexif\n{len(exif):8}\n{exif.hex()}\n", zip=True)
    raw = saved("PNG", pnginfo=info)
    assert tag_of(raw) == 8 and has_exif(raw)


def test_the_first_image_of_an_mpo_is_turned() -> None:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    other = Image.fromarray(255 - RGB)
    Image.fromarray(RGB).save(buffer, "MPO", save_all=True, append_images=[other], exif=exif.tobytes(), quality=95)
    with Image.open(io.BytesIO(buffer.getvalue())) as image:
        assert image.format == "MPO" and image.n_frames == 2
        assert orientation_of(image).tag == 6 and upright_rgb(image).size == (5, 7)
    data, size = upright_file(buffer.getvalue())
    assert size == (5, 7) and tag_of(data) == 1


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("tag", [1, 5, 6])
def test_an_upright_file_needs_no_decoder_that_knows_of_orientation(kind: str, tag: int) -> None:
    original = turned.file(tag, SMOOTH, kind)
    data, size = upright_file(original)
    assert size == (70, 50) and (data == original) == (tag == 1)
    with Image.open(io.BytesIO(data)) as image:
        seen, raw = np.asarray(ImageOps.exif_transpose(image).convert("RGB")), np.asarray(image.convert("RGB"))
    assert np.array_equal(seen, raw)
    blind = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB))
    assert np.abs(raw.astype(int) - SMOOTH).mean() < 6 and np.abs(blind.astype(int) - raw).max() <= 4


def test_maps_ignore_their_own_exif() -> None:
    ids = np.arange(35, dtype=np.uint16).reshape(5, 7)
    buffer = io.BytesIO()
    Image.fromarray(ids).save(buffer, "PNG", exif=exif_with(0x0112, 3, struct.pack(">H", 6)))
    assert np.array_equal(decoded_map(buffer.getvalue()), ids)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_maps_come_back_as_they_were_written(dtype: type) -> None:
    values = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (31, 17)).astype(dtype)
    found = decoded_map(encoded_map(values))
    assert found.dtype == dtype and np.array_equal(found, values)
    with Image.open(io.BytesIO(encoded_map(values))) as image:
        assert np.array_equal(np.asarray(image), values)


def test_a_map_with_a_wrong_checksum_is_said_to_be_broken_and_is_never_read_otherwise() -> None:
    values = np.random.default_rng(2).integers(0, 3000, (24, 32)).astype(np.uint16)
    whole = turned.png(values)
    rng = np.random.default_rng(3)
    refused = 0
    for place in rng.integers(8, len(whole), 200):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        try:
            assert np.array_equal(decoded_map(bytes(flipped)), values)
        except ValueError as error:
            assert "cannot be decoded" in str(error)
            refused += 1
    assert refused > 190
    for end in range(0, len(whole) - 1, 97):
        with pytest.raises(ValueError):
            decoded_map(whole[:end])
