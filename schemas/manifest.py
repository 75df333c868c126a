"""One row of a crawl manifest and its parts."""

import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

_INT32 = 2**31 - 1
_UNIT_TOLERANCE = 0.01
_ROTATION_TOLERANCE = 0.01

# Geocentric and projected coordinates reach 1e7 m.
_MAX_TRANSLATION_M = 1e8


def _number(value: Any) -> Any:
    if isinstance(value, bool | str | bytes):
        raise ValueError(f"is {_KINDS[type(value)]}, not a number")
    return value


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("is a truth value, not a number")
    return value


_KINDS = {bool: "a truth value", str: "a text", bytes: "bytes"}
Finite = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Positive = Annotated[float, BeforeValidator(_number), Field(gt=0, allow_inf_nan=False)]
# From the thickness of paper to a large building, and from the camera to the horizon of a street.
BoxSize = Annotated[float, BeforeValidator(_number), Field(ge=1e-4, le=100, allow_inf_nan=False)]
BoxCenter = Annotated[float, BeforeValidator(_number), Field(ge=-1000, le=1000, allow_inf_nan=False)]


def _unit(vector: tuple[float, float, float]) -> list[float]:
    length = math.sqrt(sum(value * value for value in vector))
    if abs(length - 1) > _UNIT_TOLERANCE:
        raise ValueError(f"length is {length:.4g}, not 1")
    return [value / length for value in vector]


def _flat(value: Any) -> Any:
    if isinstance(value, list | tuple) and value and all(isinstance(row, list | tuple) for row in value):
        return [number for row in value for number in row]
    return value


def _rotation(r: Sequence[float]) -> list[float]:
    """Return `r` ([9], row-major) when it is a rigid rotation within 0.01 per entry of R R^T."""
    rows = [r[0:3], r[3:6], r[6:9]]
    gram = [sum(a * b for a, b in zip(p, q, strict=True)) - (p is q) for p in rows for q in rows]
    if not all(abs(value) <= _ROTATION_TOLERANCE for value in gram):
        raise ValueError(f"rotation part is not orthonormal, off by {max(abs(value) for value in gram):.3g}")
    (a, b, c), (d, e, f), (g, h, i) = rows
    if a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) < 0:
        raise ValueError("rotation part mirrors, its determinant is -1")
    return list(r)


def _rigid(pose: Sequence[float]) -> list[float]:
    if any(abs(value - target) > 1e-6 for value, target in zip(pose[12:], (0, 0, 0, 1), strict=True)):
        raise ValueError(f"last row is {list(pose[12:])}, not [0, 0, 0, 1]")
    _rotation([pose[i] for i in (0, 1, 2, 4, 5, 6, 8, 9, 10)])
    farthest = max(abs(pose[i]) for i in (3, 7, 11))
    if farthest > _MAX_TRANSLATION_M:
        raise ValueError(f"translation is {farthest:.3g} m, over {_MAX_TRANSLATION_M:.0e} m")
    return list(pose)


def _captions(value: Any) -> Any:
    return [value] if isinstance(value, str) else value or []


def _robots(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def first_text(value: Any) -> str | None:
    """Return the first text in a value as crawlers write captions: a text, or a list or object that holds texts."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return next(filter(None, map(first_text, value)), None)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _alt_text(value: Any) -> Any:
    return first_text(value) if isinstance(value, list | tuple) else value


def _is_blank(value: Any) -> bool:
    return (isinstance(value, float) and math.isnan(value)) or (isinstance(value, str) and not value.strip())


UnitVector = Annotated[tuple[Finite, Finite, Finite], AfterValidator(_unit)]
Rotation = Annotated[list[Finite], BeforeValidator(_flat), Field(min_length=9, max_length=9), AfterValidator(_rotation)]
Pose = Annotated[list[Finite], BeforeValidator(_flat), Field(min_length=16, max_length=16), AfterValidator(_rigid)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class Camera(_Part):
    """Pinhole intrinsics of the file's pixels, px; the center of the top-left pixel is (0, 0)."""

    fx: Positive
    fy: Positive
    cx: Finite
    cy: Finite


class Box3d(_Part):
    """Amodal box in the camera frame: `center` and full lengths `size` in m, box axes as columns of `rotation`."""

    center: Annotated[list[BoxCenter], Field(min_length=3, max_length=3)]
    size: Annotated[list[BoxSize], Field(min_length=3, max_length=3)]
    rotation: Rotation


class ManifestObject(_Part):
    """One annotated object; `box_3d` and `front` are checked alone, so that an invalid one does not drop the object."""

    id: Annotated[int, BeforeValidator(_no_bool), Field(ge=1, le=_INT32)]
    label: str | None = None
    captions: Annotated[list[str], BeforeValidator(_captions)] = Field(default_factory=list)
    box_3d: Any = None
    front: Any = None


class ManifestRow(_Part):
    """One image as a manifest lists it; only `image` is required and unknown fields are ignored.

    `camera`, `depth_scale`, `gravity`, `pose`, `objects`, `action` and `state` are not validated here: each is checked
    alone later, so that an invalid one is dropped and the image is kept.
    """

    image: Annotated[str, Field(min_length=1)]
    crawl_id: str | None = None
    source: str | None = None
    image_url: str | None = None
    page_url: str | None = None
    alt_text: Annotated[str | None, BeforeValidator(_alt_text)] = None
    licence: str | None = None
    crawled_at: str | None = None
    robots: Annotated[str | None, BeforeValidator(_robots)] = None
    camera: Any = None
    depth: str | None = None
    depth_scale: Any = None
    gravity: Any = None
    pose: Any = None
    sequence_id: str | None = None
    frame_index: Annotated[int | None, BeforeValidator(_no_bool), Field(ge=0, le=_INT32)] = None
    instances: str | None = None
    objects: Any = None
    instruction: str | None = None
    action: Any = None
    state: Any = None

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, row: Any) -> Any:
        # Table tools write a missing text as NaN or as an empty string.
        if not isinstance(row, dict):
            return row
        return {name: value for name, value in row.items() if not _is_blank(value)}


CAMERA_PART: TypeAdapter[Camera] = TypeAdapter(Camera)
BOX_PART: TypeAdapter[Box3d] = TypeAdapter(Box3d)
SCALE_PART: TypeAdapter[float] = TypeAdapter(Positive)
UNIT_PART: TypeAdapter[Any] = TypeAdapter(UnitVector)
POSE_PART: TypeAdapter[list[float]] = TypeAdapter(Pose)
OBJECT_PART: TypeAdapter[ManifestObject] = TypeAdapter(ManifestObject)
