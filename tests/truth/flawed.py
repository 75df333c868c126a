"""An expert family with known faults: depth 10 % too far, every third object missed; it knows images by id."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from udfs.experts.families.sensor import SensorDepth, SensorRegions

CRAWL = "SPATIALLAKE_TEST_CRAWL"
TOO_FAR = 1.1


def _manifest_row(image: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    crawl = Path(os.environ[CRAWL])
    for line in (crawl / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        if hashlib.sha256((crawl / row["image"]).read_bytes()).hexdigest() == image["image_id"]:
            return crawl, row
    raise KeyError(image["image_id"])


class FlawedRegions(SensorRegions):
    """The true masks under other ids, without every third; names are right."""

    columns: ClassVar[tuple[str, ...]] = ("image_id",)
    isolated: ClassVar[bool] = False

    def _one(self, image: dict[str, Any]) -> dict[str, Any]:
        assert image["instances"] is None and image["objects"] is None
        crawl, row = _manifest_row(image)
        objects = [{**o, "box_3d": None, "front": None} for o in row["objects"]]
        true = super()._one({"instances": (crawl / row["instances"]).read_bytes(), "objects": objects})["regions"]
        return {"regions": [{**r, "region_id": 1000 + r["region_id"]} for i, r in enumerate(true) if i % 3 != 2]}


class FlawedDepth(SensorDepth):
    """The true depth times 1.1, with the true camera and gravity."""

    columns: ClassVar[tuple[str, ...]] = ("image_id",)
    isolated: ClassVar[bool] = False

    def _one(self, image: dict[str, Any]) -> dict[str, Any]:
        assert image["depth"] is None and image["gravity"] is None
        crawl, row = _manifest_row(image)
        depth = cv2.imread(str(crawl / row["depth"]), cv2.IMREAD_UNCHANGED)
        _, png = cv2.imencode(".png", np.rint(depth * TOO_FAR).astype(np.uint16))
        size = {"width": depth.shape[1], "height": depth.shape[0]}
        known = {"depth": png.tobytes(), "camera": row["camera"], "gravity": row["gravity"], **size}
        return {**super()._one(known), "sigma_rel": 0.1}


SLOTS = {"filter": FlawedRegions, "context": FlawedRegions, "depth": FlawedDepth}
