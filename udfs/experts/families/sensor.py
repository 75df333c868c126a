"""The `sensor` family: depth, intrinsics, gravity, masks and captions that the crawl itself carries."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from pydantic import Field
from scipy import ndimage

from schemas.reasons import Outcome, Reason
from udfs.experts.expert import ExpertSpec, ImageExpert, ImageRow, Options, Prediction
from udfs.experts.intrinsics import INTRINSICS, known_intrinsics
from udfs.pixels.maps import decoded_map
from udfs.stages.rows import RowRejected


class _Sensor(ImageExpert):
    """Applies `_one` to each image; there is nothing to load."""

    isolated: ClassVar[bool] = False
    needs_model: ClassVar[bool] = False

    def load(self, device: str) -> None:
        """Do nothing: a sensor has no weights."""

    def predict(self, batch: Sequence[ImageRow]) -> list[Prediction | Exception]:
        """Return one prediction or exception per image, in order."""
        return [self._guarded(row) for row in batch]

    def _guarded(self, row: ImageRow) -> Prediction | Exception:
        try:
            return self._one(row)
        except Exception as error:  # returned, so that the rest of the batch continues
            return error

    @abstractmethod
    def _one(self, row: ImageRow) -> Prediction:
        """Return the prediction of one image, or raise RowRejected."""


class SensorFilter(_Sensor):
    """Scores what the crawl carries: `spatial` is 1 when depth, intrinsics and a named object are all there."""

    columns: ClassVar[tuple[str, ...]] = ("has_depth", *INTRINSICS, "objects")

    @classmethod
    def score_names(cls, spec: ExpertSpec) -> frozenset[str]:
        """Return the names of the scores."""
        return frozenset({"has_depth", "has_intrinsics", "has_objects", "spatial"})

    def _one(self, row: ImageRow) -> Prediction:
        has_depth = float(bool(row["has_depth"]))
        has_camera = float(any(row.get(name) is not None for name in INTRINSICS))
        has_objects = float(any(o["label"] or o["captions"] for o in row["objects"] or []))
        scores = {"has_depth": has_depth, "has_intrinsics": has_camera, "has_objects": has_objects}
        return {"scores": {**scores, "spatial": min(scores.values())}}


class SensorRegions(_Sensor):
    """Regions from the crawl's instance PNG and object list."""

    columns: ClassVar[tuple[str, ...]] = ("instances", "objects")

    def _one(self, row: ImageRow) -> Prediction:
        if not row["instances"] or not row["objects"]:
            error = "The crawl carries no instance masks; add `instances` and `objects`, or use a learned profile."
            raise RowRejected(Outcome.FILTERED, Reason.NO_REGIONS, error)
        labels = _labels(row["instances"])
        regions = regions_of(labels, row["objects"])
        regions.sort(key=lambda region: (-region["area_px"], region["region_id"]))
        return {"regions": regions}


class SensorDepthOptions(Options):
    """Declared errors of the crawl's depth and gravity."""

    sigma_rel: float = Field(default=0.01, ge=0, allow_inf_nan=False, description="relative depth error")
    gravity_sigma_deg: float = Field(default=1.0, ge=0, allow_inf_nan=False, description="standard error of gravity")


class SensorDepth(_Sensor):
    """The crawl's depth map, intrinsics and gravity, passed through; intrinsics from EXIF if the crawl has none."""

    columns: ClassVar[tuple[str, ...]] = ("depth", *INTRINSICS, "gravity", "width", "height")
    options_type: ClassVar[type[Options]] = SensorDepthOptions

    def _one(self, row: ImageRow) -> Prediction:
        if not row["depth"]:
            error = "The crawl carries no valid depth map; add `depth`, or use a learned depth expert."
            raise RowRejected(Outcome.FILTERED, Reason.NO_DEPTH, error)
        known = known_intrinsics(row, (row["width"], row["height"]))
        if known is None:
            error = "Neither crawl nor EXIF tells valid intrinsics; add `camera`, or use a learned depth expert."
            raise RowRejected(Outcome.FILTERED, Reason.NO_INTRINSICS, error)
        gravity = row["gravity"]
        return {
            "depth": row["depth"],
            "depth_src": "sensor",
            "sigma_rel": self.options.sigma_rel,
            # Lengths across the image are as wrong as the focal length.
            "scale_sigma_rel": known.focal_sigma_rel,
            "focal_sigma_rel": known.focal_sigma_rel,
            "scale_ok": True,
            "camera": known.camera,
            "camera_src": known.source,
            "gravity": gravity,
            "gravity_src": "imu" if gravity else "none",
            "gravity_sigma_deg": self.options.gravity_sigma_deg if gravity else None,
        }


