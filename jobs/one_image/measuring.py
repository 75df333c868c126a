"""One image in memory: metric objects, and questions with their answers, by the functions of the stages."""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from PIL.ExifTags import Base

from jobs.engine.errors import EnvironmentMissing, SpatialLakeError, UsageError
from jobs.engine.settings import RunSettings, load_settings
from jobs.one_image.measured import Measured
from schemas.manifest import ManifestRow
from schemas.reasons import Reason
from udfs.crawl.fetch import Fetched
from udfs.experts.expert import BUILTIN, SENSOR, ExpertSpec, Profile
from udfs.experts.scope import Scope, scope_of_profile
from udfs.pixels.decoding import orientation_of
from udfs.stages.ingest import ingest_row
from udfs.stages.one_image import prediction_of, question_image
from udfs.stages.rows import Row, RowRejected

ImageLike = str | Path | bytes | Image.Image
ObjectLike = str | Mapping[str, Any]

_MAX_DEPTH_MM = np.iinfo(np.uint16).max


class ImageRejected(SpatialLakeError):
    """An image that cannot be read or measured; the message says why, `reason` is the reason code of a lake."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error)
        self.reason = reason


class Given(TypedDict, total=False):
    """What is known about an image apart from its pixels; every part is optional.

    `depth` is a map (h, w) in m along the optical axis (0 or NaN: unknown), or a uint16 PNG in mm. `masks` is a map
    (h, w) of object ids, or one boolean mask (h, w) per object, or a PNG of ids. A PNG is a file or its bytes.
    `objects` names the objects in the order of their ids: a text, or a mapping with `label`, `captions`, and optionally
    `id`, `box_3d` and `front`.
    `camera` holds fx, fy, cx, cy in px, and `gravity` [3] points down in the camera frame (x right, y down, z forward).
    All of these refer to the pixels as stored in the file, before EXIF orientation, as in a crawl.
    """

    depth: ArrayLike | bytes | str | Path | None
    masks: ArrayLike | Sequence[ArrayLike] | bytes | str | Path | None
    objects: Sequence[ObjectLike]
    camera: Mapping[str, float] | None
    gravity: Sequence[float] | None


def measure(
    image: ImageLike,
    *,
    experts: str | Path | Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    **given: Unpack[Given],
) -> Measured:
    """Measure the objects of one image and ask about them, without Spark and without a lake.

    `image` is a file, its bytes or a PIL image; `Given` says what can be given with it. `experts` is a profile's
    name, its YAML file or a mapping like one; without it, what is given is used and the built-in networks find the
    rest. `settings` is a mapping as in a settings file.

    Raises:
        ImageRejected: the image cannot be read, or nothing in it can be measured.
        SpatialLakeError: unusable settings, or the extra `experts` is missing.
    """
    unknown = given.keys() - Given.__annotations__.keys()
    if unknown:
        raise UsageError(f"measure takes no {sorted(unknown)[0]!r}; give any of {', '.join(Given.__annotations__)}.")
    profile = {"experts": str(experts) if isinstance(experts, Path) else experts} if experts else {}
    merged = load_settings({**(settings or {}), **profile, "lake": "."}, None, [])
    return measure_with(merged, image, given, by_profile=bool(experts))


def measure_with(settings: RunSettings, image: ImageLike, given: Given, by_profile: bool) -> Measured:
    """Measure one image as `measure` does, with settings that were read; `by_profile`, their experts find everything.

    Raises:
        ImageRejected: the image cannot be read, or nothing in it can be measured.
        SpatialLakeError: unusable values, or the extra `experts` is missing.
    """
    depth, masks = given.get("depth"), given.get("masks")
    objects = _objects(given.get("objects", ()))
    row = ManifestRow(image="image", camera=given.get("camera"), gravity=given.get("gravity"), objects=objects or None)
    fetched = Fetched(_ENTRY, row, _image_bytes(image), _depth_png(depth), _mask_png(masks, objects))
    ingested = ingest_row(fetched, settings.ingest)
    notes = [reject["error"] for reject in ingested["rejects"]]
    if "image_id" not in ingested:
        raise ImageRejected(ingested["rejects"][0]["reason"], notes[0])
    slots = settings.profile() if by_profile else _profile_for(depth is not None, masks is not None)
    try:
        return _questioned(ingested, slots, settings, notes)
    except RowRejected as rejected:
        raise ImageRejected(str(rejected.reason), " ".join([*notes, str(rejected)])) from None
    except ModuleNotFoundError as error:
        raise EnvironmentMissing(
            f"These experts need {error.name}; install the extra with `pip install 'spatiallake[experts]'`."
        ) from error


_ENTRY = {"entry_id": "memory", "uri": "memory", "member": None, "ingest_shard": 0}


def _questioned(image: Row, profile: Profile, settings: RunSettings, notes: list[str]) -> Measured:
    scope = scope_of_profile(profile)
    notes = [*notes, *_doubts(image, profile, scope)]
    regions = prediction_of("context", profile.context, image)["regions"]
    depth = prediction_of("depth", profile.depth, image)
    # Whoever asks may ask about walls, doorways and free space, too.
    lift = settings.lift.model_copy(update={"places": True})
    sections = (lift, settings.disambiguate, settings.synthesize)
    asked = question_image(image, regions, depth, sections)
    return Measured(
        scene=asked.scene,
        references=asked.references,
        answers=asked.answers,
        notes=notes,
        knows=scope.banner if scope else None,
        lifted=asked.lifted,
        content=image["bytes"],
        settings=(settings.lift, settings.synthesize),
    )


def _doubts(image: Row, profile: Profile, scope: Scope | None) -> Iterator[str]:
    """Yield why experts that know one kind of image only are likely to be wrong about this one."""
    if scope is None:
        return
    spec = getattr(profile, scope.slots[0])
    same = ExpertSpec(family=spec.family, model=spec.model, revision=spec.revision)
    try:
        prediction_of("filter", same, image)
    except RowRejected as rejected:
        if rejected.reason == Reason.NOT_LIKE_TRAINING:
            yield str(rejected)


def _profile_for(has_depth: bool, has_masks: bool) -> Profile:
    def slot(given: bool) -> ExpertSpec:
        return SENSOR if given else BUILTIN

    return Profile(name="given", filter=SENSOR, context=slot(has_masks), depth=slot(has_depth))


def _objects(objects: Sequence[ObjectLike]) -> list[Row]:
    rows = [{"label": one} if isinstance(one, str) else dict(one) for one in objects]
    return [{"id": number, **row} for number, row in enumerate(rows, start=1)]


def _image_bytes(image: ImageLike) -> bytes:
    if isinstance(image, bytes):
        return image
    if isinstance(image, Image.Image):
        return _png(image)
    return _read(image)


def _depth_png(depth: ArrayLike | bytes | str | Path | None) -> bytes | None:
    if isinstance(depth, bytes):
        return depth
    if depth is None or isinstance(depth, str | Path):
        return None if depth is None else _read(depth)
    depth_m = np.nan_to_num(np.asarray(depth, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    depth_mm = np.rint(depth_m * 1000.0)
    return _png(Image.fromarray(np.where((depth_mm > 0) & (depth_mm <= _MAX_DEPTH_MM), depth_mm, 0).astype(np.uint16)))


def _mask_png(masks: ArrayLike | Sequence[ArrayLike] | bytes | str | Path | None, objects: list[Row]) -> bytes | None:
    if isinstance(masks, bytes):
        return masks
    if masks is None or isinstance(masks, str | Path):
        return None if masks is None else _read(masks)
    ids = np.asarray(masks)
    if ids.ndim == 3:
        ids = _merged(ids.astype(bool), objects)
    return _png(Image.fromarray(ids.astype(np.uint16)))


def _merged(masks: NDArray[np.bool_], objects: list[Row]) -> NDArray[np.uint16]:
    """Return one map (h, w) of object ids of masks (n, h, w); where masks overlap, the last one holds."""
    if len(masks) != len(objects):
        raise UsageError(f"There are {len(masks)} masks and {len(objects)} objects; give one mask per object.")
    ids = np.zeros(masks.shape[1:], np.uint16)
    for mask, named in zip(masks, objects, strict=True):
        ids[mask] = named["id"]
    return ids


def _read(place: str | Path) -> bytes:
    try:
        return Path(place).read_bytes()
    except OSError as error:
        raise ImageRejected("missing_file", f"{place} cannot be read ({error.strerror}); name a file.") from error


def _png(image: Image.Image) -> bytes:
    # Pillow keeps the stored pixels of a file that it has opened, and their EXIF orientation beside them.
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[Base.Orientation] = orientation_of(image).tag
    image.save(buffer, "PNG", exif=exif)
    return buffer.getvalue()
