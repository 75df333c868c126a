import hashlib
import io

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.ingest.pictures import HEIGHT, WIDTH, bomb_png, bomb_webp, encoded, photo, pixels
from tests.pixels import turned
from udfs.crawl.image_file import image_columns
from udfs.crawl.limits import IngestSettings
from udfs.stages.rows import RowRejected

LIMITS = IngestSettings()
ENCODINGS = {
    "jpeg": photo(1, "JPEG"),
    "progressive": photo(1, "JPEG", progressive=True),
    "png": photo(1, "PNG"),
    "webp": photo(1, "WEBP"),
    "webp lossless": photo(1, "WEBP", lossless=True),
    "webp extended": encoded(np.dstack([pixels(1), pixels(2)[..., :1]]), "WEBP"),
}


def rejected(data: bytes, limits: IngestSettings = LIMITS) -> RowRejected:
    with pytest.raises(RowRejected) as caught:
        image_columns(data, limits)
    return caught.value


@pytest.mark.parametrize("name", ENCODINGS)
def test_facts_of_each_format(name: str) -> None:
    data = ENCODINGS[name]
    row = image_columns(data, LIMITS)
    assert (row["width"], row["height"], row["exif_orientation"]) == (WIDTH, HEIGHT, 1)
    assert row["image_id"] == hashlib.sha256(data).hexdigest()
    assert row["format"] == {"progressive": "jpeg"}.get(name, name.partition(" ")[0])
    assert row["phash"] == str(imagehash.phash(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("name", ENCODINGS)
@settings(max_examples=25, deadline=None)
@given(share=st.floats(0.0, 0.97))
def test_every_truncation_is_found(name: str, share: float) -> None:
    data = ENCODINGS[name]
    cut = data[: int(len(data) * share)]
    error = rejected(cut)
    # A few bytes do not show what the file was.
    assert error.reason == "truncated_image" or (error.reason == "unsupported_format" and len(cut) < 16)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(ENCODINGS)), at=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_changed_byte_raises_nothing_but_a_rejection(name: str, at: int, value: int) -> None:
    data = bytearray(ENCODINGS[name])
    data[at % len(data)] = value
    try:
        assert image_columns(bytes(data), LIMITS)["phash"]
    except RowRejected as error:
        assert str(error).endswith(".")


@pytest.mark.parametrize("data", [bomb_png(60_000, 60_000), bomb_webp(16_000, 16_000)])
def test_bombs_are_refused_from_their_header(data: bytes) -> None:
    error = rejected(data)
    assert (error.outcome, error.reason) == ("refused", "too_many_pixels")
    assert "max_pixels" in str(error)


def test_pixel_limit_is_inclusive() -> None:
    assert image_columns(photo(1), IngestSettings(max_pixels=WIDTH * HEIGHT))["width"] == WIDTH
    assert rejected(photo(1), IngestSettings(max_pixels=WIDTH * HEIGHT - 1)).reason == "too_many_pixels"


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "AVIF"])
def test_other_formats_are_refused_by_content(kind: str) -> None:
    error = rejected(photo(1, kind))
    assert (error.outcome, error.reason) == ("refused", "unsupported_format")
    assert kind in str(error)


def test_an_error_page_is_not_an_image() -> None:
    error = rejected(b"<!DOCTYPE html><html><body>403</body></html>")
    assert error.reason == "unsupported_format"
    assert str(error).startswith("The file holds a web page, which is no image;")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_size_and_hash_are_those_of_the_upright_image(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = photo(1, kind, exif=exif.tobytes())
    row = image_columns(data, LIMITS)
    assert (row["exif_orientation"], row["width"], row["height"]) == (6, HEIGHT, WIDTH)
    assert row["bytes"] == data
    seen = Image.open(io.BytesIO(data)).transpose(Image.Transpose.ROTATE_270)
    assert row["phash"] == str(imagehash.phash(seen.convert("L")))


@pytest.mark.parametrize("tag", turned.TAGS)
def test_an_image_is_hashed_as_it_is_seen(tag: int) -> None:
    rgb = pixels(4, 803, 601)
    row, upright = (image_columns(turned.file(one, rgb), LIMITS) for one in (tag, 1))
    assert (row["phash"], row["width"], row["height"]) == (upright["phash"], 803, 601)


def test_an_mpo_of_a_camera_with_two_lenses_is_a_jpeg() -> None:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 8
    first, second = (Image.fromarray(pixels(seed)) for seed in (1, 2))
    first.save(buffer, "MPO", save_all=True, append_images=[second], exif=exif.tobytes())
    row = image_columns(buffer.getvalue(), LIMITS)
    assert (row["format"], row["exif_orientation"], row["width"], row["height"]) == ("jpeg", 8, HEIGHT, WIDTH)


def test_broken_exif_costs_nothing() -> None:
    assert image_columns(photo(1, "JPEG", exif=b"Exif\0\0MM\0*garbage"), LIMITS)["exif_orientation"] == 1


def test_phash_of_large_images_is_near_the_reference() -> None:
    data = encoded(pixels(3, 1600, 1200))
    reference = imagehash.phash(Image.open(io.BytesIO(data)))
    assert imagehash.hex_to_hash(image_columns(data, LIMITS)["phash"]) - reference <= 4


def test_a_jpeg_of_countless_scans_is_refused_undecoded() -> None:
    sound = photo(1, "JPEG", progressive=True)
    scan = sound[sound.rindex(b"\xff\xda") : -2]
    bomb = sound[:-2] + scan * 10_000 + b"\xff\xd9"
    error = rejected(bomb)
    assert (error.outcome, error.reason) == ("refused", "unreadable_image")
    assert "scans, over the limit of 200" in str(error)
    assert image_columns(sound[:-2] + scan * 20 + b"\xff\xd9", LIMITS)["width"] == WIDTH
