"""Judges what ingest made of a mutated row, by what the mutation knows and by its own arithmetic."""

import math
from typing import Any

import numpy as np

from tests.fuzz.cases import ROOM, WHOLE_ROW, Case
from udfs.pixels.maps import decoded_map

Row = dict[str, Any]
_FURTHEST_TIMES = 2.2


def faults(case: Case, row: Row) -> list[str]:
    """Return what is wrong with the output row of a case: untrue or missing reasons, and lies that survived."""
    reasons = {reject["reason"] for reject in row["rejects"]}
    found = []
    if reasons - case.may:
        found.append(f"untrue: {sorted(reasons - case.may)}")
    left_out = bool(reasons & WHOLE_ROW) and "image_id" not in row
    found += [f"none of {sorted(wanted)}" for wanted in case.must if not reasons & wanted and not left_out]
    if "image_id" not in row and not reasons:
        found.append("lost without a reason")
    if any(len(reject["error"]) < 20 or not reject["error"].isprintable() for reject in row["rejects"]):
        found.append("a sentence that nobody can read")
    return found + (lies(case, row) if "image_id" in row else [])


def lies(case: Case, row: Row) -> list[str]:
    """Return which surviving parts cannot be: a camera, a box, or a depth map in another unit."""
    found = []
    camera = row["camera"]
    if camera is not None and not possible(camera, row["width"], row["height"]):
        found.append(f"camera {camera} of {row['width']} x {row['height']} px")
    for item in row["objects"] or []:
        box = item["box_3d"]
        if box is not None and not (max(box["size"]) <= 100 and min(box["size"]) >= 1e-4 and _in_front(box)):
            found.append(f"box {box}")
    if row["depth"] is not None and camera is not None and case.scale_told:
        depth_mm = decoded_map(row["depth"])
        truth = ROOM.depth_mm if depth_mm.shape == ROOM.depth_mm.shape else ROOM.depth_mm.T
        times = float(np.median(depth_mm[depth_mm > 0]) / np.median(truth))
        if not 1 / _FURTHEST_TIMES < times < _FURTHEST_TIMES:
            found.append(f"depth {times:.3g} times too far")
    return found


def possible(camera: Row, width: int, height: int) -> bool:
    """Return whether a lens may have these intrinsics, by the angle between the rays through opposite edges."""
    if not all(math.isfinite(camera[name]) for name in ("fx", "fy", "cx", "cy")):
        return False
    if not 0.5 <= camera["fx"] / camera["fy"] <= 2:
        return False
    for focal, center, side in ((camera["fx"], camera["cx"], width), (camera["fy"], camera["cy"], height)):
        first, last = (np.array([(edge - center) / focal, 1.0]) for edge in (-0.5, side - 0.5))
        cosine = first @ last / np.linalg.norm(first) / np.linalg.norm(last)
        if not 5 <= math.degrees(math.acos(min(1.0, cosine))) <= 170:
            return False
    return True


def _in_front(box: Row) -> bool:
    reach = sum(abs(box["rotation"][6 + axis]) * box["size"][axis] / 2 for axis in range(3))
    return box["center"][2] + reach > 0
