"""The `sensor` family: depth, intrinsics, gravity, masks and captions that the crawl itself carries."""

from collections.abc import Sequence
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from schemas.reasons import Outcome, Reason
from udfs.experts.expert import ExpertSpec, Photograph, Prediction
from udfs.stages.rows import RowRejected


class _Sensor:
    """Applies `_one` to each photograph; there is nothing to load."""

    isolated: ClassVar[bool] = False

    def __init__(self, spec: ExpertSpec) -> None:
        self.options = spec.options

    def load(self, device: str) -> None:
        """Do nothing: a sensor has no weights."""

    def predict(self, batch: Sequence[Photograph]) -> list[Prediction | Exception]:
        """Return one prediction or exception per photograph, in order."""
        return [self._guarded(photograph) for photograph in batch]

    def _guarded(self, photograph: Photograph) -> Prediction | Exception:
        try:
            return self._one(photograph)
        except Exception as error:  # returned, so that the neighbours in the batch go on
            return error

    def _one(self, photograph: Photograph) -> Prediction:
        raise TypeError(f"{type(self).__name__} fills no slot; use one of its subclasses.")


class SensorFilter(_Sensor):
    """Scores what the crawl carries: `spatial` is 1 when depth, intrinsics and a named object are all there."""

    columns: ClassVar[tuple[str, ...]] = ("has_depth", "camera", "objects")

    def _one(self, photograph: Photograph) -> Prediction:
        has_depth = float(bool(photograph["has_depth"]))
        has_camera = float(photograph["camera"] is not None)
        has_objects = float(any(o["label"] or o["captions"] for o in photograph["objects"] or []))
        scores = {"has_depth": has_depth, "has_intrinsics": has_camera, "has_objects": has_objects}
        return {"scores": {**scores, "spatial": min(scores.values())}}


class SensorRegions(_Sensor):
    """Regions from the crawl's instance PNG and object list."""

    columns: ClassVar[tuple[str, ...]] = ("instances", "objects")

    def _one(self, photograph: Photograph) -> Prediction:
        if not photograph["instances"] or not photograph["objects"]:
            error = "The crawl carries no instance masks; add `instances` and `objects`, or use a learned profile."
            raise RowRejected(Outcome.FILTERED, Reason.NO_REGIONS, error)
        labels = cv2.imdecode(np.frombuffer(photograph["instances"], np.uint8), cv2.IMREAD_UNCHANGED)
        if labels is None or labels.ndim != 2:
            raise ValueError("the instance map is no single-channel PNG; write one, or leave `instances` out")
        boxes = instance_boxes(labels)
        regions = [region_of(labels, boxes[o["id"]], o) for o in photograph["objects"] if o["id"] in boxes]
        regions.sort(key=lambda region: (-region["area_px"], region["region_id"]))
        return {"regions": regions}


class SensorDepth(_Sensor):
    """The crawl's depth map, intrinsics and gravity, passed through.

    Options: `sigma_rel`, declared depth error over range (0.01), and `gravity_sigma_deg` (1.0).
    """

    columns: ClassVar[tuple[str, ...]] = ("depth", "camera", "gravity")

    def _one(self, photograph: Photograph) -> Prediction:
        if not photograph["depth"]:
            error = "The crawl carries no sound depth map; add `depth`, or use a learned depth expert."
            raise RowRejected(Outcome.FILTERED, Reason.NO_DEPTH, error)
        if photograph["camera"] is None:
            error = "The crawl carries no sound intrinsics; add `camera`, or use a learned depth expert."
            raise RowRejected(Outcome.FILTERED, Reason.NO_INTRINSICS, error)
        gravity = photograph["gravity"]
        return {
            "depth": photograph["depth"],
            "depth_src": "sensor",
            "sigma_rel": float(self.options.get("sigma_rel", 0.01)),
            "scale_sigma_rel": 0.0,
            "focal_sigma_rel": 0.0,
            "scale_ok": True,
            "camera": photograph["camera"],
            "camera_src": "crawl",
            "gravity": gravity,
            "gravity_src": "imu" if gravity else "none",
            "gravity_sigma_deg": float(self.options.get("gravity_sigma_deg", 1.0)) if gravity else None,
        }


SLOTS = {"filter": SensorFilter, "context": SensorRegions, "depth": SensorDepth}


def instance_boxes(labels: NDArray[Any]) -> dict[int, tuple[int, int, int, int]]:
    """Return the half-open box (u0, v0, u1, v1) in px of every non-zero id of an instance map."""
    boxes = {}
    for instance_id in np.unique(labels):
        if instance_id:
            hit = labels == instance_id
            rows, columns = np.flatnonzero(hit.any(axis=1)), np.flatnonzero(hit.any(axis=0))
            boxes[int(instance_id)] = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return boxes


def region_of(labels: NDArray[Any], box: tuple[int, int, int, int], annotation: dict[str, Any]) -> dict[str, Any]:
    """Return the REGION struct of the pixels with the annotation's id; `box` is theirs, of `instance_boxes`."""
    rle = coco_mask.encode(np.asfortranarray(labels == annotation["id"], dtype=np.uint8))
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
        "chance": None,
        "edge_sigma_px": None,
    }
