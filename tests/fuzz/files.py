"""Mutations of a row's files: image, depth map and instance map."""

import io
import struct
from typing import Any

import numpy as np
from PIL import Image

from tests.fuzz.cases import ROOM, Case, Rng, mutation, one_of
from tests.fuzz.fields import UNLISTED, strip_boxes
from tests.ingest.pictures import bomb_png, bomb_webp, encoded, pixels, png_chunk

HEIGHT, WIDTH = ROOM.depth_mm.shape
OF_IMAGES = ("truncated_image", "unreadable_image", "unsupported_format", "too_many_pixels")
OTHER_SIZE = ("depth_size_mismatch", "instances_size_mismatch", "bad_intrinsics", "bad_box")


def png(values: np.ndarray) -> bytes:
    return encoded(np.ascontiguousarray(values), "PNG")


@mutation
def depth_unit_told(case: Case, rng: Rng) -> None:
    units = float(one_of(rng, (256, 4000, 5000, 8000, 10000, rng.uniform(200, 15000))))
    case.files["depth"] = png(np.rint(ROOM.depth_mm * (units / 1000)).astype(np.uint16))
    case.row["depth_scale"] = one_of(rng, (units, int(units) if units == int(units) else units))


@mutation
def depth_unit_untold(case: Case, rng: Rng) -> None:
    factor = float(one_of(rng, (0.1, 0.256, 4, 5, 8, 10, rng.uniform(0.02, 0.45), rng.uniform(2.4, 18))))
    case.files["depth"] = png(np.rint(ROOM.depth_mm * factor).astype(np.uint16))
    case.needs("bad_depth")


@mutation
def depth_scale_wrong(case: Case, rng: Rng) -> None:
    case.row["depth_scale"] = one_of(rng, (0.001, 0.1, 1, 5, 1e-320, 1e9, 1e300, 0, -1000, True, "1000", [1000], {}))
    case.needs("bad_depth")


@mutation
def depth_codes(case: Case, rng: Rng) -> None:
    depth = ROOM.depth_mm.copy()
    depth[rng.random(depth.shape) < rng.uniform(0.03, 0.6)] = one_of(
        rng, (65535, 65534, 65504, 32767, 50000, 10000, 0, 1)
    )
    case.files["depth"] = png(depth)


@mutation
def no_depth_at_all(case: Case, rng: Rng) -> None:
    high = int(rng.integers(3000, 65536))
    values = one_of(
        rng,
        [
            np.full((HEIGHT, WIDTH), one_of(rng, (0, 1, 2, 19, 65535, 1500, 3000))),
            rng.integers(0, high, (HEIGHT, WIDTH)),
            ROOM.labels,
            ROOM.depth_mm // 1000,
        ],
    )
    case.files["depth"] = png(values.astype(np.uint16))
    if rng.random() < 0.5:
        strip_boxes(case)
    case.needs("bad_depth")


@mutation
def map_of_another_format(case: Case, rng: Rng) -> None:
    name = one_of(rng, ("depth", "instances"))
    values = getattr(ROOM, {"depth": "depth_mm", "instances": "labels"}[name])
    small = (values & 255).astype(np.uint8)
    others: list[bytes] = [
        encoded(np.stack([small] * 3, axis=-1), "PNG"),
        encoded(np.stack([small] * 4, axis=-1), "PNG"),
        encoded(small > 0, "PNG"),
        encoded(small, "JPEG"),
        encoded(small, "GIF"),
        encoded(values.astype(np.int32), "TIFF"),
        encoded(values.astype(np.float32), "TIFF"),
        *(b"", b"\x89PNG\r\n\x1a\n", rng.bytes(300), b"<html>404</html>", bytes(5000), b"version https://git-lfs"),
    ]
    case.files[name] = one_of(rng, others)
    if name == "depth" and rng.random() < 0.2:
        case.files[name] = png(small)
    case.needs(f"{name}_unreadable")
    case.scale_told = case.scale_told and name == "depth"


@mutation
def map_of_another_size(case: Case, rng: Rng) -> None:
    name = one_of(rng, ("depth", "instances"))
    values = getattr(ROOM, {"depth": "depth_mm", "instances": "labels"}[name])
    data = one_of(rng, [png(values[::2, ::2]), png(values.T), png(values[:-1]), png(values[:1, :1])])
    huge = struct.pack(">IIBBBBB", 2**31 - 1, 60_000, 8 * values.itemsize, 0, 0, 0, 0)
    if rng.random() < 0.2:
        data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", huge) + png_chunk(b"IDAT", b"x") + png_chunk(b"IEND", b"")
    case.files[name] = data
    case.needs(f"{name}_size_mismatch", "too_many_pixels")
    case.scale_told = case.scale_told and name == "depth"