SLOTS = {"filter": SensorFilter, "context": SensorRegions, "depth": SensorDepth}


def _labels(data: bytes) -> NDArray[Any]:
    try:
        return decoded_map(data)
    except ValueError as error:
        sentence = f"The instance map is unusable, since {error}; write it again, or leave `instances` out."
        raise RowRejected(Outcome.FAILED, Reason.INSTANCES_UNREADABLE, sentence) from error


def instance_boxes(labels: NDArray[Any]) -> dict[int, tuple[int, int, int, int]]:
    """Return the half-open box (u0, v0, u1, v1) in px of every non-zero id of an instance map."""
    found = ndimage.find_objects(labels.astype(np.int32, copy=False))
    return {
        number: (window[1].start, window[0].start, window[1].stop, window[0].stop)
        for number, window in enumerate(found, 1)
        if window is not None
    }


def regions_of(labels: NDArray[Any], annotations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the REGION structs of the annotations that have pixels in an instance map.

    Two passes over the map find the pixels of all of them, however many there are.
    """
    boxes, (height, width) = instance_boxes(labels), labels.shape
    # COCO counts runs column by column.
    column_by_column = labels.ravel(order="F")
    starts = np.flatnonzero(np.concatenate(([True], column_by_column[1:] != column_by_column[:-1])))
    ids, lengths = column_by_column[starts], np.diff(starts, append=labels.size)
    listed = np.isin(ids, [one["id"] for one in annotations])
    starts, ids, lengths = starts[listed], ids[listed], lengths[listed]
    order = np.argsort(ids, kind="stable")
    starts, ids, lengths = starts[order], ids[order], lengths[order]
    regions = []
    for annotation in annotations:
        number = annotation["id"]
        if number in boxes:
            own = slice(*np.searchsorted(ids, [number, number + 1]))
            rle = _rle(starts[own], lengths[own], height, width)
            regions.append(_region(rle, boxes[number], annotation))
    return regions


def _rle(starts: NDArray[Any], lengths: NDArray[Any], height: int, width: int) -> Any:
    """Return runs of pixels, numbered column by column, as a compressed COCO mask."""
    counts = np.empty(2 * len(starts) + 1, np.int64)
    counts[1::2] = lengths
    counts[:-1:2] = np.diff(np.concatenate(([0], starts + lengths)))[: len(starts)] - lengths
    counts[-1] = height * width - (starts[-1] + lengths[-1])
    runs = counts[: None if counts[-1] else -1].tolist()
    return coco_mask.frPyObjects({"size": [height, width], "counts": runs}, height, width)


def region_of(labels: NDArray[Any], box: tuple[int, int, int, int], annotation: dict[str, Any]) -> dict[str, Any]:
    """Return the REGION struct of the pixels with the annotation's id; `box` is their entry in `instance_boxes`."""
    return _region(coco_mask.encode(np.asfortranarray(labels == annotation["id"], dtype=np.uint8)), box, annotation)


def _region(rle: Any, box: tuple[int, int, int, int], annotation: dict[str, Any]) -> dict[str, Any]:
    counts = rle["counts"]
    return {
        "region_id": annotation["id"],
        "label": annotation["label"],
        "captions": annotation["captions"] or [],
        "score": 1.0,
        "bbox_px": list(box),
        "area_px": int(coco_mask.area(rle)),
        "rle": counts if isinstance(counts, str) else counts.decode("ascii"),
        "box_3d": annotation.get("box_3d"),
        "front": annotation.get("front"),
        "similar": None,
        "object_probability": None,
        "names": None,
        "edge_sigma_px": None,
    }
