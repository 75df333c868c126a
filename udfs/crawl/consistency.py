"""Checks the parts of a row against each other, and leaves out those that the others contradict."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from numpy.typing import NDArray

from schemas.reasons import Reason
from udfs.crawl.box_fit import Box, boxes_of, seen_of
from udfs.crawl.depth_values import MM_PER_M, in_mm, is_flat, likely_units, no_depth, without_codes
from udfs.crawl.gravity_sign import points_up
from udfs.crawl.intrinsics import intrinsics_fault
from udfs.crawl.part_rejects import PartRejects
from udfs.crawl.plausible_sizes import named, wrong_sizes
from udfs.crawl.sidecars import Map, Sidecars
from udfs.geometry.camera import Pinhole
from udfs.pixels.maps import encoded_map
from udfs.pixels.orientation import Size
from udfs.stages.rows import Row

_OWN_FACTOR, _FEW_FACTOR, _MANY_FACTOR, _MANY_BOXES = 2.0, 2.0, 1.5, 3
# Boxes of which half are larger are not in meters.
_LARGEST_BOXES_M = 15.0


def consistent(given: Sidecars, units_per_m: float, size: Size, rejects: PartRejects) -> Sidecars:
    """Return sidecars without the parts that contradict the image's size or each other; `rejects` says why.

    The parts are valid alone and in one frame, that of the image of `size` (width, height) px. The values of the given
    depth map count `units_per_m`; those of the returned one are mm, 0 = none.
    """
    labels = given.instances.values if given.instances else None
    depth = _depth(given.depth, units_per_m, labels, rejects) if given.depth else None
    objects = list(given.objects or [])
    names = named(objects)
    looked_at = [item["id"] for item in objects if item["box_3d"] or item["id"] in names]
    seen = {} if labels is None else seen_of(labels, depth.values if depth else None, looked_at)
    boxes = _in_front(boxes_of(objects, seen), rejects)
    camera = _camera(given.camera, size, boxes, rejects)
    boxes = _over_masks(boxes, camera, size, rejects)
    boxes, contradicted = _at_depth(boxes, rejects)
    if contradicted or _sizes_contradict(wrong_sizes(names, seen, camera) if camera else None, rejects):
        depth = None
    gravity = _gravity(given.gravity, depth, camera, rejects)
    objects = _with_boxes(objects, boxes)
    return replace(given, camera=camera, gravity=gravity, objects=objects or None, depth=depth)


def _depth(given: Map, units_per_m: float, labels: NDArray[Any] | None, rejects: PartRejects) -> Map | None:
    measured = without_codes(given.values)
    depth_mm = in_mm(measured, units_per_m)
    fault = no_depth(measured, depth_mm, units_per_m)
    if fault is None and labels is not None and is_flat(depth_mm, labels):
        fault = f"is {depth_mm.max()} mm on all objects and all around them, which measures no object"
    if fault:
        remedy = "write mm along the optical axis, give another unit as `depth_scale` (units per meter), or omit it"
        rejects.failed(Reason.BAD_DEPTH, f"The depth map {fault}; {remedy}.")
        return None
    return given if depth_mm is given.values else Map(encoded_map(depth_mm), depth_mm)


def _in_front(boxes: Sequence[Box], rejects: PartRejects) -> list[Box]:
    kept = []
    for box in boxes:
        low_m, high_m = box.z_range_m
        if high_m > 0:
            kept.append(box)
        else:
            place = f"lies behind the camera, at z = {low_m:.3g} to {high_m:.3g} m"
            rejects.failed(Reason.BAD_BOX, f"{_name(box)} {place}; give it in the camera frame, z forward, or omit it.")
    return kept


def _camera(camera: Row | None, size: Size, boxes: Sequence[Box], rejects: PartRejects) -> Row | None:
    fault = intrinsics_fault(camera, size, boxes) if camera else None
    if fault:
        rejects.failed(Reason.BAD_INTRINSICS, fault)
        return None
    return camera


def _over_masks(boxes: list[Box], camera: Row | None, size: Size, rejects: PartRejects) -> list[Box]:
    if camera is None:
        return boxes
    from_camera = Pinhole.of(camera)
    kept = []
    for box in boxes:
        if box.covers(from_camera, size) is not False:
            kept.append(box)
            continue
        u0, v0, u1, v1 = box.rectangle(from_camera) or (math.nan,) * 4
        seen = "" if box.seen is None else f" at ({box.seen.u:.0f}, {box.seen.v:.0f})"
        place = f"projects to columns {u0:.0f} to {u1:.0f} and rows {v0:.0f} to {v1:.0f}, not over its mask{seen}"
        rejects.failed(Reason.BAD_BOX, f"{_name(box)} {place}; give it in the frame of this camera, or omit it.")
    return kept


def _at_depth(boxes: list[Box], rejects: PartRejects) -> tuple[list[Box], bool]:
    """Return the boxes that agree with the depth under their masks, and whether depth itself is contradicted."""
    factors = {box.object_id: factor for box in boxes if (factor := box.depth_factor()) is not None}
    if not factors:
        return boxes, False
    common = math.exp(median(math.log(factor) for factor in factors.values()))
    limit = _MANY_FACTOR if len(factors) >= _MANY_BOXES else _FEW_FACTOR
    if not 1 / limit <= common <= limit:
        return _other_scale(boxes, factors, common, rejects)
    kept = []
    for box in boxes:
        factor = factors.get(box.object_id, 1.0)
        if 1 / _OWN_FACTOR <= factor <= _OWN_FACTOR:
            kept.append(box)
        else:
            low_m, high_m = box.z_range_m
            where = f"lies {low_m:.3g} to {high_m:.3g} m away, and the depth under its mask is {factor:.2g} times that"
            rejects.failed(Reason.BAD_BOX, f"{_name(box)} {where}; correct the box or the mask.")
    return kept, False


def _other_scale(
    boxes: list[Box], factors: dict[int, float], common: float, rejects: PartRejects
) -> tuple[list[Box], bool]:
    # The map does not say its unit, so it is doubted first; boxes of tens of meters are doubted before it.
    if median(box.largest_m for box in boxes) > _LARGEST_BOXES_M:
        for box in boxes:
            error = f"{_name(box)} is {box.largest_m:.3g} m long and contradicts the depth {1 / common:.3g} times"
            rejects.failed(Reason.BAD_BOX, f"{error}; give it in meters.")
        return [], False
    contradiction = f"is {common:.3g} times as far as the boxes of {len(factors)} objects (median)"
    middle = median(factor for box in boxes if (factor := box.distance_factor()) is not None)
    scale = likely_units(MM_PER_M * middle)
    shown = f"{scale:.0f}" if scale >= 100 else f"{scale:.3g}"
    remedy = f"give the map's units per meter as `depth_scale`, perhaps {shown}, or correct the boxes"
    rejects.failed(Reason.BAD_DEPTH, f"The depth map {contradiction}; {remedy}.")
    return boxes, True


def _sizes_contradict(clause: str | None, rejects: PartRejects) -> bool:
    if clause:
        remedy = "give the map's units per meter as `depth_scale`, or correct `camera`"
        rejects.failed(Reason.BAD_DEPTH, f"The depth map {clause}; {remedy}.")
    return clause is not None


def _gravity(
    gravity: list[float] | None, depth: Map | None, camera: Row | None, rejects: PartRejects
) -> list[float] | None:
    if gravity is None or depth is None or camera is None or not points_up(gravity, depth.values, camera):
        return gravity
    shown = ", ".join(f"{value:.2f}" for value in gravity)
    error = f"Gravity [{shown}] points up: the level surfaces in `depth` would all face down; reverse its sign."
    rejects.failed(Reason.BAD_GRAVITY, error)
    return None


def _with_boxes(objects: list[Row], boxes: Sequence[Box]) -> list[Row]:
    kept = {box.object_id for box in boxes}
    return [item if item["id"] in kept else {**item, "box_3d": None} for item in objects]


def _name(box: Box) -> str:
    return f"Box of object {box.object_id}"
