"""Another lake of the small lake's images, whose geometry, ids and gaps are changed by hand."""

from copy import deepcopy
from typing import Any

import numpy as np

from tests.pages.small_history import OWN, STOPPED
from tests.pages.small_lake import add_image, image_id_of, rooms, small_rows

ROOM, PORTRAIT, CROWD = rooms()
SHIFT = 10
BIN = 3

Rows = dict[str, list[dict[str, Any]]]

# image, object of the small lake: where it is in this one (W, m), and its place across the image
_MOVED = {
    # the cabinet and the crate have changed sides; they are as far apart as before
    (image_id_of(ROOM), 1): ((3.4, -0.9, 0.6), 0.7),
    (image_id_of(ROOM), 2): ((2.3, 0.2, 0.2), 0.3),
    # the crate is 2 cm to the right: too little to tell
    (image_id_of(PORTRAIT), 1): ((2.6, 0.3, 0.45), 0.4),
    (image_id_of(PORTRAIT), 2): ((2.3, 0.28, 0.2), 0.5),
}


def second_rows() -> Rows:
    """Return the rows of the other lake.

    Objects have other ids; the bin is not there; the crowd was filtered out, and what the small lake filtered out was
    not.
    """
    rows = deepcopy(small_rows())
    stopped, crowd = image_id_of(STOPPED), image_id_of(CROWD)
    rows["images"] = [row for row in rows["images"] if row["image_id"] != stopped]
    rows["quarantine"] = []
    add_image(rows, STOPPED)
    for name in ("regions", "depths", "scenes", "references", "qa_pairs"):
        rows[name] = [row for row in rows[name] if row["image_id"] != crowd]
    error = "Filter score room is 0.2, under the threshold 0.5."
    left = {"stage": "context", "outcome": "filtered", "reason": "score_below_threshold", "error": error, "attempt": 1}
    rows["quarantine"].append({**left, "image_id": crowd, **OWN})
    rows["qa_pairs"] = []
    for row in rows["regions"]:
        row["regions"] = [_renumbered(item, "region_id") for item in row["regions"] if item["region_id"] != BIN]
    for row in rows["references"]:
        row["references"] = [_renumbered(item, "object_id") for item in row["references"]]
    for row in rows["scenes"]:
        row["gravity_c"] = [0.0, 1.0, 0.0]
        row["objects"] = [_moved(row["image_id"], item) for item in row["objects"] if item["object_id"] != BIN]
    return rows


def without(rows: Rows, image_id: str) -> Rows:
    """Return the rows of all other images."""
    return {name: [row for row in held if row.get("image_id") != image_id] for name, held in rows.items()}


def _renumbered(item: dict[str, Any], name: str) -> dict[str, Any]:
    return {**item, name: item[name] + SHIFT}


def _moved(image_id: str, item: dict[str, Any]) -> dict[str, Any]:
    center, u_norm = _MOVED.get((image_id, item["object_id"]), (item["center_m"], 0.5))
    x, y, z = center
    range_m = (x * x + y * y + (z - 1.5) ** 2) ** 0.5
    box = {"lo_m": [x - 0.1, y - 0.1, z - 0.1], "hi_m": [x + 0.1, y + 0.1, z + 0.1], "yaw_box_m": [x, y, 0.2, 0.2]}
    former = np.reshape(item["corners_m"], (8, 3))
    box["corners_m"] = (former - former.mean(axis=0) + center).ravel().tolist()
    place = {"center_m": [x, y, z], "u_norm": u_norm, "v_norm": 0.5, "range_m": range_m, "depth_m": range_m}
    return _renumbered({**item, **box, **place, "foot_m": None, "sigma_m": 0.01 * range_m}, "object_id")
