"""The focal length that EXIF tells, in px of the image, with its error."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD, Base

from udfs.geometry.camera import Pinhole

_FILM_DIAGONAL_MM = math.hypot(36, 24)
_FILM_RANGE_MM = (10.0, 400.0)
# Equivalents are stated by the diagonal or the width, which differ by 4 % on 4:3, and lenses breathe with focus.
_FILM_SIGMA_REL, _SENSOR_SIGMA_REL = 0.04, 0.03
_ROUNDING_MM = 1 / math.sqrt(12)
# Sensors are 4:3 or 3:2; an image of another aspect was cropped by the camera, at full width or full height.
_NATIVE_ASPECT, _CROPPED_FROM = (1.30, 1.55), 4 / 3
_SENSOR_LONG_MM = (3.0, 60.0)
_MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_ASPECT_TOLERANCE = 0.02
_ZOOM_RANGE = (1.0, 20.0)
_MAX_SIGMA_REL = 0.2
_UNIT_MISTAKE = 2.0


@dataclass(frozen=True)
class Focal:
    """A focal length in px and its relative 1-sigma error."""

    px: float
    sigma_rel: float


def exif_focal(image: Image.Image) -> Focal | None:
    """Return the focal length of an opened file by its EXIF tags; None if they do not tell, or cannot be right.

    It is the equivalent on 35 mm film, the focal length with the resolution of the sensor, or both. EXIF that states
    another aspect ratio than the image has is ignored: the image was cropped after it was taken.
    """
    tags = _tags(image)
    width, height = image.size
    stated = _stated_size(tags)
    if stated is not None and not _same_aspect(stated, image.size):
        return None
    focal = _merged(_by_film(tags, width, height), _by_sensor(tags, max(stated or image.size), max(width, height)))
    if focal is None:
        return None
    zoom = _number(tags, Base.DigitalZoomRatio)
    if _ZOOM_RANGE[0] <= zoom <= _ZOOM_RANGE[1]:
        # Cameras differ in whether the other tags include the digital zoom.
        focal = _between(focal, Focal(focal.px * zoom, focal.sigma_rel))
    camera = Pinhole(focal.px, focal.px, (width - 1) / 2, (height - 1) / 2)
    return focal if focal.sigma_rel <= _MAX_SIGMA_REL and camera.impossible(width, height) is None else None


def _tags(image: Image.Image) -> Mapping[int, Any]:
    try:
        return image.getexif().get_ifd(IFD.Exif)
    except Exception:  # a broken EXIF block counts as a missing one
        return {}


def _number(tags: Mapping[int, Any], tag: int) -> float:
    """Return a tag's value, NaN if it is missing or no finite number."""
    value = tags.get(tag)
    try:
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    except (ArithmeticError, ValueError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _stated_size(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    width, height = _number(tags, Base.ExifImageWidth), _number(tags, Base.ExifImageHeight)
    return (width, height) if width >= 1 and height >= 1 else None


def _same_aspect(stated: tuple[float, float], size: tuple[int, int]) -> bool:
    aspects = [max(sides) / min(sides) for sides in (stated, size)]
    # Rounding to whole px changes the aspect of a thumbnail.
    return abs(math.log(aspects[0] / aspects[1])) <= max(_ASPECT_TOLERANCE, 1 / min(size))


def _by_film(tags: Mapping[int, Any], width: int, height: int) -> Focal | None:
    film_mm = _number(tags, Base.FocalLengthIn35mmFilm)
    if not _FILM_RANGE_MM[0] <= film_mm <= _FILM_RANGE_MM[1]:
        return None
    per_px = film_mm / _FILM_DIAGONAL_MM
    sigma = math.hypot(_FILM_SIGMA_REL, _ROUNDING_MM / film_mm)
    own = Focal(per_px * math.hypot(width, height), sigma)
    return _between(own, Focal(per_px * _sensor_diagonal_px(width, height), sigma))


def _sensor_diagonal_px(width: int, height: int) -> float:
    long, short = max(width, height), min(width, height)
    if _NATIVE_ASPECT[0] <= long / short <= _NATIVE_ASPECT[1]:
        return math.hypot(long, short)
    if long / short > _CROPPED_FROM:
        return math.hypot(long, long / _CROPPED_FROM)
    return math.hypot(short, short * _CROPPED_FROM)


def _by_sensor(tags: Mapping[int, Any], stated_long_px: float, long_px: int) -> Focal | None:
    focal_mm, per_unit = _number(tags, Base.FocalLength), _number(tags, Base.FocalPlaneXResolution)
    unit = _number(tags, Base.FocalPlaneResolutionUnit)
    unit_mm = _MM_PER_UNIT.get(2 if math.isnan(unit) else int(unit))
    if not focal_mm > 0 or not per_unit > 0 or unit_mm is None:
        return None
    long_mm = stated_long_px / per_unit * unit_mm
    if not _SENSOR_LONG_MM[0] <= long_mm <= _SENSOR_LONG_MM[1]:
        return None
    return Focal(focal_mm / long_mm * long_px, _SENSOR_SIGMA_REL)


def _merged(by_film: Focal | None, by_sensor: Focal | None) -> Focal | None:
    if by_film is None or by_sensor is None:
        return by_film or by_sensor
    # Software that writes a wrong unit or the resolution of a preview is off by far.
    if abs(math.log(by_film.px / by_sensor.px)) > math.log(_UNIT_MISTAKE):
        return by_film
    return _between(by_film, by_sensor)


def _between(one: Focal, other: Focal) -> Focal:
    """Return the geometric mean of two readings; half of their difference is an error too."""
    apart = abs(math.log(one.px / other.px)) / 2
    return Focal(math.sqrt(one.px * other.px), math.hypot(min(one.sigma_rel, other.sigma_rel), apart))