@mutation
def map_damaged(case: Case, rng: Rng) -> None:
    name = one_of(rng, ("depth", "instances"))
    held = case.files[name]
    if held:
        case.files[name] = damaged(held, rng)
        # Where the size is damaged, it may be far too large.
        known = (f"{name}_unreadable", f"{name}_size_mismatch", "too_many_pixels")
        case.needs(*known, *(UNLISTED if name == "instances" else ()))
        case.scale_told = case.scale_told and name == "depth"


@mutation
def maps_swapped(case: Case, rng: Rng) -> None:
    case.files["depth"], case.files["instances"] = case.files["instances"], case.files["depth"]
    case.needs("depth_unreadable", *UNLISTED)
    case.scale_told = False


@mutation
def masks_wrong(case: Case, rng: Rng) -> None:
    wrong = one_of(rng, ("none", "noise", "all", "moved", "palette"))
    labels = {
        "none": np.zeros((HEIGHT, WIDTH), np.uint8),
        "noise": rng.integers(0, 65536, (HEIGHT, WIDTH)).astype(np.uint16),
        "all": np.full((HEIGHT, WIDTH), 9, np.uint8),
        "moved": np.roll(ROOM.labels, WIDTH // 2, axis=1),
    }
    case.scale_told = wrong == "palette"
    if wrong == "palette":
        image = Image.fromarray(ROOM.labels).convert("P", palette=Image.Palette.ADAPTIVE)
        image = Image.fromarray(ROOM.labels, "P")
        image.putpalette(rng.integers(0, 256, 768).astype(np.uint8).tolist())
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        case.files["instances"] = buffer.getvalue()
        return
    case.files["instances"] = png(labels[wrong])
    case.needs(*UNLISTED, *(("bad_box", "bad_depth", "bad_intrinsics") if wrong == "moved" else ()))


@mutation
def image_damaged(case: Case, rng: Rng) -> None:
    held = case.files["image"]
    if held:
        case.files["image"] = damaged(held, rng)
        case.may |= {*OF_IMAGES, *OTHER_SIZE, *UNLISTED, "depth_unreadable", "bad_depth"}
        case.scale_told = False


@mutation
def image_of_another_kind(case: Case, rng: Rng) -> None:
    case.files["image"] = one_of(
        rng,
        [
            *(b"", b"GIF89a" + bytes(40), b"<html>", bytes(2000), b"RIFF\0\0\0\0WEBP", b"\xff\xd8\xff", rng.bytes(400)),
            *(bomb_png(60_000, 60_000), bomb_png(2**31 - 1, 2**31 - 1), bomb_webp(16_384, 16_384)),
            encoded(pixels(1), "TIFF"),
        ],
    )
    case.needs(*OF_IMAGES)


@mutation
def image_of_another_size(case: Case, rng: Rng) -> None:
    width, height = one_of(rng, ((2 * WIDTH, 2 * HEIGHT), (HEIGHT, WIDTH), (WIDTH // 2, HEIGHT // 2), (1, 1)))
    case.files["image"] = encoded(pixels(case.number, width, height), "PNG")
    case.needs("depth_size_mismatch")
    case.may |= set(OTHER_SIZE)


@mutation
def exif_of_all_kinds(case: Case, rng: Rng) -> None:
    exif = Image.Exif()
    exif[0x0112] = one_of(rng, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 65535))
    held: dict[int, Any] = exif.get_ifd(0x8769)
    held[0xA405] = one_of(rng, (0, 1, 26, 50, 65535))
    held[0xA002], held[0xA003] = int(rng.integers(0, 9000)), int(rng.integers(0, 9000))
    data = bytearray(b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0"))
    for _ in range(int(rng.integers(0, 6))):
        data[int(rng.integers(6, len(data)))] = int(rng.integers(256))
    image = pixels(case.number, WIDTH, HEIGHT)
    case.files["image"] = encoded(image, "JPEG", exif=bytes(data))
    # Turned about, the room's own gravity may point up in the picture, and its maps keep the stored size.
    case.may |= {"bad_gravity"}
    if rng.random() < 0.3:
        del case.row["camera"]


def damaged(data: bytes, rng: Rng) -> bytes:
    """Return bytes that are cut off, or have bits or runs of bytes changed."""
    wrong = one_of(rng, ("cut", "bit", "bytes"))
    if wrong == "cut":
        return data[: int(rng.integers(0, len(data) - 12))]
    changed = bytearray(data)
    # The last 12 bytes of a PNG only say that it ends: without them, no pixel is another one.
    at = int(rng.integers(len(data) - 12))
    if wrong == "bit":
        changed[at] ^= 1 << int(rng.integers(8))
    else:
        changed[at : at + 16] = bytes(value ^ 0x5A for value in changed[at : at + 16])
    return bytes(changed)
