"""Focal lengths of EXIF, against cameras whose focal length in px follows from lens and sensor."""

import io
import math
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.TiffImagePlugin import IFDRational

from udfs.crawl.exif import Focal, exif_focal
from udfs.crawl.image_file import image_columns
from udfs.crawl.limits import IngestSettings


def picture(size: tuple[int, int], kind: str = "JPEG", **tags: Any) -> bytes:
    image, exif = Image.new("RGB", size), Image.Exif()
    exif[Base.Make] = "maker"
    held = exif.get_ifd(IFD.Exif)
    for name, value in tags.items():
        held[Base[name]] = value
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif)
    return buffer.getvalue()


def told(size: tuple[int, int], kind: str = "JPEG", **tags: Any) -> Focal | None:
    with Image.open(io.BytesIO(picture(size, kind, **tags))) as image:
        return exif_focal(image)


# Focal length and sensor width and height in mm: phones of 1/2.55", 1/1.28" and an ultrawide, APS-C, full frame, 4/3.
CAMERAS = [
    (4.25, 5.64, 4.23),
    (6.86, 9.79, 7.34),
    (2.2, 5.6, 4.2),
    (35.0, 23.6, 15.7),
    (50.0, 36.0, 24.0),
    (25.0, 17.3, 13.0),
    (100.0, 22.3, 14.9),
]


@pytest.mark.parametrize("convention", ["diagonal", "width"])
@pytest.mark.parametrize("shape", ["full", "wide", "square", "upright", "small"])
def test_the_error_holds_for_cameras_of_all_kinds(convention: str, shape: str) -> None:
    errors = []
    for focal_mm, width_mm, height_mm in CAMERAS:
        film = math.hypot(36, 24) / math.hypot(width_mm, height_mm) if convention == "diagonal" else 36 / width_mm
        width, height = 800, round(800 * height_mm / width_mm)
        sizes = {
            "full": (width, height),
            "wide": (width, width * 9 // 16),
            "square": (height, height),
            "upright": (height, width),
            "small": (width // 2, round(height / 2)),
        }
        true_px = focal_mm / width_mm * width / (2 if shape == "small" else 1)
        focal = told(
            sizes[shape],
            FocalLengthIn35mmFilm=round(focal_mm * film),
            FocalLength=IFDRational(round(100 * focal_mm), 100),
        )
        assert focal is not None and 0.03 < focal.sigma_rel < 0.15
        errors.append(math.log(focal.px / true_px) / focal.sigma_rel)
    assert np.abs(errors).max() < 2


@pytest.mark.parametrize(("unit", "mm"), [(2, 25.4), (3, 10.0), (4, 1.0), (None, 25.4)])
def test_lens_and_sensor_resolution_tell_it_alone(unit: int | None, mm: float) -> None:
    resolution = IFDRational(round(6000 / 22.3 * mm * 1000), 1000)
    tags: dict[str, Any] = {"FocalLength": IFDRational(31), "FocalPlaneXResolution": resolution}
    tags |= {"ExifImageWidth": 6000, "ExifImageHeight": 4000}
    tags |= {} if unit is None else {"FocalPlaneResolutionUnit": unit}
    focal = told((600, 400), **tags)
    assert focal is not None and focal.px == pytest.approx(31 / 22.3 * 600, rel=1e-3) and focal.sigma_rel == 0.03


def test_readings_that_differ_widen_the_error() -> None:
    sensor: dict[str, Any] = {
        "FocalLength": IFDRational(50),
        "FocalPlaneXResolution": IFDRational(600, 36),
        "FocalPlaneResolutionUnit": 4,
    }
    near = told((600, 400), **sensor, FocalLengthIn35mmFilm=55)
    far = told((600, 400), **sensor, FocalLengthIn35mmFilm=200)
    film = told((600, 400), FocalLengthIn35mmFilm=200)
    assert (
        near is not None and near.sigma_rel > 0.05 and near.px == pytest.approx(600 / 36 * math.sqrt(50 * 55), rel=0.01)
    )
    assert far == film


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"FocalLengthIn35mmFilm": 0},
        {"FocalLengthIn35mmFilm": 5},
        {"FocalLengthIn35mmFilm": 2000},
        {"FocalLength": IFDRational(50)},
        {"FocalLength": IFDRational(50), "FocalPlaneXResolution": IFDRational(0)},
        {"FocalLength": IFDRational(50), "FocalPlaneXResolution": IFDRational(1, 1000)},
        {"FocalLength": IFDRational(50), "FocalPlaneXResolution": IFDRational(300), "FocalPlaneResolutionUnit": 9},
        {"FocalLengthIn35mmFilm": 28, "ExifImageWidth": 4000, "ExifImageHeight": 2250},
        {"FocalLengthIn35mmFilm": 28, "DigitalZoomRatio": IFDRational(4)},
        {"FocalLengthIn35mmFilm": "28"},
    ],
)
def test_what_does_not_tell_or_cannot_be_right(tags: dict[str, Any]) -> None:
    assert told((400, 300), **tags) is None


def test_no_digital_zoom_and_a_little_of_it() -> None:
    plain = told((400, 300), FocalLengthIn35mmFilm=28)
    assert plain == told((400, 300), FocalLengthIn35mmFilm=28, DigitalZoomRatio=IFDRational(0))
    zoomed = told((400, 300), FocalLengthIn35mmFilm=28, DigitalZoomRatio=IFDRational(6, 5))
    assert plain is not None and zoomed is not None
    assert plain.px < zoomed.px < 1.2 * plain.px and zoomed.sigma_rel > plain.sigma_rel


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_column_of_images(kind: str) -> None:
    row = image_columns(picture((400, 300), kind, FocalLengthIn35mmFilm=26), IngestSettings())
    assert row["exif_focal_px"] == pytest.approx(26 / math.hypot(36, 24) * 500) and row["exif_focal_sigma_rel"] > 0.04
    bare = image_columns(picture((400, 300), kind), IngestSettings())
    assert bare["exif_focal_px"] is None and bare["exif_focal_sigma_rel"] is None
